import { cursorPagination, type Page, type PaginationOptions } from '@steadfetch/cursor-pagination';
import { keysetPagination } from '@steadfetch/keyset-pagination';
import { linkPagination } from '@steadfetch/link-pagination';
import { offsetPagination } from '@steadfetch/offset-pagination';

export type { Page, PaginationOptions };

/** The platform's `fetch`, or anything of its shape. */
export type Fetch = typeof globalThis.fetch;

/** A record, of which only its place in the listing matters. */
export interface Row {
  readonly id: number;
}

/** One of our paginators, and a provider that pages its way: two or three records at a time. */
export interface Paginator {
  readonly name: string;
  readonly read: (url: string | URL, options: PaginationOptions<Row>) => AsyncGenerator<Page<Row>, void, undefined>;
  /** Serves so many records, counted from 0; `body` makes an answer of some of them. */
  readonly serve: (count: number, body?: (rows: Row[]) => object) => Fetch;
}

export const paginators: readonly Paginator[] = [
  {
    name: 'offset-pagination',
    read: (url, options) => offsetPagination<Row>(url, { limit: 3, ...options }),
    serve: (count, body = asList) =>
      answer(({ searchParams }) => {
        const offset = Number(searchParams.get('offset'));
        return Response.json(body(rowsOf(count).slice(offset, offset + Number(searchParams.get('limit')))));
      }),
  },
  {
    name: 'cursor-pagination',
    read: (url, options) => cursorPagination<Row>(url, { next: ({ next }) => ({ cursor: next }), ...options }),
    serve: (count, body = inRows) =>
      answer(({ searchParams }) => {
        const from = Number(searchParams.get('cursor'));
        const next = from + 2 < count ? from + 2 : null;
        return Response.json({ ...body(rowsOf(count).slice(from, from + 2)), next });
      }),
  },
  {
    name: 'link-pagination',
    read: (url, options) => linkPagination<Row>(url, options),
    serve: (count, body = asList) =>
      answer((url) => {
        const from = Number(url.searchParams.get('from'));
        url.searchParams.set('from', String(from + 2));
        const headers = new Headers(from + 2 < count ? { link: `<${url.href}>; rel="next"` } : {});
        return Response.json(body(rowsOf(count).slice(from, from + 2)), { headers });
      }),
  },
  {
    name: 'keyset-pagination',
    read: (url, options) => keysetPagination<Row>(url, { params: { after: 'after' }, ...options }),
    serve: (count, body = inRows) =>
      answer(({ searchParams }) => {
        const from = Number(searchParams.get('after') ?? -1) + 1;
        return Response.json({ ...body(rowsOf(count).slice(from, from + 2)), has_more: from + 2 < count });
      }),
  },
];

/** Where the listing of these tests is. */
export const ROWS = 'https://api.test/rows?q=1';

/** All pages, or those before the error. What never ends is one, since no timeout ends what waits for nothing. */
export async function collectUntilError(from: AsyncIterable<Page<Row>>, work = async (): Promise<void> => {}) {
  const pages: Page<Row>[] = [];
  try {
    for await (const page of from) {
      if (pages.push(page) > 2_000) throw new Error('The listing never ends');
      await work();
    }
    return { pages, error: undefined };
  } catch (error) {
    return { pages, error };
  }
}

/** All pages. */
export async function collect(from: AsyncIterable<Page<Row>>): Promise<Page<Row>[]> {
  const { pages, error } = await collectUntilError(from);
  if (error !== undefined) throw error;
  return pages;
}

/** The records' ids, in the order in which they came. */
export function idsOf(pages: readonly Page<Row>[]): number[] {
  return pages.flatMap(({ items }) => items.map(({ id }) => id));
}

/** Answers; what `fail` gives stands in for the answer to the request for page `nth`. */
export function failingAt(answer: Fetch, nth: number, fail: () => Response | Promise<Response> | undefined): Fetch {
  const asked: string[] = [];
  return async (input, init) => {
    if (!asked.includes(String(input))) asked.push(String(input));
    return (asked.indexOf(String(input)) === nth - 1 ? await fail() : undefined) ?? answer(input, init);
  };
}

/** Lets everything run that waits for nothing outside. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What it comes to within a few turns of the event loop: what waits for something outside is an error. */
export function soon<Value>(promise: Promise<Value>): Promise<Value> {
  const late = async (): Promise<never> => {
    for (let turns = 0; turns < 100; turns += 1) await settle();
    throw new Error('It waits for ever');
  };
  return Promise.race([promise, late()]);
}

function answer(to: (url: URL) => Response): Fetch {
  return async (input) => to(new URL(String(input)));
}

function rowsOf(count: number): Row[] {
  return Array.from({ length: count }, (_, id) => ({ id }));
}

function asList(rows: Row[]): object {
  return rows;
}

function inRows(rows: Row[]): object {
  return { rows };
}
