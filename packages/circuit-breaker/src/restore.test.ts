import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import {
  type CircuitBreaker,
  type CircuitBreakerOptions,
  circuitBreaker,
  type SavedCircuit,
} from './circuit-breaker.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ORIGIN = 'https://api.test';
const OPTIONS: CircuitBreakerOptions = { minimumCalls: 3, windowMs: 10_000, openMs: 1_000, maxOpenMs: 8_000 };

it('goes on after a restart as it would have without', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(200, 200, 500), fc.nat(3_000)), { maxLength: 40 }),
      fc.nat(40),
      async (calls, restartAfter) => {
        const kept = circuitBreaker(OPTIONS);
        let restarted = circuitBreaker(OPTIONS);
        for (const [index, [status, pauseMs]] of calls.entries()) {
          if (index === restartAfter) restarted = restart(restarted);
          await call(kept, status);
          await call(restarted, status);
          vi.advanceTimersByTime(pauseMs);
          expect(restarted.state(ORIGIN)).toBe(kept.state(ORIGIN));
        }
      },
    ),
    { numRuns: 200 },
  ));

it('counts the time between save and restore', async () => {
  const breaker = circuitBreaker(OPTIONS);
  for (const status of [500, 500, 500]) await call(breaker, status);
  const saved = JSON.stringify(breaker.save());

  vi.advanceTimersByTime(999);
  expect(circuitBreaker({ ...OPTIONS, restore: JSON.parse(saved) }).state(ORIGIN)).toBe('open');
  vi.advanceTimersByTime(1);
  expect(circuitBreaker({ ...OPTIONS, restore: JSON.parse(saved) }).state(ORIGIN)).toBe('half-open');
});

it('restores on a process whose monotonic clock began elsewhere', async () => {
  const breaker = circuitBreaker(OPTIONS);
  for (const status of [500, 500, 500]) await call(breaker, status);
  const saved = breaker.save();
  const now = Date.now();

  vi.useRealTimers();
  vi.useFakeTimers({ now: now + 400 });
  const restored = circuitBreaker({ ...OPTIONS, restore: saved });

  await expect(restored(fetch)(ORIGIN)).rejects.toMatchObject({ retryAfterMs: 600 });
});

it('tests again what was being tested when it was saved', async () => {
  const breaker = circuitBreaker(OPTIONS);
  for (const status of [500, 500, 500]) await call(breaker, status);
  vi.advanceTimersByTime(1_000);
  void breaker(() => new Promise(() => {}))(ORIGIN);

  const restored = restart(breaker);
  expect(restored.state(ORIGIN)).toBe('half-open');
  await call(restored, 500);
  await expect(restored(fetch)(ORIGIN)).rejects.toMatchObject({ retryAfterMs: 2_000 });
});

it('is open no longer than maxOpenMs, and forgets its window in time, if the wall clock was wrong', async () => {
  const future = Date.now() + 1e9;
  const restored = circuitBreaker({
    ...OPTIONS,
    restore: [
      { key: ORIGIN, trips: 1, openUntil: future, window: [] },
      { key: 'https://other.test', trips: 0, window: [{ since: future, calls: 9, failures: 9 }] },
    ],
  });

  vi.advanceTimersByTime(7_999);
  expect(restored.state(ORIGIN)).toBe('open');
  vi.advanceTimersByTime(2_001);
  expect(restored.state(ORIGIN)).toBe('half-open');
  await restored(async () => new Response(null, { status: 500 }))('https://other.test');
  expect(restored.state('https://other.test')).toBe('closed');
});

it('shares nothing with what it was restored from', async () => {
  const saved: SavedCircuit[] = [{ key: ORIGIN, trips: 0, window: [{ since: Date.now(), calls: 1, failures: 1 }] }];

  await call(circuitBreaker({ ...OPTIONS, restore: saved }), 500);

  expect(saved[0]!.window[0]!.calls).toBe(1);
});

it.each([
  { restore: null },
  { restore: 'open' },
  { restore: {} },
  { restore: [null] },
  { restore: [{ trips: 0, window: [] }] },
  { restore: [{ key: ORIGIN, trips: 0 }] },
])('refuses %o, which save() never returned', (options) => {
  expect(() => circuitBreaker(options as unknown as CircuitBreakerOptions)).toThrow(
    /^circuitBreaker: restore must be what save\(\) returned, got /,
  );
});

function restart(breaker: CircuitBreaker): CircuitBreaker {
  return circuitBreaker({ ...OPTIONS, restore: JSON.parse(JSON.stringify(breaker.save())) });
}

async function call(breaker: CircuitBreaker, status: number): Promise<void> {
  await breaker(async () => new Response(null, { status }))(ORIGIN).catch(() => {});
}
