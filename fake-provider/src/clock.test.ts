import { expect, it, vi } from 'vitest';
import { manualClock, realClock, settableClock } from './clock.ts';
import { createProvider } from './provider.ts';

it('stands still until it is moved', () => {
  const clock = manualClock(5);

  expect([clock.now(), clock.now()]).toEqual([5, 5]);
  clock.advance(10);
  expect(clock.now()).toBe(15);
});

it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('does not advance by %s', (ms) => {
  expect(() => manualClock().advance(ms)).toThrow(new RangeError(`manualClock: ms must be 0 or more, got ${ms}`));
});

it('follows whoever owns the platform clock', () => {
  vi.useFakeTimers({ now: 1_000 });
  try {
    expect(realClock.now()).toBe(1_000);
  } finally {
    vi.useRealTimers();
  }
});

it('runs as the clock beneath does, until it is moved or stopped, and again after a reset', () => {
  const beneath = manualClock(1_000);
  const clock = settableClock(beneath);
  beneath.advance(5);
  expect(clock.now()).toBe(1_005);

  clock.freeze();
  beneath.advance(100);
  clock.advance(20);
  expect([clock.now(), clock.isFrozen]).toEqual([1_025, true]);
  clock.reset();
  expect([clock.now(), clock.isFrozen]).toEqual([1_105, false]);
  expect(() => clock.advance(-1)).toThrow(new RangeError('clock: ms must be 0 or more, got -1'));
});

it('is the one clock of headers, tokens, limits, records and ledger, when the configuration makes it manual', async () => {
  const provider = createProvider({
    ...{ clock: 'manual', auth: { tokenTtlSeconds: 60 } },
    limits: [{ kind: 'fixed-window', name: 'window', with: { limit: 2, windowSeconds: 30 } }],
    faults: [{ fault: 'rate-limited', on: { calls: [1] }, with: { retryAfterSeconds: 5, retryAfterAs: 'http-date' } }],
  });
  const send = (path: string, init?: RequestInit) => provider.fetch(`https://api.test${path}`, init);
  const form = { grant_type: 'client_credentials', client_id: 'demo-client', client_secret: 'demo-secret' };
  const token = async () =>
    (await (await send('/oauth/token', { method: 'POST', body: new URLSearchParams(form) })).json()).access_token;
  await token();
  const headers = { authorization: `Bearer ${await token()}` };
  const get = () => send('/items', { headers });

  provider.clock.advance(1_000);
  const limited = await get();
  const nowMs = Date.UTC(2026, 0, 1, 0, 0, 1);
  expect(Date.parse(limited.headers.get('date')!)).toBe(nowMs);
  expect(Date.parse(limited.headers.get('retry-after')!)).toBe(nowMs + 5_000);
  expect(provider.ledger.entries.at(-1)).toMatchObject({ atMs: nowMs, retryAtMs: nowMs + 5_000 });
  provider.clock.advance(5_000);
  for (const status of [200, 200, 429]) {
    const answer = await get();
    expect(answer.status).toBe(status);
    expect(answer.headers.get('ratelimit-reset')).toBe('24');
  }
  provider.clock.advance(24_000);
  expect((await get()).status).toBe(200);
  provider.clock.advance(30_000);
  expect((await get()).status).toBe(401);

  provider.reset();
  expect(provider.clock.now()).toBe(Date.UTC(2026, 0, 1));
});
