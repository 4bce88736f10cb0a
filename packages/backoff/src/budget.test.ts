import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type BackoffEvent, backoff, type Fetch } from './backoff.ts';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setTimerTickMode('nextTimerAsync');
});
afterEach(() => void vi.useRealTimers());

const ITEMS = 'https://api.test/items';

it('keeps the load of an outage below 1.2 times the calls', async () => {
  const server = failing();
  const retrying = backoff()(server);

  for (let second = 0; second < 60; second += 1) {
    for (let call = 0; call < 100; call += 1) void retrying(ITEMS);
    await pass(1_000);
  }

  expect(server.mock.calls.length / 6_000).toBeLessThanOrEqual(1.2);
  expect(server.mock.calls.length / 6_000).toBeGreaterThan(1.15);
});

it('never sends more than the budget, whatever the pattern of calls', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ calls: fc.nat(40), gapMs: fc.nat(15_000) }), { maxLength: 15 }),
      fc.nat(100),
      fc.nat(12),
      async (bursts, percent, floor) => {
        const ratio = percent / 100;
        const server = failing();
        const retrying = backoff({ budget: { ratio, floor } })(server);
        const startedAt = performance.now();
        let calls = 0;
        for (const burst of bursts) {
          for (let call = 0; call < burst.calls; call += 1) void retrying(ITEMS);
          calls += burst.calls;
          await pass(burst.gapMs);
        }
        await pass(60_000);

        // What is spent of the floor grows back by ln 2 of it in every half-life.
        const halfLives = (performance.now() - startedAt) / 30_000;
        const most = ratio * calls + (floor + 0.5) * (1 + Math.LN2 * halfLives);
        expect(server.mock.calls.length - calls).toBeLessThanOrEqual(most);
      },
    ),
    { numRuns: 60 },
  ));

it('leaves a client that calls rarely enough for every retry', async () => {
  const server = failing();
  const retrying = backoff()(server);

  for (let call = 0; call < 10; call += 1) {
    await retrying(ITEMS);
    await pass(30_000);
  }

  expect(server).toHaveBeenCalledTimes(40);
});

it('grants a spent floor again after a half-life', async () => {
  const server = failing();
  const retrying = backoff({ budget: { ratio: 0, floor: 1 } })(server);

  await retrying(ITEMS);
  await pass(15_000);
  await retrying(ITEMS);
  expect(server).toHaveBeenCalledTimes(3);

  await pass(30_000);
  await retrying(ITEMS);
  expect(server).toHaveBeenCalledTimes(5);
});

it('says when it gives up for the budget', async () => {
  const events: BackoffEvent[] = [];
  const retrying = backoff({ budget: { ratio: 0, floor: 1 }, onEvent: (event) => events.push(event) })(failing());

  await retrying(ITEMS);

  expect(events).toMatchObject([
    { type: 'retry', attempt: 1 },
    { type: 'give-up', attempt: 2, reason: 'budget' },
  ]);
});

it('is charged when the retry is scheduled, not when it is sent', async () => {
  const server = failing({ 'retry-after': '60' });
  const retrying = backoff({ budget: { ratio: 0, floor: 1 } })(server);

  void retrying(ITEMS);
  await retrying(ITEMS);

  expect(server).toHaveBeenCalledTimes(2);
});

it('is refunded when the caller aborts the wait', async () => {
  const server = failing({ 'retry-after': '20' });
  const retrying = backoff({ attempts: 2, budget: { ratio: 0, floor: 1 } })(server);

  const caller = new AbortController();
  const aborted = retrying(ITEMS, { signal: caller.signal }).catch((reason) => reason);
  await pass(1_000);
  caller.abort('enough');
  expect(await aborted).toBe('enough');
  await retrying(ITEMS);

  expect(server).toHaveBeenCalledTimes(3);
});

it('is refunded no more than is left of the charge', async () => {
  const server = failing({ 'retry-after': '100' });
  const retrying = backoff({ attempts: 2, budget: { ratio: 0, floor: 1 } })(server);

  // The first charge has faded to an eighth by the time its wait is aborted; the second has not.
  const caller = new AbortController();
  const first = retrying(ITEMS, { signal: caller.signal }).catch((reason) => reason);
  await pass(90_000);
  server.mockClear();
  void retrying(ITEMS);
  await pass(1);
  caller.abort();
  await first;
  await retrying(ITEMS);

  expect(server).toHaveBeenCalledTimes(2);
});

it('is shared by all fetches the policy wraps, and by no other policy', async () => {
  const [one, two, three] = [failing(), failing(), failing()];
  const options = { budget: { ratio: 0, floor: 1 } };
  const policy = backoff(options);

  await policy(one)(ITEMS);
  await policy(two)(ITEMS);
  await backoff(options)(three)(ITEMS);

  expect([one, two, three].map((server) => server.mock.calls.length)).toEqual([2, 1, 2]);
});

it('is lifted by false', async () => {
  const server = failing();
  const retrying = backoff({ budget: false })(server);

  await Promise.all(Array.from({ length: 50 }, () => retrying(ITEMS)));

  expect(server).toHaveBeenCalledTimes(200);
});

function failing(headers: Record<string, string> = {}) {
  return vi.fn<Fetch>(async () => new Response(null, { status: 503, headers }));
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
