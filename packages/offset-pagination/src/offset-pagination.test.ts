import { expect, it, vi } from 'vitest';
import { type Fetch, type OffsetPaginationOptions, offsetPagination, type Page } from './offset-pagination.ts';

it('asks for windows that overlap by one record, until one holds nothing after what was seen', async () => {
  const server = serving(records(7));

  await collect(server.fetch, { limit: 3 });

  expect(server.asked()).toEqual(['0+3', '2+3', '4+3', '6+3']);
});

it('keeps the rest of the query and replaces its own parameters', async () => {
  const server = serving(records(1));

  await collect(
    server.fetch,
    { params: { offset: 'skip', limit: 'take' }, maxPages: 1 },
    'https://api.test/rows?q=a%2Bb&skip=9&take=1',
  );

  expect(server.urls()[0]).toBe('https://api.test/rows?q=a%2Bb&skip=0&take=100');
});

it('steps back where a record slipped out of the window, and tells', async () => {
  const rows = records(9);
  const server = serving(rows, { 1: () => rows.splice(0, 2) });
  const onEvent = vi.fn();

  const pages = await collect(server.fetch, { limit: 4, onEvent });

  expect(idsOf(pages)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(onEvent.mock.calls).toEqual([[{ type: 'drift', offset: 3, lossless: true }]]);
});

it('steps back from an empty page where the list shrank', async () => {
  const rows = records(9);
  const server = serving(rows, { 2: () => rows.splice(0, 6) });

  expect(idsOf(await collect(server.fetch, { limit: 4 }))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
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

it('overlaps pages by varying their size', async () => {
  const server = serving(records(30));

  const pages = await collect(server.fetch, { limit: 10, params: { page: 'page', size: 'size' } });

  expect(idsOf(pages)).toHaveLength(30);
  expect(server.asked()).toEqual(['1x10', '2x9', '3x8', '3x10', '4x9']);
});

it('overlaps pages in as few requests as any choice of sizes would take', async () => {
  const server = serving(records(1_000), {}, 20);

  for (let total = 20; total <= 1_000; total += 140) {
    const asked = server.asked().length;
    const params = { page: 'page', size: 'size' };
    const pages = await collect(server.fetch, { limit: 20, params, maxPages: fewestPages(total, 20) });
    expect(pages).toHaveLength(server.asked().length - asked);
    expect(idsOf(pages).length).toBeGreaterThanOrEqual(total);
  }
});

it('counts pages from where the server does', async () => {
  const server = serving(records(5), {}, 100, 0);

  expect(
    idsOf(await collect(server.fetch, { limit: 4, params: { page: 'page', size: 'size', first: 0 } })),
  ).toHaveLength(5);
});

it.each([20, 50, 100])('has a page that overlaps at every offset, for sizes up to %i', async (limit) => {
  for (const offset of [1, 19, 20, 100, 2_520, 5_040, 55_440, 720_720, 999_999]) {
    const asked: number[][] = [];
    const fetch: Fetch = async (input) => {
      const size = Number(query(input, 'size'));
      asked.push([(Number(query(input, 'page')) - 1) * size, size]);
      return new Response(null, { status: 500 });
    };
    const options = { limit, params: { page: 'page', size: 'size' }, resume: { offset, ids: [1], pageSize: limit } };
    await expect(collect(fetch, options)).rejects.toThrow();

    const [start, size] = asked[0]!;
    expect(start).toBeLessThan(offset);
    expect(start! + size!).toBeGreaterThan(offset);
  }
});

it('reads pages of a fixed size, looking back at each page before', async () => {
  const server = serving(records(7), {}, 3);

  expect(idsOf(await collect(server.fetch, { params: { page: 'page' } }))).toHaveLength(7);
  expect(server.asked()).toEqual(['1', '2', '1', '3', '2', '3']);
});

it('reports drift between pages of a fixed size, and goes back', async () => {
  const rows = records(9);
  const server = serving(rows, { 1: () => rows.splice(0, 1) }, 3);
  const onEvent = vi.fn();

  const pages = await collect(server.fetch, { params: { page: 'page' }, onEvent });

  expect(idsOf(pages)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(onEvent.mock.calls[0]).toEqual([{ type: 'drift', offset: 3, lossless: false }]);
  expect(server.asked().length).toBeLessThan(12);
});

it('notices that the server ignores the page size', async () => {
  const rows = records(95);
  const fetch: Fetch = async (input) => {
    const page = Number(query(input, 'page'));
    return Response.json(rows.slice((page - 1) * 30, page * 30));
  };

  expect(idsOf(await collect(fetch, { limit: 100, params: { page: 'page', size: 'size' } }))).toHaveLength(95);
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

it('asks for no window early that maxPages leaves out', async () => {
  const server = serving(records(50));

  await collect(server.fetch, { limit: 5, prefetch: 5, total: 50, maxPages: 3 });

  expect(server.asked()).toEqual(['0+5', '4+5', '8+5']);
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

it('asks for windows side by side where a total is given, in order, and not past it', async () => {
  const server = serving(records(50));
  const waiting: (() => void)[] = [];
  let most = 0;
  const fetch: Fetch = async (input, init) => {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      most = Math.max(most, waiting.length);
      setImmediate(() =>
        waiting
          .splice(0)
          .reverse()
          .forEach((answer) => void answer()),
      );
    });
    return server.fetch(input, init);
  };

  expect(idsOf(await collect(fetch, { limit: 6, prefetch: 3, total: 50 }))).toEqual(records(50).map(({ id }) => id));
  expect(most).toBe(4);
  expect(server.asked()).toHaveLength(11);
});

it.each([10, 1_000])('reads all of 50 records where the total says %i', async (total) => {
  expect(idsOf(await collect(serving(records(50)).fetch, { limit: 6, prefetch: 3, total }))).toHaveLength(50);
});

it('aborts the windows asked for side by side when the consumer leaves', async () => {
  const server = serving(records(50));
  const signals: AbortSignal[] = [];
  const fetch: Fetch = async (input, init) => {
    if (query(input, 'offset') === '0') return server.fetch(input, init);
    signals.push(init!.signal!);
    return new Promise((_, reject) => {
      init!.signal!.addEventListener('abort', () => reject(init!.signal!.reason), { once: true });
    });
  };
  const pages = offsetPagination<Row>('https://api.test/rows', { fetch, limit: 6, prefetch: 3, total: 50 });
  await pages.next();
  await new Promise((resolve) => setImmediate(resolve));
  expect(signals).toHaveLength(4);

  await pages.return(undefined);

  expect(signals.every(({ aborted }) => aborted)).toBe(true);
});

it('asks again in its turn for a window that failed ahead of it', async () => {
  const server = serving(records(20));
  let hasFailed = false;
  const fetch: Fetch = async (input, init) => {
    if (query(input, 'offset') !== '8' || hasFailed) return server.fetch(input, init);
    hasFailed = true;
    return new Response(null, { status: 503 });
  };

  expect(idsOf(await collect(fetch, { limit: 5, prefetch: 3, total: 20 }))).toHaveLength(20);
  expect(hasFailed).toBe(true);
});

it.each([
  () => {
    throw new Error('observer');
  },
  async () => {
    throw new Error('observer');
  },
])('is not disturbed by an observer that fails', async (onEvent) => {
  const rows = records(9);
  const server = serving(rows, { 1: () => rows.splice(0, 2) });

  expect(idsOf(await collect(server.fetch, { limit: 4, onEvent }))).toHaveLength(9);
});

it.each([
  [{ limit: 1 }, 'limit must be an integer from 2, got 1'],
  [{ limit: Number.NaN }, 'limit'],
  [{ limit: 10, window: 9 }, 'window must be an integer from 10, got 9'],
  [{ total: -1 }, 'total must be an integer from 0, got -1'],
])('refuses %o when called', (options, message) => {
  expect(() => offsetPagination('https://api.test/rows', options)).toThrow(`offsetPagination: ${message}`);
});

interface Row {
  readonly id: number | string;
}

function records(count: number): Row[] {
  return Array.from({ length: count }, (_, id) => ({ id }));
}

async function collect(fetch: Fetch, options: OffsetPaginationOptions<Row>, url = 'https://api.test/rows') {
  const pages: Page<Row>[] = [];
  for await (const page of offsetPagination<Row>(url, { ...options, fetch })) pages.push(page);
  return pages;
}

function idsOf(pages: Page<Row>[]): (number | string)[] {
  return pages.flatMap(({ items }) => items.map(({ id }) => id));
}

/** How many pages cover so many records, each beginning at or before the last record of the one before: all ways tried. */
function fewestPages(total: number, most: number): number {
  let ends = new Set([most]);
  for (let pages = 1; ; pages += 1) {
    if (Math.max(...ends) >= total) return pages;
    const next = new Set<number>();
    for (const end of ends) {
      for (let size = 2; size <= most; size += 1) next.add(Math.floor((end - 1) / size) * size + size);
    }
    ends = next;
  }
}

function query(input: Parameters<Fetch>[0], name: string): string | null {
  return new URL(String(input)).searchParams.get(name);
}

/** Serves `rows` by offset or page; `before` lets something happen to them before the nth answer, counted from 0. */
function serving(rows: Row[], before: Record<number, () => unknown> = {}, cap = 100, firstPage = 1) {
  const urls: string[] = [];
  const fetch: Fetch = async (input) => {
    before[urls.length]?.();
    urls.push(String(input));
    const size = Math.min(cap, Number(query(input, 'limit') ?? query(input, 'size') ?? query(input, 'take') ?? cap));
    const page = query(input, 'page');
    const start = page === null ? Number(query(input, 'offset')) : (Number(page) - firstPage) * size;
    return Response.json(rows.slice(start, start + size));
  };
  const asked = () =>
    urls.map((url) => {
      const page = query(url, 'page');
      if (page === null) return `${query(url, 'offset')}+${query(url, 'limit')}`;
      return query(url, 'size') === null ? page : `${page}x${query(url, 'size')}`;
    });
  return { fetch, urls: () => urls, asked };
}
