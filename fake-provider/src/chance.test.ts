import fc from 'fast-check';
import { expect, it } from 'vitest';
import { chance, pick, times, uuid } from './chance.ts';

it('depends on its parts and on nothing else', () => {
  const parts = fc.array(fc.oneof(fc.string(), fc.integer()), { maxLength: 5 });
  fc.assert(
    fc.property(parts, parts, (some, others) => {
      const before = chance(...some);
      chance(...others);
      expect(chance(...some)).toBe(before);
      expect(before).toBeGreaterThanOrEqual(0);
      expect(before).toBeLessThan(1);
    }),
  );
});

it('tells apart parts that only read alike together', () => {
  expect(chance('a', 'bc')).not.toBe(chance('ab', 'c'));
  expect(chance('a')).not.toBe(chance('a', ''));
});

it('spreads neighbours evenly', () => {
  const tenths = Array.from({ length: 10 }, () => 0);
  for (let nth = 0; nth < 10_000; nth += 1) tenths[pick(10, 'seed', nth)]! += 1;

  for (const count of tenths) expect(Math.abs(count - 1_000)).toBeLessThan(150);
});

it('says nothing of one decision by the one before', () => {
  let both = 0;
  for (let nth = 0; nth < 10_000; nth += 1) if (chance(1, nth) < 0.5 && chance(1, nth + 1) < 0.5) both += 1;

  expect(Math.abs(both - 2_500)).toBeLessThan(200);
});

it.each([0, 0.3, 1, 2.75])('lets happen %s times on average, one more or less', (rate) => {
  let sum = 0;
  for (let nth = 0; nth < 10_000; nth += 1) {
    const count = times(rate, 'site', nth);
    expect([Math.floor(rate), Math.ceil(rate)]).toContain(count);
    sum += count;
  }

  expect(sum / 10_000).toBeCloseTo(rate, 1);
});

it('names things in the form of a UUID, the same for the same parts', () => {
  expect(uuid(1, 'request')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(uuid(1, 'request')).toBe(uuid(1, 'request'));
  expect(uuid(1, 'request')).not.toBe(uuid(2, 'request'));
});
