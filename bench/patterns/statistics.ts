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
