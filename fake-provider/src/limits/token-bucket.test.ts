import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Callers, createCallers } from './callers.ts';
import type { Demand } from './limit.ts';
import { tokenBucket } from './token-bucket.ts';

it('allows a burst, and then what flows back', () => {
  const limiter = make({ ratePerSecond: 2, burst: 5 });

  expect(spendAll(limiter, START)).toBe(5);
  expect(spendAll(limiter, START + 499)).toBe(0);
  expect(spendAll(limiter, START + 500)).toBe(1);
  expect(spendAll(limiter, START + 2_000)).toBe(3);
});

it('never holds more than its burst', () => {
  const limiter = make({ ratePerSecond: 2, burst: 5 });
  limiter.spend('one', demand(START));

  expect(spendAll(limiter, START + 3_600_000)).toBe(5);
});

it('says when one token will be back, and when all will', () => {
  const limiter = make({ ratePerSecond: 2, burst: 2 });
  limiter.spend('one', demand(START));
  limiter.spend('one', demand(START));

  expect(limiter.standing('one', demand(START))).toMatchObject({
    limit: 2,
    windowSeconds: 1,
    remaining: 0,
    allowedAtMs: START + 500,
    resetAtMs: START + 1_000,
  });
});

it('keeps the part of a token that has flowed back', () => {
  const limiter = make({ ratePerSecond: 1, burst: 1 });
  limiter.spend('one', demand(START));
  limiter.spend('one', demand(START + 1_500));

  expect(limiter.standing('one', demand(START + 1_500)).allowedAtMs).toBe(START + 2_500);
});

it('fills each caller a bucket of their own', () => {
  const limiter = make({ ratePerSecond: 1, burst: 1 });
  limiter.spend('one', demand(START));

  expect(limiter.standing('other', demand(START)).remaining).toBe(1);
});

it('loses no token to rounding, at any rate and burst', () => {
  const rates = fc.oneof(fc.double({ min: 0.01, max: 10, noNaN: true }), fc.integer({ min: 1, max: 100_000 }));
  fc.assert(
    fc.property(rates, fc.integer({ min: 1, max: 200 }), fc.nat(100_000), (ratePerSecond, burst, later) => {
      const limiter = make({ ratePerSecond, burst });
      for (let left = burst; left > 0; left -= 1) {
        expect(limiter.standing('one', demand(START + later)).remaining).toBe(left);
        limiter.spend('one', demand(START + later));
      }
      const { remaining, resetAtMs, allowedAtMs } = limiter.standing('one', demand(START + later));
      expect(remaining).toBe(0);
      expect(allowedAtMs).toBeGreaterThan(START + later);
      expect(limiter.standing('one', demand(allowedAtMs)).remaining).toBeGreaterThanOrEqual(1);
      expect(limiter.standing('one', demand(resetAtMs)).remaining).toBe(burst);
    }),
    { numRuns: 300 },
  );
});

const START = Date.UTC(2026, 0, 1);

function make(options: { ratePerSecond: number; burst: number }): Callers {
  return createCallers(tokenBucket.create(options, { name: 'test', purpose: 'rate', announced: true }));
}

/** Spends until nothing remains, and tells how often that went well. */
function spendAll(limiter: Callers, nowMs: number): number {
  let count = 0;
  for (; limiter.standing('one', demand(nowMs)).remaining > 0; count += 1) limiter.spend('one', demand(nowMs));
  return count;
}

/** One request, which costs one unit. */
function demand(nowMs: number): Demand {
  return { nowMs, cost: 1, endsAtMs: nowMs };
}
