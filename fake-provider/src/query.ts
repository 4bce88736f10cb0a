import { invalidParameter } from './problem.ts';

/**
 * The one value of a query parameter, or `undefined` where it is missing.
 *
 * @throws {@link Problem} 400 if it is given twice, since guessing which one was meant hides the client's mistake.
 */
export function text(query: URLSearchParams, field: string): string | undefined {
  const values = query.getAll(field);
  if (values.length > 1) throw invalidParameter(field, `must be given once, got it ${values.length} times`);
  return values[0];
}

/**
 * A whole number from a query parameter.
 *
 * @throws {@link Problem} 400 if it is anything but decimal digits between `least` and `most`.
 */
export function integer(
  query: URLSearchParams,
  field: string,
  { least, most, otherwise }: { readonly least: number; readonly most: number; readonly otherwise: number },
): number {
  const value = text(query, field);
  if (value === undefined) return otherwise;
  const number = Number(value);
  if (!/^\d{1,15}$/.test(value) || number < least || number > most) {
    throw invalidParameter(field, `must be a whole number from ${least} to ${most}, got ${quote(value)}`);
  }
  return number;
}

/**
 * An instant from a query parameter, in epoch milliseconds.
 *
 * @throws {@link Problem} 400 if it is not an RFC 3339 timestamp.
 */
export function instant(query: URLSearchParams, field: string): number | undefined {
  const value = text(query, field);
  if (value === undefined) return undefined;
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms)) throw invalidParameter(field, `must be an RFC 3339 timestamp, got ${quote(value)}`);
  return ms;
}

/** The client's own value, short enough for a message. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
}

/** Farther than any listing reaches, and still exact. */
export const FARTHEST = 999_999_999_999;
