import * as query from '../query.ts';
import type { PageSize } from './pagination.ts';

/** What a listing request may say, whatever a dialect calls it. */
export type ParamName = 'limit' | 'cursor' | 'offset' | 'page' | 'after' | 'since' | 'until';

/** The parameters of a listing request, by what they mean. */
export interface Params {
  /** The text of a parameter, or `undefined` where it is missing. Throws `Problem` 400 where it is given twice. */
  text(name: ParamName): string | undefined;
  /** A whole number. Throws `Problem` 400 where it is none, or out of range. */
  integer(
    name: ParamName,
    range: { readonly least: number; readonly most: number; readonly otherwise: number },
  ): number;
  /** An instant, in epoch milliseconds. Throws `Problem` 400 where it is none. */
  instant(name: ParamName): number | undefined;
  /** What the dialect calls it. */
  field(name: ParamName): string;
}

/** Reads parameters under the names a dialect has for them. */
export function createParams(source: URLSearchParams, fields: Readonly<Record<ParamName, string>>): Params {
  return {
    text: (name) => query.text(source, fields[name]),
    integer: (name, range) => query.integer(source, fields[name], range),
    instant: (name) => query.instant(source, fields[name]),
    field: (name) => fields[name],
  };
}

/** The parameters of a request, some of them changed, or, where `undefined`, left out. */
export function changed(
  source: URLSearchParams,
  fields: Readonly<Record<ParamName, string>>,
  change: Readonly<Partial<Record<ParamName, string | undefined>>>,
): URLSearchParams {
  const copy = new URLSearchParams(source);
  for (const [name, value] of Object.entries(change)) {
    const field = fields[name as ParamName];
    if (value === undefined) copy.delete(field);
    else copy.set(field, value);
  }
  return copy;
}

/** Far above any page size, so that a silent cap has something to cap. */
const ANY_SIZE = 1_000_000;

/** How many records this page is to hold. */
export function pageLimit(params: Params, pageSize: PageSize): number {
  const most = pageSize.overMax === 'cap' ? ANY_SIZE : pageSize.max;
  return Math.min(params.integer('limit', { least: 1, most, otherwise: pageSize.default }), pageSize.max);
}
