import { cursor } from './cursor.ts';
import { keyset } from './keyset.ts';
import { link } from './link.ts';
import { offset } from './offset.ts';
import { pageNumber } from './page-number.ts';
import type { Pagination } from './pagination.ts';
import { timeWindow } from './time-window.ts';

/** Every way to cut a listing into pages, by the name used in a configuration. */
export const paginations = {
  offset,
  'page-number': pageNumber,
  cursor,
  link,
  keyset,
  'time-window': timeWindow,
} as const satisfies Readonly<Record<string, Pagination>>;

/** The name of a pagination. */
export type PaginationName = keyof typeof paginations;
