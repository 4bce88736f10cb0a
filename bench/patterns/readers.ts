/** How each client reads a whole listing, every peer as its documentation says. */
import { Octokit } from '@octokit/core';
import { paginateRest } from '@octokit/plugin-paginate-rest';
import { cursorPagination } from '@steadfetch/cursor-pagination';
import { nextCursor } from '@steadfetch/cursor-pagination/next-cursor';
import type { ConfigInput } from '@steadfetch/fake-provider';
import { keysetPagination } from '@steadfetch/keyset-pagination';
import { linkPagination } from '@steadfetch/link-pagination';
import { offsetPagination } from '@steadfetch/offset-pagination';
import { pageNumbers } from '@steadfetch/offset-pagination/page-numbers';
import got from 'got';
import Stripe from 'stripe';

/** A record, of which only this matters here. */
export interface Item {
  readonly id: string;
}

/** A client, and how it reads all there is at a URL: page by page or record by record, whichever it offers. */
export interface Reader {
  readonly name: string;
  readonly read: (url: string) => AsyncIterable<Item | readonly Item[]>;
}

/** One of our paginators. */
export interface OurReader extends Reader {
  readonly read: (url: string, prefetch?: number) => AsyncIterable<readonly Item[]>;
  /** Where its documentation sends you to another for a listing that changes. */
  readonly isForStill?: true;
}

/** A way to page, what a provider needs for it, and who reads that way. */
export interface Listing {
  readonly kind: string;
  /** What the provider calls it. */
  readonly resource: string;
  readonly profile?: 'github' | 'stripe';
  readonly settings: NonNullable<ConfigInput['resources']>[string];
  readonly loop: Reader;
  readonly ours: readonly OurReader[];
  /** Ours, told to remember less. */
  readonly bounded?: readonly OurReader[];
  readonly peers: readonly Reader[];
}

export const PAGE = 100;
const ISSUES = '/repos/me/it/issues';
const GitHub = Octokit.plugin(paginateRest);

export const listings: readonly Listing[] = [
  {
    kind: 'GitHub: page numbers in the Link header',
    resource: 'issues',
    profile: 'github',
    settings: {},
    loop: {
      name: 'fetch loop',
      async *read(url) {
        let next: string | undefined = `${url}${ISSUES}?per_page=${PAGE}`;
        while (next) {
          const response: Response = await fetch(next);
          yield (await response.json()) as Item[];
          next = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
        }
      },
    },
    ours: [
      {
        name: 'offset-pagination',
        read: (url, prefetch = 0) =>
          itemsOf(
            offsetPagination<Item>(`${url}${ISSUES}`, {
              by: pageNumbers({ size: 'per_page' }),
              limit: PAGE,
              prefetch,
            }),
          ),
      },
      {
        name: 'link-pagination',
        isForStill: true,
        read: (url, prefetch = 0) => itemsOf(linkPagination<Item>(`${url}${ISSUES}?per_page=${PAGE}`, { prefetch })),
      },
    ],
    peers: [
      {
        name: 'octokit',
        async *read(url) {
          const octokit = new GitHub({ baseUrl: url });
          const list = { owner: 'me', repo: 'it', per_page: PAGE };
          for await (const { data } of octokit.paginate.iterator('GET /repos/{owner}/{repo}/issues', list)) {
            yield data as unknown as Item[];
          }
        },
      },
      { name: 'got', read: (url) => got.paginate<Item>(`${url}${ISSUES}`, { searchParams: { per_page: PAGE } }) },
    ],
  },
  {
    kind: 'Stripe: the last id as cursor',
    resource: 'customers',
    profile: 'stripe',
    settings: {},
    loop: {
      name: 'fetch loop',
      async *read(url) {
        let query = '';
        for (let more = true; more; ) {
          const response = await fetch(`${url}/v1/customers?limit=${PAGE}${query}`);
          const body = (await response.json()) as { data: Item[]; has_more: boolean };
          yield body.data;
          query = `&starting_after=${body.data.at(-1)?.id}`;
          more = body.has_more;
        }
      },
    },
    ours: [
      {
        name: 'cursor-pagination',
        read: (url, prefetch = 0) =>
          itemsOf(cursorPagination<Item>(`${url}/v1/customers?limit=${PAGE}`, { next: nextCursor.stripe, prefetch })),
      },
    ],
    peers: [
      {
        name: 'stripe',
        read(url) {
          const { hostname: host, port } = new URL(url);
          return new Stripe('sk_test_nonsense', { host, port, protocol: 'http' }).customers.list({ limit: PAGE });
        },
      },
    ],
  },
  {
    kind: 'Offset and limit',
    resource: 'items',
    settings: { pagination: 'offset', order: 'newest-first' },
    loop: {
      name: 'fetch loop',
      async *read(url) {
        for (let offset = 0, isFull = true; isFull; offset += PAGE) {
          const response = await fetch(`${url}/items?offset=${offset}&limit=${PAGE}`);
          const { data } = (await response.json()) as { data: Item[] };
          yield data;
          isFull = data.length === PAGE;
        }
      },
    },
    ours: [
      {
        name: 'offset-pagination',
        read: (url, prefetch = 0) => itemsOf(offsetPagination<Item>(`${url}/items`, { limit: PAGE, prefetch })),
      },
    ],
    bounded: [
      {
        name: 'offset-pagination, window of 10,000',
        read: (url) => itemsOf(offsetPagination<Item>(`${url}/items`, { limit: PAGE, window: 10_000 })),
      },
    ],
    peers: [
      {
        name: 'got',
        read(url) {
          let offset = 0;
          return got.paginate<Item, { data: Item[] }>(`${url}/items`, {
            searchParams: { offset, limit: PAGE },
            responseType: 'json',
            pagination: {
              transform: ({ body }) => body.data,
              paginate({ currentItems }) {
                offset += PAGE;
                return currentItems.length === PAGE && { searchParams: { offset } };
              },
            },
          });
        },
      },
    ],
  },
  {
    kind: 'After an id',
    resource: 'items',
    settings: { pagination: 'keyset' },
    loop: {
      name: 'fetch loop',
      async *read(url) {
        let query = '';
        for (let more = true; more; ) {
          const response = await fetch(`${url}/items?limit=${PAGE}${query}`);
          const body = (await response.json()) as { data: Item[]; has_more: boolean };
          yield body.data;
          query = `&after_id=${body.data.at(-1)?.id}`;
          more = body.has_more;
        }
      },
    },
    ours: [
      {
        name: 'keyset-pagination',
        read: (url, prefetch = 0) =>
          itemsOf(
            keysetPagination<Item>(`${url}/items`, {
              params: { after: 'after_id', limit: 'limit' },
              limit: PAGE,
              prefetch,
            }),
          ),
      },
    ],
    peers: [],
  },
];

/** The configuration that serves a listing of so many records, without limits. */
export function serving(
  { resource, profile, settings }: Listing,
  records: number,
  rest: Pick<ConfigInput, 'latency' | 'seed'> = {},
  churn: Listing['settings']['churn'] = {},
): ConfigInput {
  const resources = { [resource]: { ...settings, records, churn } };
  return { ...rest, ...(profile && { profile }), auth: false, limits: [], ledger: { keep: 1 }, resources };
}

/** Hands every page to the consumer, and waits for it. Gives back how many records there were. */
export async function consume(
  pages: AsyncIterable<Item | readonly Item[]>,
  take: (records: readonly Item[], count: number) => Promise<void> | void = () => {},
): Promise<number> {
  let count = 0;
  let single: Item[] = [];
  for await (const got of pages) {
    if ('length' in got) {
      count += got.length;
      await take(got, count);
      continue;
    }
    single.push(got);
    count += 1;
    if (single.length < PAGE) continue;
    await take(single, count);
    single = [];
  }
  if (single.length > 0) await take(single, count);
  return count;
}

async function* itemsOf(pages: AsyncIterable<{ readonly items: readonly Item[] }>): AsyncGenerator<readonly Item[]> {
  for await (const { items } of pages) yield items;
}
