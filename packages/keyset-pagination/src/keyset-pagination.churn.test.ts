import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type Fetch,
  type KeysetPaginationOptions,
  keysetPagination,
  type Page,
  type Resume,
} from './keyset-pagination.ts';
import { timeWindow } from './time-window.ts';

/** What happens before a request, and how it is answered. Times are in seconds. */
const moment = fc.record({
  passes: fc.integer({ min: 0, max: 4 }),
  inserts: fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 3 }),
  deletes: fc.array(fc.nat(), { maxLength: 2 }),
  updates: fc.array(fc.nat(), { maxLength: 1 }),
  isShort: fc.boolean(),
  isEmpty: fc.boolean(),
});

const listing = fc.record({
  ages: fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 60 }),
  moments: fc.array(moment, { maxLength: 25 }),
  size: fc.integer({ min: 3, max: 9 }),
  /** Whether a page says that there are more. Where not, only the last may be short. */
  told: fc.boolean(),
  /** How many pages each run reads before it is stopped and goes on elsewhere. */
  stops: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 }),
  prefetch: fc.integer({ min: 0, max: 2 }),
});
type Listing = typeof listing extends fc.Arbitrary<infer Value> ? Value : never;

const MODES: readonly Params[] = [
  { after: 'after' },
  { from: 'from', limit: 'limit' },
  { from: 'from', after: 'after' },
];

it.each(MODES)('delivers once all that is left in the end, by %o, whatever came or went', async (params) => {
  await fc.assert(
    fc.asyncProperty(listing, async (about) => {
      const provider = churning(about, params, 0);
      await readInRuns(about, provider, ({ maxPages, resume, prefetch }) =>
        keysetPagination<Row>(ROWS, {
          ...{ fetch: provider.fetch, params, limit: about.size, prefetch, resume },
          ...(maxPages !== Number.POSITIVE_INFINITY && { maxPages }),
        }),
      );
    }),
    { seed: 1, numRuns: 100 },
  );
});

it.each(MODES)('delivers once in a window, by %o, what came late, too', async (params) => {
  const lookback = fc.integer({ min: 0, max: 12 });
  await fc.assert(
    fc.asyncProperty(listing, lookback, fc.boolean(), async (about, lookback, isBounded) => {
      const provider = churning(about, params, lookback);
      await readInRuns(about, provider, ({ maxPages, resume, prefetch }) =>
        first(
          maxPages,
          timeWindow<Row>(
            (resume) => keysetPagination(ROWS, { fetch: provider.fetch, params, limit: about.size, prefetch, resume }),
            { lookbackMs: lookback * 1_000, resume, ...(isBounded && { since: new Date(0), until: new Date('9000') }) },
          ),
        ),
      );
    }),
    { seed: 1, numRuns: 100 },
  );
});

interface Run {
  readonly maxPages: number;
  readonly prefetch: number;
  readonly resume: Resume | undefined;
}

/** Stops after so many pages again and again, goes on elsewhere, and reads to the end at last. */
async function readInRuns(
  { stops, prefetch }: Listing,
  provider: ReturnType<typeof churning>,
  read: (run: Run) => AsyncIterable<Page<Row>>,
): Promise<void> {
  const delivered: Row[] = [];
  let resume: Resume | undefined;
  for (const maxPages of [...stops, Number.POSITIVE_INFINITY]) {
    if (maxPages === Number.POSITIVE_INFINITY) provider.settle();
    for await (const page of read({ maxPages, prefetch, resume })) {
      delivered.push(...page.items);
      resume = JSON.parse(JSON.stringify(page.resume));
    }
  }

  const ids = delivered.map(({ id }) => id);
  expect(new Set(ids).size, 'repeated').toBe(ids.length);
  expect(
    provider.alive().filter((id) => !ids.includes(id)),
    'lost',
  ).toEqual([]);
}

/** So many pages, as one who leaves the loop has them. */
async function* first(count: number, pages: AsyncIterable<Page<Row>>): AsyncGenerator<Page<Row>> {
  let left = count;
  for await (const page of pages) {
    left -= 1;
    yield page;
    if (left === 0) return;
  }
}

interface Row {
  readonly id: number;
  readonly created_at: string;
  readonly version: number;
}

type Params = KeysetPaginationOptions<Row>['params'];

const ROWS = 'https://api.test/rows';
/** More than any of these listings needs. */
const MOST_REQUESTS = 1_000;
/** The server's present at the first request; no record is older than its first second. */
const BEGIN_SECONDS = 1_000;
const PER_SECOND = 1_000;

/** A listing by (time, id) where records come in time or late, go and change, before each answer. */
function churning({ ages, moments, size, told }: Listing, params: Params, lookback: number) {
  // By time alone, those of one instant must fit into a page, with a place to spare.
  const most = params.after ? 8 : size - 1;
  const rows = new Map<number, Row>();
  const made = new Map<number, number>();
  let nowSeconds = BEGIN_SECONDS;
  let requests = 0;
  let isSettled = false;

  /** An id is greater than those of earlier seconds, and than those made before it in its second. */
  function insert(second: number): void {
    const count = made.get(second) ?? 0;
    if (count >= most) return;
    made.set(second, count + 1);
    const id = second * PER_SECOND + count;
    rows.set(id, { id, created_at: new Date(second * 1_000).toISOString(), version: 1 });
  }

  for (const age of ages) insert(BEGIN_SECONDS - 20 - age);

  const fetch: Fetch = async (input) => {
    const happens = isSettled ? undefined : moments[requests];
    requests += 1;
    if (requests > MOST_REQUESTS) throw new Error('It never ends');
    nowSeconds += happens?.passes ?? 0;
    for (const late of happens?.inserts ?? []) insert(nowSeconds - Math.min(late, lookback));
    for (const nth of happens?.deletes ?? []) rows.delete([...rows.keys()][nth % (rows.size || 1)]!);
    for (const nth of happens?.updates ?? []) {
      const row = [...rows.values()][nth % (rows.size || 1)];
      if (row) rows.set(row.id, { ...row, version: row.version + 1 });
    }

    const query = new URL(String(input)).searchParams;
    const fromMs = Date.parse(query.get('from') ?? '1970');
    const after = Number(query.get('after') ?? -1);
    const left = [...rows.values()]
      .sort((a, b) => a.id - b.id)
      .filter(({ id, created_at }) => id > after && Date.parse(created_at) >= fromMs);
    // By time alone a shorter page might hold no more than one instant.
    const short = told && params.after && happens?.isShort ? 1 : 0;
    const page = left.slice(0, told && happens?.isEmpty ? 0 : size - short);
    const body = { rows: page, ...(told && { has_more: page.length < left.length }) };
    return answerOf(body, new Date(nowSeconds * 1_000));
  };

  return {
    /** From now on nothing changes. */
    settle: () => {
      isSettled = true;
    },
    alive: () => [...rows.keys()],
    fetch,
  };
}

/** What the paginator looks at of a response; a real one costs most of the time of these runs. */
function answerOf(body: unknown, date: Date): Response {
  const headers = new Headers({ date: date.toUTCString() });
  const answer = { ok: true, status: 200, url: '', headers, body: null, json: async () => body };
  return answer as Partial<Response> as Response;
}
