import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { requestLog } from './request-log.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const ITEMS = 'https://api.test/items';
const HOUR_MS = 3_600_000;

it('is at most 1 % off the exact percentiles, from 0.1 ms to an hour', () =>
  fc.assert(
    fc.asyncProperty(fc.array(durations(), { minLength: 1, maxLength: 300, size: 'max' }), async (durationsMs) => {
      const { figures } = await measured(durationsMs);
      const { p50Ms, p95Ms, p99Ms } = figures();

      for (const [percent, estimate] of [
        [50, p50Ms],
        [95, p95Ms],
        [99, p99Ms],
      ] as const) {
        const exact = exactly(percent, durationsMs);
        expect(Math.abs(estimate! - exact) / exact).toBeLessThanOrEqual(0.01);
      }
    }),
    { numRuns: 300 },
  ));

it.each([
  [0, 0.1],
  [0.01, 0.1],
  [0.1, 0.1],
  [HOUR_MS, HOUR_MS],
  [10 * HOUR_MS, HOUR_MS],
])('counts %d ms as %d ms, to within 1 %', async (durationMs, shownMs) => {
  const { figures } = await measured([durationMs]);
  expect(Math.abs(figures().p50Ms! / shownMs - 1)).toBeLessThanOrEqual(0.01);
});

it('takes no more memory, however many attempts there are', async () => {
  using made = vi.spyOn(globalThis, 'Uint32Array');
  const { figures } = await measured(Array.from({ length: 20_000 }, (_, index) => index / 7));
  const counted = figures().requests;
  const arrays = made.mock.results.map(({ value }) => value as Uint32Array);

  expect(counted).toBe(20_000);
  // One for each of the ten slots, one when a slot begins, one for the sum.
  expect(arrays).toHaveLength(12);
  expect(arrays.reduce((bytes, { byteLength }) => bytes + byteLength, 0)).toBeLessThan(50_000);
});

it('counts what failed, what was throttled, and what came through in a second', async () => {
  const log = requestLog();
  for (const status of [200, 201, 404, 429, 429, 500, 503, 0]) {
    await log(async () => (status ? new Response(null, { status }) : Promise.reject(new TypeError('fetch failed'))))(
      ITEMS,
    ).catch(() => {});
  }
  vi.advanceTimersByTime(2_000);

  expect(log.figures()).toMatchObject({ requests: 8, errorRatio: 3 / 8, throttled: 2, perSecond: 4 });
});

it('leaves out what its caller gave up, but not what ran out of time', async () => {
  const log = requestLog();
  const call = (reason: unknown) => {
    const signal = AbortSignal.abort(reason);
    return log(() => Promise.reject(signal.reason))(ITEMS, { signal }).catch(() => {});
  };

  await call(new DOMException('', 'AbortError'));
  await call('changed my mind');
  expect(log.figures().requests).toBe(0);
  await call(new DOMException('', 'TimeoutError'));
  expect(log.figures()).toMatchObject({ requests: 1, errorRatio: 1 });
});

it('counts an answer, whatever became of its signal', async () => {
  const log = requestLog();
  await log(async () => new Response())(ITEMS, { signal: AbortSignal.abort() });
  expect(log.figures().requests).toBe(1);
});

it('has no percentiles and no errors before the first attempt', () => {
  expect(requestLog().figures()).toEqual({
    requests: 0,
    errorRatio: 0,
    throttled: 0,
    perSecond: 0,
    p50Ms: undefined,
    p95Ms: undefined,
    p99Ms: undefined,
  });
});

it('forgets what is older than its window, to within a tenth, on reading too', async () => {
  const log = requestLog({ windowMs: 1_000 });
  await log(async () => new Response(null, { status: 429 }))(ITEMS);

  vi.advanceTimersByTime(900);
  expect(log.figures()).toMatchObject({ requests: 1, throttled: 1 });
  vi.advanceTimersByTime(100);
  expect(log.figures()).toMatchObject({ requests: 0, throttled: 0, perSecond: 0, p99Ms: undefined });
});

it('goes back a minute by default', async () => {
  const log = requestLog();
  await log(async () => new Response())(ITEMS);
  vi.advanceTimersByTime(54_000);
  expect(log.figures().requests).toBe(1);
  vi.advanceTimersByTime(6_000);
  expect(log.figures().requests).toBe(0);
});

it('shows no more than its window, however long it runs', () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.nat(400), { minLength: 1, maxLength: 100 }), async (pausesMs) => {
      const log = requestLog({ windowMs: 1_000 });
      const endedAt: number[] = [];
      for (const pauseMs of pausesMs) {
        vi.advanceTimersByTime(pauseMs);
        await log(async () => new Response())(ITEMS);
        endedAt.push(performance.now());
      }
      const within = (ms: number) => endedAt.filter((at) => performance.now() - at < ms).length;
      const { requests } = log.figures();

      expect(requests).toBeGreaterThanOrEqual(within(900));
      expect(requests).toBeLessThanOrEqual(within(1_000));
    }),
  ));

it('gives the throughput of the window, not of all time', async () => {
  const log = requestLog({ windowMs: 1_000 });
  vi.advanceTimersByTime(60_000);
  for (let nth = 0; nth < 100; nth += 1) {
    vi.advanceTimersByTime(10);
    await log(async () => new Response())(ITEMS);
  }
  const { perSecond } = log.figures();

  expect(perSecond).toBeGreaterThan(95);
  expect(perSecond).toBeLessThan(105);
});

it('has watched for a millisecond at least', async () => {
  const log = requestLog();
  await log(async () => new Response())(ITEMS);

  expect(log.figures().perSecond).toBe(1_000);
});

/** Evenly spread by their order of magnitude, as delays are. */
function durations(): fc.Arbitrary<number> {
  const { log10 } = Math;
  return fc.double({ min: log10(0.1), max: log10(HOUR_MS), noNaN: true }).map((exponent) => 10 ** exponent);
}

function exactly(percent: number, durationsMs: readonly number[]): number {
  const sorted = [...durationsMs].sort((one, other) => one - other);
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1]!;
}

/** A log of attempts that took so long, all within one window. */
async function measured(durationsMs: readonly number[]) {
  let now = 0;
  using clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  const log = requestLog({ windowMs: 1e12 });
  const fetch = log(async () => {
    now += durationsMs[sent++]!;
    return new Response();
  });
  let sent = 0;
  while (sent < durationsMs.length) await fetch(ITEMS);
  const figures = log.figures();
  clock.mockRestore();
  return { figures: () => figures };
}
