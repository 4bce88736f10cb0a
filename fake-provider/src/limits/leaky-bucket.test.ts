import { expect, it } from 'vitest';
import { createCallers } from './callers.ts';
import { leakyBucket } from './leaky-bucket.ts';

it('holds so many drops and leaks at a steady rate, as used out of size', () => {
  const bucket = createCallers(
    leakyBucket.create({ size: 40, leakPerSecond: 2 }, { name: 'test', purpose: 'rate', announced: true }),
  );
  for (let drops = 0; drops < 40; drops += 1) bucket.spend('one', demand(START));
  const used = (nowMs: number): string => {
    const { limit, remaining } = bucket.standing('one', demand(nowMs));
    return `${limit - remaining}/${limit}`;
  };

  expect([0, 499, 500, 4_000, 20_000].map((later) => used(START + later))).toEqual([
    '40/40',
    '40/40',
    '39/40',
    '32/40',
    '0/40',
  ]);
  expect(bucket.standing('one', demand(START))).toMatchObject({
    windowSeconds: 20,
    allowedAtMs: START + 500,
    resetAtMs: START + 20_000,
  });
});

const START = Date.UTC(2026, 0, 1);
const demand = (nowMs: number) => ({ nowMs, cost: 1, endsAtMs: nowMs });
