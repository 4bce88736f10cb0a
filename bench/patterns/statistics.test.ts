import { expect, it } from 'vitest';
import { fairness, median, quantile } from './statistics.ts';

it('finds quantiles whatever the order', () => {
  const values = [5, 1, 4, 2, 3];

  expect(median(values)).toBe(3);
  expect(quantile([...values, ...Array(95).fill(9)], 0.99)).toBe(9);
  expect(median([])).toBeNaN();
});

it('calls it fair when all have the same, and 1/n when one has everything', () => {
  expect(fairness([7, 7, 7, 7])).toBe(1);
  expect(fairness([0, 0, 8, 0])).toBe(0.25);
  expect(fairness([1, 3])).toBe(0.8);
});
