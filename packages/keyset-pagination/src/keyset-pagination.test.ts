import { expect, it, vi } from 'vitest';
import { type Fetch, type KeysetPaginationOptions, keysetPagination, type Page } from './keyset-pagination.ts';

const BY_ID = { after: 'after' } as const;
const BY_TIME = { from: 'from' } as const;
const BY_BOTH = { from: 'from', after: 'after' } as const;

it.each([BY_ID, BY_TIME, BY_BOTH])(
  'reads every record once, by %o, to the first page with nothing new',
  async (params) => {
    const { fetch, asked } = serve(rowsAt(1, 2, 2, 3, 4, 5, 6), { size: 3 });

    expect(idsOf(await collect({ fetch, params }))).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(asked.length).toBeGreaterThan(3);
  },
);

it.each([BY_ID, BY_TIME, BY_BOTH])('yields a record once that a page holds twice, by %o', async (params) => {
  const [one, other] = rowsAt(1, 1);
  const fetch: Fetch = async () => Response.json({ rows: [one, other, one], has_more: false });

  expect(idsOf(await collect({ fetch, params }))).toEqual([0, 1]);
});

it('names the last id, the last time as it came, or both', async () => {
  for (const [params, query] of [
    [BY_ID, '?after=1'],
    [BY_TIME, '?from=2026-01-01T00%3A00%3A02Z'],
    [BY_BOTH, '?from=2026-01-01T00%3A00%3A02Z&after=1'],
    [{ ...BY_ID, limit: 'size' }, '?size=2&after=1'],
  ] as const) {
    const { fetch, asked } = serve(rowsAt(1, 2, 3), { size: 2 });
    await collect({ fetch, params, limit: 2 });
    expect(asked[1]).toBe(query);
  }
});

it('sends a time as `time` gives it: as the query takes it', async () => {
  for (const [time, query] of [
    [({ created_at }: Row) => Date.parse(created_at) / 1_000, `?from=${Date.parse(stamp(2)) / 1_000}`],
    [({ created_at }: Row) => created_at.replace('Z', '+00:00'), '?from=2026-01-01T00%3A00%3A02%2B00%3A00'],
  ] as const) {
    const { fetch, asked } = serve(rowsAt(1, 2, 3), { size: 2 });
    expect(idsOf(await collect({ fetch, params: BY_TIME, time }))).toEqual([0, 1, 2]);
    expect(asked[1]).toBe(query);
  }
});

it('neither loses nor repeats records that share the instant a page ends in', async () => {
  const rows = rowsAt(1, 2, 2, 2, 3, 3, 3, 3, 4);
  for (const size of [5, 6, 7, 8]) {
    for (const params of [BY_TIME, BY_BOTH]) {
      expect(idsOf(await collect({ fetch: serve(rows, { size }).fetch, params }))).toEqual(rows.map(({ id }) => id));
    }
  }
});

it.each([BY_ID, BY_BOTH])('goes through pages full of one instant, by %o', async (params) => {
  const { fetch, asked } = serve(rowsAt(1, ...Array<number>(20).fill(2), 3), { size: 3, told: true });

  expect(idsOf(await collect({ fetch, params }))).toHaveLength(22);
  expect(asked).toHaveLength(8);
});

it.each([
  ['is told that there is more', { told: true }, { limit: 3 }],
  ['is not told', {}, { limit: 3 }],
  ['is told, and the server gives less than the limit', { told: true }, { limit: 100 }],
])('stops at a page full of one instant, by time alone, where it %s', async (_, behaviour, options) => {
  const { fetch, asked } = serve(rowsAt(1, 2, 3, 4, ...Array<number>(20).fill(5), 6), { size: 3, ...behaviour });
  const { pages, error } = await collectUntilError({ fetch, params: BY_TIME, ...options });

  expect(error).toMatchObject({ name: 'KeysetStalledError', resume: pages.at(-1)!.resume });
  expect((error as Error).message).toMatch(/^Page 4 of https:\/\/api\.test\/rows: .* nothing new/);
  expect(idsOf(pages)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(asked.length).toBeLessThan(15);
});

it.each([1, 2, 3])('takes %i records that share an instant, all there are, for the end', async (count) => {
  const rows = rowsAt(...Array<number>(count).fill(7));
  const pages = await collect({ fetch: serve(rows, { size: 4 }).fetch, params: BY_TIME });

  expect(idsOf(pages)).toHaveLength(count);
  const again = serve(rows, { size: 4 }).fetch;
  expect(await collect({ fetch: again, params: BY_TIME, resume: stored(pages.at(-1)!) })).toEqual([]);
});

it('goes on after an empty page that says there is more', async () => {
  const { fetch } = serve(rowsAt(1, 2, 3, 4, 5), { size: 2, told: true, emptyAt: [2, 3] });

  expect(idsOf(await collect({ fetch, params: BY_ID }))).toEqual([0, 1, 2, 3, 4]);
});

it('bears with many empty pages, if not in a row', async () => {
  const emptyAt = Array.from({ length: 30 }, (_, index) => index + 2).filter((nth) => nth % 6 > 0);
  const { fetch } = serve(rowsAt(1, 2, 3, 4, 5), { size: 1, told: true, emptyAt });

  expect(idsOf(await collect({ fetch, params: BY_ID }))).toEqual([0, 1, 2, 3, 4]);
});

it('gives up where there is said to be more, and never is', async () => {
  const fetch = vi.fn(async () => Response.json({ rows: [], has_more: true }));
  const { error } = await collectUntilError({ fetch, params: BY_ID });

  expect(error).toMatchObject({ name: 'KeysetStalledError', page: 1, resume: undefined });
  expect(fetch).toHaveBeenCalledTimes(10);
});

it('asks no more once a page says that it is the last, in its own words too', async () => {
  const fetch = vi.fn(async () => Response.json({ rows: [{ id: 1 }], last: true }));

  await collect({ fetch, params: BY_ID, more: ({ last }) => !last });

  expect(fetch).toHaveBeenCalledOnce();
});

it.each([
  [2, 0],
  [3, 0],
  [7, 0],
  [4, 5],
])('notices a listing that runs in a circle of %i pages after %i others', async (length, others) => {
  let calls = 0;
  const fetch: Fetch = async () => {
    const nth = calls++;
    return Response.json([{ id: nth < others ? nth : others + ((nth - others) % length) }]);
  };
  const { pages, error } = await collectUntilError({ fetch, params: BY_ID });

  expect(error).toMatchObject({ name: 'KeysetStalledError', resume: pages.at(-1)!.resume });
  expect(pages.length).toBeLessThan(4 * length);
});

it.each([BY_TIME, BY_BOTH])('ends where the server ignores %o and answers the same again', async (params) => {
  const fetch: Fetch = async () => Response.json({ rows: rowsAt(1, 2, 3), has_more: true });
  const { pages, error } = await collectUntilError({ fetch, params, limit: 3 });

  expect(error).toMatchObject({ name: 'KeysetStalledError', page: 2 });
  expect(idsOf(pages)).toEqual([0, 1, 2]);
});

it('refuses a page that is not in the order of its times', async () => {
  const fetch: Fetch = async () => Response.json(rowsAt(1, 3, 2));
  const { error } = await collectUntilError({ fetch, params: BY_TIME });

  expect(error).toMatchObject({ name: 'PageError', cause: { message: expect.stringContaining('not in its order') } });
});

it.each([
  ['an id', [{ created_at: '2026-01-01T00:00:00Z' }], 'A record has no id'],
  ['a time', [{ id: 1 }], 'A record has no time'],
])('refuses a record without %s', async (_, rows, message) => {
  const { error } = await collectUntilError({ fetch: async () => Response.json(rows), params: BY_TIME });

  expect(error).toMatchObject({ name: 'PageError', cause: { message: expect.stringContaining(message) } });
});

it('keeps no more than a page of ids by an exact key, however many share an instant', async () => {
  const { fetch } = serve(rowsAt(...Array<number>(300).fill(1)), { size: 10 });

  for (const { resume } of await collect({ fetch, params: BY_BOTH })) {
    expect((resume as { seen: unknown[] }).seen).toHaveLength(10);
  }
});

it.each([BY_TIME, BY_BOTH])('does not go back where a page holds but old records, by %o', async (params) => {
  const { fetch, asked } = serve(rowsAt(1, 2, 3, 4), { size: 3, told: true });
  const repeating: Fetch = async (input) => {
    const answer = await fetch(input);
    return asked.length === 2 ? Response.json({ rows: rowsAt(1), has_more: true }) : answer;
  };

  expect(idsOf(await collect({ fetch: repeating, params }))).toEqual([0, 1, 2, 3]);
  expect(asked[2]).toBe(asked[1]);
});

it('delivers a record again once its time has changed', async () => {
  const rows = rowsAt(1, 2, 3);
  const [first] = await collect({ fetch: serve(rows, { size: 9 }).fetch, params: BY_TIME });
  const updated = [rows[0]!, rows[2]!, { ...rows[1]!, created_at: stamp(5) }];
  const options = { fetch: serve(updated, { size: 9 }).fetch, params: BY_TIME, resume: stored(first!) };

  const second = await collect(options);

  expect(second.flatMap(({ items }) => items)).toEqual([{ id: 1, created_at: stamp(5) }]);
});

it.each([
  [{ params: {} }, TypeError, 'params must name `after` or `from`'],
  [{ params: BY_TIME, limit: 0 }, RangeError, 'limit must be an integer from 1, got 0'],
  [{ params: BY_TIME, resume: { next: 'x' } }, TypeError, 'resume must be the `resume` of one of its pages'],
  [{ params: BY_TIME, resume: { at: 1, seen: ['x'] } }, TypeError, 'resume must be the `resume` of one of its pages'],
])('refuses %o when called', (options, error, message) => {
  const call = () => keysetPagination('https://api.test/rows', options);

  expect(call).toThrow(error);
  expect(call).toThrow(message);
});

interface Row {
  readonly id: number;
  readonly created_at: string;
}

/** More than any of these listings needs. */
const MOST_REQUESTS = 200;

type Options = Omit<KeysetPaginationOptions<Row>, 'fetch'> & { readonly fetch: Fetch };

async function collect(options: Options): Promise<Page<Row>[]> {
  const { pages, error } = await collectUntilError(options);
  if (error !== undefined) throw error;
  return pages;
}

async function collectUntilError(options: Options) {
  const pages: Page<Row>[] = [];
  let requests = 0;
  const fetch: Fetch = (input, init) => {
    requests += 1;
    if (requests > MOST_REQUESTS) throw new Error('It never ends');
    return options.fetch(input, init);
  };
  try {
    for await (const page of keysetPagination<Row>('https://api.test/rows', { ...options, fetch })) pages.push(page);
    return { pages, error: undefined };
  } catch (error) {
    return { pages, error };
  }
}

function idsOf(pages: readonly Page<Row>[]): number[] {
  return pages.flatMap(({ items }) => items.map(({ id }) => id));
}

/** A page's `resume`, as another process has it. */
function stored({ resume }: Page<Row>) {
  return JSON.parse(JSON.stringify(resume));
}

function stamp(second: number): string {
  return new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString().replace('.000', '');
}

/** Records with the ids 0, 1, 2... at these seconds. */
function rowsAt(...seconds: number[]): Row[] {
  return seconds.map((second, id) => ({ id, created_at: stamp(second) }));
}

interface Behaviour {
  readonly size: number;
  /** Says whether there are more. */
  readonly told?: boolean;
  /** The requests answered by an empty page, counted from 1. */
  readonly emptyAt?: readonly number[];
}

/** Serves pages of `size` in the order given: after an id, from an instant on, or after an id of that instant. */
function serve(rows: readonly Row[], { size, told = false, emptyAt = [] }: Behaviour) {
  const asked: string[] = [];
  const fetch: Fetch = async (input) => {
    const { search, searchParams: query } = new URL(String(input));
    asked.push(search);
    const from = query.get('from') ?? '0';
    const fromMs = /^\d+$/.test(from) ? Number(from) * 1_000 : Date.parse(from);
    const after = Number(query.get('after') ?? -1);
    const left = rows.filter(({ id, created_at }) => {
      const atMs = Date.parse(created_at);
      const isAfter = query.has('from') && query.has('after') ? atMs > fromMs || id > after : id > after;
      return atMs >= fromMs && isAfter;
    });
    const page = emptyAt.includes(asked.length) ? [] : left.slice(0, size);
    return Response.json({ rows: page, ...(told && { has_more: left.length > page.length }) });
  };
  return { fetch, asked };
}
