import { expect, it, vi } from 'vitest';
import {
  type Cursor,
  type CursorPaginationOptions,
  cursorPagination,
  type Fetch,
  type Json,
  type Page,
} from './cursor-pagination.ts';
import { nextCursor } from './next-cursor.ts';

it('sends the cursor under its name, in the query of the first URL', async () => {
  const server = answering(['a+b=', 'c', null]);

  await collect(server.fetch, { next: named }, 'https://api.test/rows?limit=2&cursor=mine');

  expect(server.urls()).toEqual([
    'https://api.test/rows?limit=2&cursor=mine',
    'https://api.test/rows?limit=2&cursor=a%2Bb%3D',
    'https://api.test/rows?limit=2&cursor=c',
  ]);
});

it('sends several parameters where a page says so', async () => {
  const server = answering([{ page: 1, session: 's' }, null]);

  await collect(server.fetch);

  expect(server.urls()[1]).toBe('https://api.test/rows?page=1&session=s');
});

it('sends the cursor in the body where that is JSON', async () => {
  const server = answering([{ start_cursor: 'a' }, { pagination: { starting_after: 'b' } }, null]);

  await collect(server.fetch, { init: { method: 'POST', body: '{"page_size":2}' } });

  expect(server.bodies().map((body) => JSON.parse(body))).toEqual([
    { page_size: 2 },
    { page_size: 2, start_cursor: 'a' },
    { page_size: 2, pagination: { starting_after: 'b' } },
  ]);
  expect(new Set(server.urls())).toEqual(new Set(['https://api.test/rows']));
});

it('asks a URL as it is, resolved against the one that answered', async () => {
  const server = answering(['/v2/more?skip=a%2Bb', 'again?skip=c', null]);

  await collect(server.fetch);

  expect(server.urls().slice(1)).toEqual(['https://api.test/v2/more?skip=a%2Bb', 'https://api.test/v2/again?skip=c']);
});

it('resolves it against the URL the platform was redirected to, where the caller leaves that to it', async () => {
  const asked: string[] = [];
  const fetch: Fetch = async (input) => {
    asked.push(String(input));
    const response = Response.json({ rows: [], next: asked.length < 2 ? '?page=2' : null });
    return Object.defineProperty(response, 'url', { value: 'https://api.test/v2/rows' });
  };

  await collect(fetch, { init: { redirect: 'follow' } });

  expect(asked[1]).toBe('https://api.test/v2/rows?page=2');
});

it.each([undefined, null, '', false, {}, { cursor: undefined }, { cursor: '', page: null }])(
  'ends on %o',
  async (end) => {
    expect(await collect(answering([end]).fetch, { next: named })).toHaveLength(1);
  },
);

it('takes 0 for a cursor', async () => {
  const server = answering([0, { cursor: 0, page: null }, null]);

  await collect(server.fetch, { next: named });

  expect(server.urls().slice(1)).toEqual(['https://api.test/rows?cursor=0', 'https://api.test/rows?cursor=0']);
});

it('goes on past empty pages that have a cursor', async () => {
  const server = answering(['a', 'b', 'c', null], () => []);

  expect(await collect(server.fetch, { next: named })).toHaveLength(4);
});

it.each([7, 0, true])('throws a PageError on a bare %o, which no parameter carries', async (cursor) => {
  await expect(collect(answering([cursor]).fetch)).rejects.toMatchObject({ name: 'PageError', page: 1 });
});

it('shows an expired cursor by its status, with the way back', async () => {
  const server = answering(['a', 'b', null]);
  const fetch: Fetch = async (input, init) =>
    String(input).endsWith('=b') ? Response.json({ error: 'expired' }, { status: 422 }) : server.fetch(input, init);

  await expect(collect(fetch, { next: named })).rejects.toMatchObject({
    name: 'PageError',
    message: 'Page 3 of https://api.test/rows: the answer was 422',
    page: 3,
    status: 422,
    resume: { step: { cursor: 'b' } },
  });
});

it('has nothing to go on to after the last page', async () => {
  const server = answering(['a', null]);
  const pages = await collect(server.fetch, { next: named });

  expect(await collect(server.fetch, { next: named, resume: pages.at(-1)!.resume })).toEqual([]);
  expect(server.urls()).toHaveLength(2);
});

it.each(['https://evil.test/rows?token=secret', '//evil.test/rows?token=secret', 'http://api.test/rows?token=secret'])(
  'refuses to follow a cursor to %s',
  async (target) => {
    const server = answering([target]);
    const pages = cursorPagination('https://api.test/rows', { fetch: server.fetch, next: nextOf });
    const { value } = await pages.next();

    const error = await pages.next().catch((reason: unknown) => reason);

    expect(error).toMatchObject({ name: 'CrossOriginError', page: 2, resume: value!.resume });
    expect((error as Error).message).not.toContain('secret');
    expect(server.urls()).toHaveLength(1);
  },
);

it('follows a cursor to an origin that is named', async () => {
  const server = answering(['https://eu.api.test/rows', null]);

  expect(await collect(server.fetch, { origins: ['https://eu.api.test'] })).toHaveLength(2);
});

it('refuses to go on at another origin', async () => {
  const server = answering([null]);

  await expect(collect(server.fetch, { resume: { step: 'https://evil.test/' } })).rejects.toMatchObject({
    name: 'CrossOriginError',
  });
  expect(server.urls()).toEqual([]);
});

it.each([
  [0, 1],
  [0, 2],
  [1, 1],
  [3, 1],
  [5, 8],
  [1, 50],
  [200, 7],
  [30, 300],
])('throws after %i pages that lead into a cycle of %i, before its second round is over', async (tail, round) => {
  const fetch = vi.fn<Fetch>(async (input) => {
    const page = Number(new URL(String(input)).searchParams.get('cursor') ?? 0);
    return Response.json({ rows: [{ id: page }], next: page + 1 === tail + round ? tail : page + 1 });
  });

  await expect(collect(fetch, { next: named })).rejects.toMatchObject({ name: 'CursorLoopError' });
  expect(fetch.mock.calls.length).toBeLessThanOrEqual(1 + tail + 2 * round);
});

it('throws where the server ignores the cursor', async () => {
  const fetch = vi.fn<Fetch>(async () => Response.json({ rows: [{ id: 1 }], next: 'a' }));

  await expect(collect(fetch, { next: ({ next }) => ({ wrong: next }) })).rejects.toMatchObject({
    name: 'CursorLoopError',
    page: 3,
    resume: { step: { wrong: 'a' } },
  });
  expect(fetch).toHaveBeenCalledTimes(3);
});

it('goes on with a cursor that stays the same while the pages change', async () => {
  const server = answering([...Array(300).fill('scroll'), null]);

  expect(await collect(server.fetch, { next: named })).toHaveLength(301);
});

it('goes on over equal pages while the cursor changes', async () => {
  const server = answering([...Array(300).keys(), null], () => [{ id: 1 }]);

  expect(await collect(server.fetch, { next: named })).toHaveLength(301);
});

it('takes no long listing for a cycle', async () => {
  const server = answering([...Array(5_000).keys(), null]);

  expect(await collect(server.fetch, { next: named })).toHaveLength(5_001);
});

it('reads a Slack listing with a ready reader', async () => {
  const fetch: Fetch = async (input) => {
    const cursor = new URL(String(input)).searchParams.get('cursor');
    return Response.json({
      ok: true,
      members: [{ id: cursor }],
      response_metadata: { next_cursor: cursor ? '' : 'dXNlcg==' },
    });
  };
  const pages = await collect(fetch, { next: nextCursor.slack });

  expect(pages.flatMap(({ items }) => items)).toEqual([{ id: null }, { id: 'dXNlcg==' }]);
});

it.each([
  [{ next: undefined }, 'next must be a function, got undefined'],
  [{ origins: ['nonsense'] }, 'origins must be an http(s) URL, got nonsense'],
  [{ init: { method: 'POST', body: 'limit=2' } }, 'init.body must be JSON where it is a string'],
])('refuses %o when called', (options, message) => {
  const wrong = { next: nextOf, ...options } as CursorPaginationOptions<Row>;
  expect(() => cursorPagination('https://api.test/rows', wrong)).toThrow(`cursorPagination: ${message}`);
});

interface Row {
  readonly id: unknown;
}

const nextOf = ({ next }: Json): Cursor => next;
const named = ({ next }: Json): Cursor => (typeof next === 'object' ? next : { cursor: next });

/** Pages that never end are cut off beyond the longest listing here, since no timeout ends what waits for nothing. */
async function collect(
  fetch: Fetch,
  options: Partial<CursorPaginationOptions<Row>> = {},
  url = 'https://api.test/rows',
) {
  const pages: Page<Row>[] = [];
  const all = { next: nextOf, maxPages: 6_000, ...options, fetch };
  for await (const page of cursorPagination<Row>(url, all)) pages.push(page);
  return pages;
}

/** Answers with one page after the other, each saying what comes next. */
function answering(cursors: readonly unknown[], rows = (page: number): Row[] => [{ id: page }]) {
  const calls: { url: string; body: string }[] = [];
  const fetch: Fetch = async (input, init) => {
    calls.push({ url: String(input), body: String(init?.body) });
    return Response.json({ rows: rows(calls.length), next: cursors[calls.length - 1] });
  };
  return { fetch, urls: () => calls.map(({ url }) => url), bodies: () => calls.map(({ body }) => body) };
}
