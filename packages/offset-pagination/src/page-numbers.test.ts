import { expect, it, vi } from 'vitest';
import { type Fetch, type OffsetPaginationOptions, offsetPagination, type Page } from './offset-pagination.ts';
import { type PageNumbersOptions, pageNumbers } from './page-numbers.ts';

it('overlaps pages by varying their size', async () => {
  const server = serving(records(30));

  const pages = await collect(server.fetch, { size: 'size' }, { limit: 10 });

  expect(idsOf(pages)).toHaveLength(30);
  expect(server.asked()).toEqual(['1x10', '2x9', '3x8', '3x10', '4x9']);
});

it('overlaps pages in as few requests as any choice of sizes would take', async () => {
  const server = serving(records(1_000), {}, 20);

  for (let total = 20; total <= 1_000; total += 140) {
    const asked = server.asked().length;
    const pages = await collect(server.fetch, { size: 'size' }, { limit: 20, maxPages: fewestPages(total, 20) });
    expect(pages).toHaveLength(server.asked().length - asked);
    expect(idsOf(pages).length).toBeGreaterThanOrEqual(total);
  }
});

it('counts pages from where the server does', async () => {
  const server = serving(records(5), {}, 100, 0);

  expect(idsOf(await collect(server.fetch, { size: 'size', first: 0 }, { limit: 4 }))).toHaveLength(5);
});

it.each([20, 50, 100])('has a page that overlaps at every offset, for sizes up to %i', async (limit) => {
  for (const offset of [1, 19, 20, 100, 2_520, 5_040, 55_440, 720_720, 999_999]) {
    const asked: number[][] = [];
    const fetch: Fetch = async (input) => {
      const size = Number(query(input, 'size'));
      asked.push([(Number(query(input, 'page')) - 1) * size, size]);
      return new Response(null, { status: 500 });
    };
    const resume = { offset, ids: [1], pageSize: limit };
    await expect(collect(fetch, { size: 'size' }, { limit, resume })).rejects.toThrow();

    const [start, size] = asked[0]!;
    expect(start).toBeLessThan(offset);
    expect(start! + size!).toBeGreaterThan(offset);
  }
});

it('reads pages of a fixed size, looking back at each page before', async () => {
  const server = serving(records(7), {}, 3);

  expect(idsOf(await collect(server.fetch))).toHaveLength(7);
  expect(server.asked()).toEqual(['1', '2', '1', '3', '2', '3']);
});

it('reports drift between pages of a fixed size, and goes back', async () => {
  const rows = records(9);
  const server = serving(rows, { 1: () => rows.splice(0, 1) }, 3);
  const onEvent = vi.fn();

  const pages = await collect(server.fetch, { onEvent });

  expect(idsOf(pages)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(onEvent.mock.calls[0]).toEqual([{ type: 'drift', page: 1, lossless: false }]);
  expect(server.asked().length).toBeLessThan(12);
});

it('goes on in pages of a fixed size from the resume of any', async () => {
  const rows = records(11);
  const server = serving(rows, {}, 3);
  const pages = await collect(server.fetch);
  const onEvent = vi.fn();

  for (const [index, { resume }] of pages.entries()) {
    const rest = await collect(server.fetch, { onEvent }, { resume: JSON.parse(JSON.stringify(resume)) });
    expect(idsOf([...pages.slice(0, index + 1), ...rest])).toEqual(rows.map(({ id }) => id));
  }
  expect(onEvent).not.toHaveBeenCalled();
});

it.each([1, 2, 3, 4, 6])('loses nothing where the pages are so small, %i, that some cannot overlap', async (size) => {
  const server = serving(records(40), {}, size);

  expect(idsOf(await collect(server.fetch, { size: 'size' }))).toEqual(records(40).map(({ id }) => id));
});

it.each([31, 40, 59, 60, 61, 95])('notices that the server ignores the page size, of %i records', async (count) => {
  const rows = records(count);
  const fetch: Fetch = async (input) => {
    const page = Number(query(input, 'page'));
    return Response.json(rows.slice((page - 1) * 30, page * 30));
  };

  const pages = await collect(fetch, { size: 'size' });
  expect(idsOf(pages)).toHaveLength(count);
  for (const [index, { resume }] of pages.entries()) {
    const rest = await collect(fetch, { size: 'size' }, { resume: JSON.parse(JSON.stringify(resume)) });
    expect(idsOf([...pages.slice(0, index + 1), ...rest])).toEqual(rows.map(({ id }) => id));
  }
});

it('asks the first page once, however often the listing moves', async () => {
  const rows = records(400);
  const server = serving(
    rows,
    { 2: () => rows.splice(0, 3), 8: () => rows.splice(0, 9), 14: () => rows.splice(0, 20) },
    30,
  );
  const pages = await collect(server.fetch, { size: 'size' });

  expect(idsOf(pages)).toHaveLength(400);
  expect(server.asked().filter((page) => page?.startsWith('1x'))).toHaveLength(2);
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
  const server = serving(rows, { 1: () => rows.splice(0, 1) }, 3);

  expect(idsOf(await collect(server.fetch, { onEvent }))).toHaveLength(9);
});

it.each([
  [{ first: -1 }, 'first must be an integer from 0, got -1'],
  [{ first: Number.NaN }, 'first must be an integer from 0, got NaN'],
  [{ first: '0' as never }, 'first must be an integer from 0, got 0'],
  [{ page: '' }, 'page and size must be two names'],
  [{ size: '' }, 'page and size must be two names'],
  [{ size: 'page' }, 'page and size must be two names'],
])('refuses %o when called', (options, message) => {
  expect(() => pageNumbers(options)).toThrow(`pageNumbers: ${message}`);
});

interface Row {
  readonly id: number;
}

function records(count: number): Row[] {
  return Array.from({ length: count }, (_, id) => ({ id }));
}

async function collect(fetch: Fetch, names: PageNumbersOptions = {}, options: OffsetPaginationOptions<Row> = {}) {
  const pages: Page<Row>[] = [];
  const all = { ...options, by: pageNumbers(names), fetch: bounded(fetch) };
  for await (const page of offsetPagination<Row>('https://api.test/rows', all)) pages.push(page);
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

function idsOf(pages: Page<Row>[]): number[] {
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

/** Serves `rows` by page; `before` lets something happen to them before the nth answer, counted from 0. */
function serving(rows: Row[], before: Record<number, () => unknown> = {}, cap = 100, firstPage = 1) {
  const urls: string[] = [];
  const fetch: Fetch = async (input) => {
    before[urls.length]?.();
    urls.push(String(input));
    const size = Math.min(cap, Number(query(input, 'size') ?? cap));
    const start = (Number(query(input, 'page')) - firstPage) * size;
    return Response.json(rows.slice(start, start + size));
  };
  const asked = () =>
    urls.map((url) =>
      query(url, 'size') === null ? query(url, 'page') : `${query(url, 'page')}x${query(url, 'size')}`,
    );
  return { fetch, asked };
}
