import { expect, it, vi } from 'vitest';
import { type Fetch, type OffsetPaginationOptions, offsetPagination, offsets, type Page } from './offset-pagination.ts';

it('asks for windows that overlap by one record, until one holds nothing after what was seen', async () => {
  const server = serving(records(7));

  await collect(server.fetch, { limit: 3 });

  expect(server.asked()).toEqual(['0+3', '2+3', '4+3', '6+3']);
});

it('keeps the rest of the query and replaces its own parameters', async () => {
  const server = serving(records(1));

  await collect(
    server.fetch,
    { by: offsets('skip', 'take'), maxPages: 1 },
    'https://api.test/rows?q=a%2Bb&skip=9&take=1',
  );

  expect(server.urls()[0]).toBe('https://api.test/rows?q=a%2Bb&skip=0&take=100');
});

it('steps back where a record slipped out of the window', async () => {
  const rows = records(9);
  const server = serving(rows, { 1: () => rows.splice(0, 2) });

  expect(idsOf(await collect(server.fetch, { limit: 4 }))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(server.asked().slice(0, 3)).toEqual(['0+4', '3+4', '2+4']);
});

it('steps back from an empty page where the list shrank', async () => {
  const rows = records(9);
  const server = serving(rows, { 2: () => rows.splice(0, 6) });

  expect(idsOf(await collect(server.fetch, { limit: 4 }))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

it('ends with the last record, though the list slips left at every request', async () => {
  const rows = records(100);
  const always = Array.from({ length: 100 }, () => () => rows.shift());
  const server = serving(rows, always);

  expect(idsOf(await collect(server.fetch, { limit: 20 }))).toHaveLength(99);
  expect(server.asked().length).toBeLessThan(20);
});

it('ends where everything was deleted meanwhile', async () => {
  const rows = records(9);
  const server = serving(rows, { 1: () => rows.splice(0) });

  expect(idsOf(await collect(server.fetch, { limit: 4 }))).toEqual([0, 1, 2, 3]);
});

it('yields a record that came in behind it never, and one that came in ahead once', async () => {
  const rows = records(6);
  const server = serving(rows, { 1: () => rows.splice(0, 6, { id: 'behind' }, ...rows, { id: 'ahead' }) });

  expect(idsOf(await collect(server.fetch, { limit: 3 }))).toEqual([0, 1, 2, 3, 4, 5, 'ahead']);
});

it('yields a record once that the server gives twice in one page', async () => {
  const server = serving([{ id: 1 }, { id: 2 }, { id: 1 }, { id: 3 }]);

  expect(idsOf(await collect(server.fetch, {}))).toEqual([1, 2, 3]);
});

it('finds its way back over many deleted records in few requests', async () => {
  const rows = records(20_000);
  const server = serving(rows, { 190: () => rows.splice(0, 18_000) });

  expect(idsOf(await collect(server.fetch, { limit: 100 }))).toHaveLength(20_000);
  expect(server.asked().length).toBeLessThan(400);
});

it.each([0, 1, 2, 3, 4])('reads a listing of %i records', async (count) => {
  expect(idsOf(await collect(serving(records(count)).fetch, { limit: 3 }))).toHaveLength(count);
});

it.each([1, 2, 7])('goes by the number of records received where the server caps the page at %i', async (cap) => {
  const server = serving(records(20), {}, cap);

  expect(idsOf(await collect(server.fetch, { limit: 10 }))).toHaveLength(20);
});

it('takes more records than it asked for', async () => {
  const rows = records(20);
  const fetch: Fetch = async (input) => Response.json(rows.slice(Number(query(input, 'offset'))));

  expect(idsOf(await collect(fetch, { limit: 2 }))).toHaveLength(20);
});

it('throws after 1,000 windows without a new record', async () => {
  const fetch = vi.fn<Fetch>(async () => Response.json(records(5)));
  const pages = offsetPagination('https://api.test/rows?token=t', { fetch, limit: 5 });
  const { value } = await pages.next();

  await expect(pages.next()).rejects.toMatchObject({
    name: 'PaginationStalledError',
    message: 'Page 2 of https://api.test/rows: 1,000 windows without a new record',
    page: 2,
    resume: value!.resume,
  });
  expect(fetch).toHaveBeenCalledTimes(1_001);
});

it('forgets all but the latest ids with a window, and loses nothing by it', async () => {
  const rows = records(40);
  const more = Array.from({ length: 20 }, (_, index) => ({ id: `new ${index}` }));
  const server = serving(rows, { 5: () => rows.unshift(...more) });
  const ids = idsOf(await collect(server.fetch, { limit: 5, window: 5 }));

  expect(new Set(ids)).toEqual(new Set([...records(40), ...more].map(({ id }) => id)));
  expect(ids.length).toBeGreaterThan(60);
});

it('keeps the offset, the last window’s ids and the page size in resume', async () => {
  const [first] = await collect(serving(records(4)).fetch, { limit: 3 });

  expect(first!.resume).toEqual({ offset: 3, ids: [0, 1, 2], pageSize: 3 });
});

it('finds its place again while one of the last window’s records survives', async () => {
  const rows = records(100);
  const server = serving(rows);
  const pages = await collect(server.fetch, { limit: 5, maxPages: 20 });
  rows.splice(0, 66);

  const rest = await collect(server.fetch, { limit: 5, resume: pages.at(-1)!.resume });

  expect(idsOf([...pages, ...rest])).toEqual(records(100).map(({ id }) => id));
});

it.each([
  ['missing', () => [{ id: 0 }, { name: 'x' }]],
  ['null', () => [{ id: null }]],
  ['an object', () => [{ id: {} }]],
])('throws a PageError where an id is %s', async (_, rows) => {
  await expect(collect(async () => Response.json(rows()), {})).rejects.toMatchObject({
    name: 'PageError',
    page: 1,
    status: 200,
    cause: expect.objectContaining({ message: 'A record has no id; `id` says what identifies it' }),
  });
});

it('asks `id` what identifies a record', async () => {
  const rows = [{ key: 'a' }, { key: 'b' }, { key: 'c' }];
  const fetch: Fetch = async (input) => Response.json(rows.slice(Number(query(input, 'offset'))));
  const pages = offsetPagination<{ key: string }>('https://api.test/rows', { fetch, id: ({ key }) => key });

  expect((await pages.next()).value!.items).toEqual(rows);
});

it.each([
  [{ limit: 1 }, 'limit must be an integer from 2, got 1'],
  [{ limit: Number.NaN }, 'limit'],
  [{ limit: 10, window: 9 }, 'window must be an integer from 10, got 9'],
  [{ by: 'page' as never }, 'by must be like `offsets()`, got page'],
])('refuses %o when called', (options, message) => {
  expect(() => offsetPagination('https://api.test/rows', options)).toThrow(`offsetPagination: ${message}`);
});

it.each([
  ['', 'limit'],
  ['offset', ''],
  ['limit', 'limit'],
])('refuses to ask by %o and %o', (offset, limit) => {
  expect(() => offsets(offset, limit)).toThrow(new TypeError('offsets: offset and limit must be two names'));
});

interface Row {
  readonly id: number | string;
}

function records(count: number): Row[] {
  return Array.from({ length: count }, (_, id) => ({ id }));
}

async function collect(fetch: Fetch, options: OffsetPaginationOptions<Row>, url = 'https://api.test/rows') {
  const pages: Page<Row>[] = [];
  const all = offsetPagination<Row>(url, { ...options, fetch: bounded(fetch) });
  for await (const page of all) pages.push(page);
  return pages;
}

/** Fails where it is asked more often than any of these listings takes, rather than never to end. */
function bounded(fetch: Fetch): Fetch {
  let requests = 0;
  return (input, init) => {
    requests += 1;
    if (requests > 500) throw new Error('It never ends');
    return fetch(input, init);
  };
}

function idsOf(pages: Page<Row>[]): (number | string)[] {
  return pages.flatMap(({ items }) => items.map(({ id }) => id));
}

function query(input: Parameters<Fetch>[0], name: string): string | null {
  return new URL(String(input)).searchParams.get(name);
}

/** Serves `rows` by offset; `before` lets something happen to them before the nth answer, counted from 0. */
function serving(rows: Row[], before: Record<number, () => unknown> = {}, cap = 100) {
  const urls: string[] = [];
  const fetch: Fetch = async (input) => {
    before[urls.length]?.();
    urls.push(String(input));
    const start = Number(query(input, 'offset'));
    return Response.json(rows.slice(start, start + Math.min(cap, Number(query(input, 'limit') ?? cap))));
  };
  return { fetch, urls: () => urls, asked: () => urls.map((url) => `${query(url, 'offset')}+${query(url, 'limit')}`) };
}
