import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type BackoffEvent, type BackoffOptions, backoff, type Fetch } from './backoff.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
  vi.setTimerTickMode('nextTimerAsync');
});
afterEach(() => {
  // A spy on a fake timer first: restored later, it would bring the fake back.
  vi.restoreAllMocks();
  vi.useRealTimers();
});

it.each<[string, Record<string, string>, number]>([
  ['seconds', { 'retry-after': '3' }, 3_000],
  ['decimal seconds, as Shopify sends', { 'retry-after': '2.0' }, 2_000],
  ['fractions of a second', { 'retry-after': '0.25' }, 250],
  ['milliseconds', { 'retry-after-ms': '1500' }, 1_500],
  ['the longest of two lines of milliseconds', { 'retry-after-ms': '1500, 5000' }, 5_000],
  ['an IMF-fixdate', { 'retry-after': 'Sun, 22 Nov 2026 12:00:05 GMT' }, 5_000],
  ['an RFC 850 date', { 'retry-after': 'Sunday, 22-Nov-26 12:00:05 GMT' }, 5_000],
  ['an asctime date', { 'retry-after': 'Sun Nov 22 12:00:05 2026' }, 5_000],
  ['asctime’s one-digit day', { 'retry-after': 'Sun Nov  1 12:00:05 2026', date: 'Sun Nov  1 12:00:00 2026' }, 5_000],
  ['a date by the server’s own clock', { 'retry-after': date(-3_595), date: date(-3_600) }, 5_000],
  ['a date where Date is junk', { 'retry-after': date(5), date: 'yesterday' }, 5_000],
  ['a past date as zero', { 'retry-after': 'Sun, 06 Nov 1994 08:49:37 GMT' }, 0],
  ['a past RFC 850 date as zero', { 'retry-after': 'Sunday, 06-Nov-94 08:49:37 GMT' }, 0],
  ['zero', { 'retry-after': '0' }, 0],
  ['the longest of two lines', { 'retry-after': '2, 7' }, 7_000],
  ['the longest of two lines, a date last', { 'retry-after': `1, ${date(6)}` }, 6_000],
  ['the longest of two lines, a date first', { 'retry-after': `${date(6)}, 1` }, 6_000],
  ['the one of two lines that is not junk', { 'retry-after': 'junk, 60' }, 60_000],
  ['Retry-After beside a shorter retry-after-ms', { 'retry-after': '2', 'retry-after-ms': '500' }, 2_000],
  ['retry-after-ms beside a shorter Retry-After', { 'retry-after': '1', 'retry-after-ms': '1800' }, 1_800],
])('reads %s', async (_what, headers, askedMs) => {
  const [event] = await eventsOf(headers, { random: () => 0 });

  expect(event).toMatchObject({ type: 'retry', retryAt: NOW + askedMs, waitMs: askedMs + 1 });
});

it.each([
  '',
  ' ',
  'junk',
  '-1',
  '1e3',
  '0x10',
  '+5',
  'NaN',
  'Infinity',
  '2026-11-22T12:00:05Z',
  'Sun, 22 Foo 2026 12:00:05 GMT',
])('takes %o for absent, and backs off as usual', async (junk) => {
  const [event] = await eventsOf({ 'retry-after': junk, 'retry-after-ms': junk }, { random: () => 0.5 });

  expect(event).toMatchObject({ type: 'retry', retryAt: undefined, waitMs: 125 });
});

it('never returns earlier than asked, and up to a tenth later', () =>
  fc.assert(
    fc.asyncProperty(
      fc.double({ min: 0, max: 120, noNaN: true }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      async (asked, random) => {
        const seconds = asked.toFixed(3);
        const askedMs = Number(seconds) * 1_000;
        const startedAt = performance.now();
        const events = await eventsOf({ 'retry-after': seconds }, { random: () => random });
        const waitedMs = performance.now() - startedAt;

        expect(events).toMatchObject([{ type: 'retry' }]);
        expect(waitedMs).toBeGreaterThan(askedMs);
        expect(waitedMs).toBeLessThanOrEqual(askedMs + Math.max(250, askedMs / 10) + 2);
      },
    ),
    { numRuns: 100 },
  ));

it('adds no more jitter than capMs', async () => {
  const [event] = await eventsOf({ 'retry-after': '60' }, { baseMs: 30_000, capMs: 1_000, random: () => 0.9 });

  expect(event).toMatchObject({ type: 'retry', waitMs: 60_000 + 1 + 900 });
});

it('does not send a herd back at one instant', async () => {
  const returns = new Set<number>();
  const server: Fetch = async () => {
    if (Date.now() > NOW) returns.add(Date.now());
    return new Response(null, { status: Date.now() > NOW ? 200 : 503, headers: { 'retry-after': '10' } });
  };
  const retrying = backoff({ budget: false })(server);

  await Promise.all(Array.from({ length: 200 }, () => retrying('https://api.test')));

  expect(Math.min(...returns)).toBeGreaterThan(NOW + 10_000);
  expect(returns.size).toBeGreaterThan(100);
});

it('returns the response at once when the server asks for longer than maxRetryAfterMs', async () => {
  const events = await eventsOf({ 'retry-after': '121' });

  expect(Date.now()).toBe(NOW);
  expect(events).toMatchObject([{ type: 'give-up', reason: 'wait-too-long', status: 503, retryAt: NOW + 121_000 }]);
});

it('waits for exactly maxRetryAfterMs: jitter on top does not count against it', async () => {
  const [event] = await eventsOf({ 'retry-after': '120' }, { random: () => 0.9 });

  expect(event).toMatchObject({ type: 'retry', waitMs: 120_000 + 1 + 0.9 * 12_000 });
});

it('returns the response at once when the server asks for longer than is left of totalMs', async () => {
  const events = await eventsOf({ 'retry-after': '5' }, { totalMs: 4_999 });

  expect(Date.now()).toBe(NOW);
  expect(events).toMatchObject([{ type: 'give-up', reason: 'wait-too-long', retryAt: NOW + 5_000 }]);
});

it('cuts the jitter, not the wait, to fit into totalMs', async () => {
  const [event] = await eventsOf({ 'retry-after': '5' }, { totalMs: 5_100, random: () => 0.9 });

  expect(event).toMatchObject({ type: 'retry', waitMs: 5_100 });
});

it('never sets a timer that overflows, however long it may wait', async () => {
  const longest = 2 ** 31 - 1;
  const setTimer = vi.spyOn(globalThis, 'setTimeout');

  await eventsOf({ 'retry-after-ms': `${longest}` }, { maxRetryAfterMs: longest, random: () => 0.9 });
  const tooLong = await eventsOf({ 'retry-after': '9'.repeat(400) }, { maxRetryAfterMs: longest });

  expect(setTimer.mock.calls.map(([, ms]) => ms)).toEqual([longest]);
  expect(tooLong).toMatchObject([{ type: 'give-up', reason: 'wait-too-long' }]);
});

it.each(['1,', ' ', 'a,', 'Sun, ', ', 06 N', '9', '1.'])('reads 50,000 times %o in linear time', async (part) => {
  vi.useRealTimers();
  const hostile = part.repeat(50_000);
  const before = process.threadCpuUsage();

  await eventsOf({ 'retry-after': hostile, 'retry-after-ms': hostile }, { attempts: 1 });

  const { user, system } = process.threadCpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(500);
});

/** What the policy tells about a 503 with these headers, after which the server recovers. */
async function eventsOf(headers: Record<string, string>, options: BackoffOptions = {}): Promise<BackoffEvent[]> {
  const events: BackoffEvent[] = [];
  let recovered = false;
  const server: Fetch = async () => {
    const status = recovered ? 200 : 503;
    recovered = true;
    return new Response(null, { status, headers });
  };
  await backoff({ ...options, onEvent: (event) => events.push(event) })(server)('https://api.test/items');
  return events;
}

/** An IMF-fixdate so many seconds from now. */
function date(seconds: number): string {
  return new Date(NOW + seconds * 1_000).toUTCString();
}
