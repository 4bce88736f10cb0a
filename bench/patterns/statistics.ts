import { quantileSorted } from 'simple-statistics';

/** The value below which a share of the values lies; `NaN` of none. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  return quantileSorted(
    [...values].sort((one, other) => one - other),
    share,
  );
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * Jain's index of how evenly something is shared: 1 where everybody has the same, 1/n where one of n has all.
 * Jain, Chiu and Hawe, DEC-TR-301 (1984).
 */
export function fairness(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => total + share, 0);
  const squares = shares.reduce((total, share) => total + share ** 2, 0);
  return sum ** 2 / (shares.length * squares);
}
