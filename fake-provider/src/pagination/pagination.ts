import type { ProviderRecord } from '../data/record.ts';
import type { Resource } from '../data/resource.ts';
import type { Params } from './params.ts';

/** How large a page may be, and what happens to a client that asks for more. */
export interface PageSize {
  readonly default: number;
  readonly max: number;
  /** `reject` answers 400; `cap` quietly sends fewer than asked, as many platforms do. */
  readonly overMax: 'reject' | 'cap';
}

/** One page, before a dialect words it. */
export interface Page {
  readonly records: readonly ProviderRecord[];
  /** Where the first of them stands in the listing, from 0. */
  readonly offset: number;
  /** How many were asked for, or allowed if that is fewer. */
  readonly limit: number;
  /** How many records the provider says there are. */
  readonly total: number;
  /** Whether the provider says that more follow. */
  readonly more: boolean;
  /** What to ask the next page by: a cursor, an id, an offset or a page number, as the pagination has it. */
  readonly next: string | undefined;
  /** The origin that links to other pages lead to, where it is not the one that was called. */
  readonly origin?: string;
}

/** One way to cut a listing into pages. */
export interface Pagination {
  /** The name used in a configuration. */
  readonly name: string;
  /** One line for people who choose. */
  readonly summary: string;
  /**
   * Reads one page.
   *
   * @throws `Problem` 400 naming the parameter at fault, as the dialect calls it.
   */
  read(resource: Resource, params: Params, pageSize: PageSize): Page;
}
