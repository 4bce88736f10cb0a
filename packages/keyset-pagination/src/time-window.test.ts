import { expect, it, vi } from 'vitest';
import { type Fetch, type KeysetPaginationOptions, keysetPagination } from './keyset-pagination.ts';
import { type Page, type Resume, type TimeWindowOptions, timeWindow } from './time-window.ts';

const BY_ID = { after: 'after' } as const;
const BY_TIME = { from: 'from' } as const;
const BY_BOTH = { from: 'from', after: 'after' } as const;

it.each([BY_ID, BY_TIME, BY_BOTH])('reads windows that meet without loss or repeat, by %o', async (params) => {
  const { fetch } = serve(rowsAt(1, 2, 2, 3, 3, 3, 4, 5), { size: 4 });
  const windows = [];
  for (const [since, until] of [
    [0, 2],
    [2, 3],
    [3, 9],
  ] as const) {
    windows.push(idsOf(await collect({ fetch, params, since: at(since), until: at(until) })));
  }

  expect(windows).toEqual([[0], [1, 2], [3, 4, 5, 6, 7]]);
});

it('asks for no page after the one in which the window ends', async () => {
  const { fetch, asked } = serve(rowsAt(1, 2, 3, 4, 5), { size: 2 });

  expect(idsOf(await collect({ fetch, params: BY_ID, until: at(3) }))).toEqual([0, 1]);
  expect(asked).toHaveLength(2);
});

it.each([3, 4, 9])('delivers what a window left out of a page of %i when it goes on to a later end', async (size) => {
  const { fetch } = serve(rowsAt(1, 2, 3, 4, 5), { size });
  const [first] = await collect({ fetch, params: BY_BOTH, until: at(3) });
  const rest = await collect({ fetch, params: BY_BOTH, until: at(5), resume: stored(first!) });

  expect([idsOf([first!]), idsOf(rest)]).toEqual([
    [0, 1],
    [2, 3],
  ]);
});

it.each([BY_ID, BY_TIME, BY_BOTH])('catches what became visible late, by %o, and repeats nothing', async (params) => {
  const rows = rowsAt(1, 2, 3, 6, 7);
  const first = await collect({ fetch: serve(rows, { size: 3 }).fetch, params, lookbackMs: 4_000 });
  const later = [...rows.slice(0, 3), { ...rows[0]!, id: 2.5, created_at: stamp(4) }, ...rows.slice(3)];
  const options = { params, lookbackMs: 4_000, resume: stored(first.at(-1)!) };

  const second = await collect({ fetch: serve(later, { size: 3 }).fetch, ...options });

  expect(idsOf(second)).toEqual([2.5]);
  const third = { ...options, resume: stored(second.at(-1)!) };
  expect(await collect({ fetch: serve(later, { size: 3 }).fetch, ...third })).toEqual([]);
});

it('keeps the ids within the lookback only', async () => {
  const pages = await collect({
    fetch: serve(rowsAt(...Array.from({ length: 500 }, (_, second) => second)), { size: 50 }).fetch,
    params: BY_TIME,
    lookbackMs: 20_000,
  });

  expect(pages.map(({ resume }) => (resume as { seen: unknown[] }).seen.length)).toEqual(Array(pages.length).fill(21));
});

it('keeps few ids where a record changes again and again', async () => {
  let turn = 0;
  const fetch: Fetch = async () => {
    turn += 10;
    const rows = [0, turn].map((id, index) => ({ id, created_at: stamp(turn + index) }));
    return Response.json({ rows, has_more: turn < 500 });
  };

  const pages = await collect({ fetch, params: BY_TIME, lookbackMs: 15_000 });

  expect((pages.at(-1)!.resume as { seen: unknown[] }).seen.length).toBeLessThan(5);
});

it.each([BY_ID, BY_TIME])(
  'begins after the last page before the lookback, not at the beginning, by %o',
  async (params) => {
    const { fetch, asked } = serve(rowsAt(1, 2, 3, 4, 20, 21), { size: 2 });
    const options = { fetch, params, lookbackMs: 4_000 };
    const pages = await collect(options);
    asked.length = 0;

    expect(await collect({ ...options, resume: stored(pages.at(-1)!) })).toEqual([]);
    expect(asked[0]).toBe(params === BY_ID ? '?after=3' : `?from=${encodeURIComponent(stamp(4))}`);
  },
);

it('goes on past records that came later than promised', async () => {
  const rows = rowsAt(1, 10);
  const options = { params: BY_ID, lookbackMs: 5_000, limit: 3 };
  const [page] = await collect({ ...options, fetch: serve(rows, { size: 3 }).fetch });
  const tooLate = [0.1, 0.2, 0.3].map((id) => ({ id, created_at: stamp(2) }));
  const { fetch } = serve([rows[0]!, ...tooLate, rows[1]!, { id: 2, created_at: stamp(11) }], { size: 3 });

  expect(idsOf(await collect({ ...options, fetch, resume: stored(page!) }))).toEqual([2]);
});

it.each([
  ['at once', 13, 0],
  ['after a long wait', 40, 27_000],
])('looks back from the moment at which it began, answered %s', async (_, second, waitMs) => {
  const rows = rowsAt(1, 8, 11, 12);
  const { fetch, asked } = serve(rows, { size: 4, answeredAt: () => at(asked.length === 1 ? second : 41) });
  const slow: Fetch = async (input) => {
    if (asked.length === 0) vi.advanceTimersByTime(waitMs);
    return fetch(input);
  };
  const options = { params: BY_TIME, lookbackMs: 9_000, fetch: slow };
  const pages = windowOf(options);
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    await pages.next();
  } finally {
    vi.useRealTimers();
  }
  rows.push({ id: 4, created_at: stamp(38) }, { id: 5, created_at: stamp(39) });
  const { value } = await pages.next();
  await pages.return();
  // It became visible in second 19, say: in time.
  rows.splice(2, 0, { id: 2.5, created_at: stamp(10) });

  expect(idsOf(await collect({ ...options, resume: stored(value as Page<Row>) }))).toEqual([2.5]);
});

it('delivers a record again once its time has changed', async () => {
  const rows = rowsAt(1, 2, 3);
  const options = { params: BY_TIME, lookbackMs: 9_000 };
  const [first] = await collect({ ...options, fetch: serve(rows, { size: 9 }).fetch });
  const updated = [rows[0]!, rows[2]!, { ...rows[1]!, created_at: stamp(5) }];

  const second = await collect({
    ...{ ...options, fetch: serve(updated, { size: 9 }).fetch },
    resume: stored(first!),
  });

  expect(second.flatMap(({ items }) => items)).toEqual([{ id: 1, created_at: stamp(5) }]);
});

it('leads back to its own page where the listing fails, and goes on from there', async () => {
  const { fetch, asked } = serve(rowsAt(1, 2, 3, 4, 5), { size: 2 });
  const failing: Fetch = async (input) => (asked.length === 2 ? new Response(null, { status: 503 }) : fetch(input));
  const options = { params: BY_ID, lookbackMs: 60_000 };
  const { pages, error } = await collectUntilError({ ...options, fetch: failing });

  expect(error).toMatchObject({ name: 'PageError', status: 503, resume: pages.at(-1)!.resume });
  const rest = await collect({ ...options, fetch, resume: (error as { resume: Resume }).resume });
  expect(idsOf([...pages, ...rest])).toEqual([0, 1, 2, 3, 4]);
});

it.each([
  ['has no time', [{ id: 1 }]],
  ['is newer than the next', rowsAt(3, 2)],
])('refuses a record that %s', async (_, rows) => {
  const { error } = await collectUntilError({ fetch: async () => Response.json(rows), params: BY_ID });

  expect(error).toMatchObject({ name: 'TypeError', message: expect.stringContaining('not in its order') });
});

it('refuses records without an id, which would be taken for one wherever they share a time', async () => {
  const { fetch } = serve(rowsAt(1, 1, 1), { size: 3 });
  const { pages, error } = await collectUntilError({ fetch, params: BY_ID, id: () => undefined as never });

  expect(pages).toEqual([]);
  expect(error).toEqual(new TypeError('timeWindow: a record has no id; `id` says what identifies it'));
});

it('refuses a listing that is no function when called', () => {
  const listing = keysetPagination<Row>('https://api.test/rows', { params: BY_ID });

  expect(() => timeWindow(listing as never)).toThrow(
    new TypeError('timeWindow: read must be a function that gives pages'),
  );
});

it('lets go of the listing when it is left', async () => {
  const { fetch } = serve(rowsAt(1, 2, 3), { size: 1 });
  let signal: AbortSignal | null | undefined;
  const watched: Fetch = (input, init) => {
    signal = init?.signal;
    return fetch(input, init);
  };

  for await (const _page of windowOf({ fetch: watched, params: BY_ID })) break;

  expect(signal?.aborted).toBe(true);
});

it.each([
  [{ since: new Date('x') }, RangeError, 'since and until must be dates, in this order'],
  [{ since: at(2), until: at(1) }, RangeError, 'since and until must be dates, in this order'],
  [{ lookbackMs: -1 }, RangeError, 'lookbackMs must be an integer from 0, got -1'],
  [{ resume: { next: 'x' } }, TypeError, 'resume must be the `resume` of one of its pages'],
  [{ resume: { settledMs: Number.NaN, seen: [] } }, TypeError, 'resume must be the `resume` of one of its pages'],
  [{ resume: { settledMs: 1, seen: ['x'] } }, TypeError, 'resume must be the `resume` of one of its pages'],
])('refuses %o when called', (options, error, message) => {
  const call = () => timeWindow(async function* () {}, options);

  expect(call).toThrow(error);
  expect(call).toThrow(message);
});

interface Row {
  readonly id: number;
  readonly created_at: string;
}

/** More than any of these listings needs. */
const MOST_REQUESTS = 200;

interface Options extends TimeWindowOptions<Row> {
  readonly fetch: Fetch;
  readonly params: KeysetPaginationOptions<Row>['params'];
  readonly limit?: number;
}

function windowOf({ fetch, params, limit = 100, ...options }: Options) {
  let requests = 0;
  const bounded: Fetch = (input, init) => {
    requests += 1;
    if (requests > MOST_REQUESTS) throw new Error('It never ends');
    return fetch(input, init);
  };
  return timeWindow<Row>(
    (resume) => keysetPagination('https://api.test/rows', { fetch: bounded, params, limit, resume }),
    options,
  );
}

async function collect(options: Options): Promise<Page<Row>[]> {
  const { pages, error } = await collectUntilError(options);
  if (error !== undefined) throw error;
  return pages;
}

async function collectUntilError(options: Options) {
  const pages: Page<Row>[] = [];
  try {
    for await (const page of windowOf(options)) pages.push(page);
    return { pages, error: undefined };
  } catch (error) {
    return { pages, error };
  }
}

function idsOf(pages: readonly Page<Row>[]): number[] {
  return pages.flatMap(({ items }) => items.map(({ id }) => id));
}

/** A page's `resume`, as another process has it. */
function stored({ resume }: Page<Row>): Resume {
  return JSON.parse(JSON.stringify(resume));
}

function at(second: number): Date {
  return new Date(Date.UTC(2026, 0, 1, 0, 0, second));
}

function stamp(second: number): string {
  return at(second).toISOString().replace('.000', '');
}

/** Records with the ids 0, 1, 2... at these seconds. */
function rowsAt(...seconds: number[]): Row[] {
  return seconds.map((second, id) => ({ id, created_at: stamp(second) }));
}

interface Behaviour {
  readonly size: number;
  /** The server's clock. @defaultValue none, so that the client's counts */
  readonly answeredAt?: () => Date;
}

/** Serves pages of `size` in the order given: after an id, from an instant on, or after an id of that instant. */
function serve(rows: readonly Row[], { size, answeredAt }: Behaviour) {
  const asked: string[] = [];
  const fetch: Fetch = async (input) => {
    const { search, searchParams: query } = new URL(String(input));
    asked.push(search);
    const fromMs = Date.parse(query.get('from') ?? '1970');
    const after = Number(query.get('after') ?? -1);
    const left = rows.filter(({ id, created_at }) => {
      const atMs = Date.parse(created_at);
      const isAfter = query.has('from') && query.has('after') ? atMs > fromMs || id > after : id > after;
      return atMs >= fromMs && isAfter;
    });
    const headers: HeadersInit = answeredAt ? { date: answeredAt().toUTCString() } : {};
    return Response.json({ rows: left.slice(0, size) }, { headers });
  };
  return { fetch, asked };
}
