import { expect, it } from 'vitest';
import {
  type Fetch,
  type OffsetPaginationOptions,
  offsetPagination,
  offsets,
  type Resume,
} from './offset-pagination.ts';
import { pageNumbers } from './page-numbers.ts';
import { sideBySide } from './side-by-side.ts';

const RUNS = 10_000;

it(`loses and repeats nothing in ${RUNS} runs of random churn`, async () => {
  let requests = 0;
  for (let seed = 0; seed < RUNS; seed++) {
    const listing = churning(seed);
    const delivered = await read(listing, { limit: 2 + (seed % 9) });
    requests += listing.requests();
    expect(verdict(listing, delivered), `seed ${seed}`).toEqual({ lost: [], repeated: [] });
  }
  expect(requests).toBeGreaterThan(RUNS);
});

it(`loses records in most of the same ${RUNS} runs without the overlap, however well it de-duplicates`, async () => {
  let runsWithLoss = 0;
  for (let seed = 0; seed < RUNS; seed++) {
    const listing = churning(seed);
    const delivered = await readWithoutOverlap(listing, 2 + (seed % 9));
    if (verdict(listing, delivered).lost.length > 0) runsWithLoss += 1;
  }
  expect(runsWithLoss / RUNS).toBeCloseTo(0.57, 2);
});

it.each([
  ['by page number', { limit: 25, by: pageNumbers({ size: 'size' }) }, {}],
  ['by page number where the server caps the size', { limit: 100, by: pageNumbers({ size: 'size' }) }, { cap: 20 }],
  ['where the server caps the size', { limit: 50 }, { cap: 3 }],
  ['with windows in parallel', { limit: 5, by: sideBySide({ total: 60, atOnce: 5 }) }, {}],
  ['with a wrong total', { limit: 5, by: sideBySide({ total: 1_000 }) }, {}],
  ['with pages read ahead', { limit: 5, prefetch: 3 }, {}],
  ['where empty pages come in between', { limit: 5 }, { emptyRatio: 0.1 }],
] satisfies [string, OffsetPaginationOptions<Row>, Behaviour][])(
  'loses and repeats nothing %s',
  async (_, options, behaviour) => {
    for (let seed = 0; seed < 300; seed++) {
      const listing = churning(seed, { ...behaviour, records: 25 + (seed % 60) });
      const delivered = await read(listing, options);
      expect(verdict(listing, delivered), `seed ${seed}`).toEqual({ lost: [], repeated: [] });
    }
  },
);

it('loses nothing with few ids remembered, and repeats only where the list moved right past them', async () => {
  let repeats = 0;
  for (let seed = 0; seed < 800; seed++) {
    const listing = churning(seed);
    const { lost, repeated } = verdict(listing, await read(listing, { limit: 4, window: 4 }));
    expect(lost, `seed ${seed}`).toEqual([]);
    repeats += repeated.length;
  }
  expect(repeats).toBeGreaterThan(0);
});

it('loses nothing when it is stopped after any page and resumed elsewhere', async () => {
  for (let seed = 0; seed < 800; seed++) {
    const listing = churning(seed);
    const delivered: Row[] = [];
    let resume: Resume | undefined;
    for (let isDone = false; !isDone; ) {
      isDone = true;
      for await (const page of listing.pages({ limit: 5, maxPages: 1 + (seed % 3), resume })) {
        delivered.push(...page.items);
        resume = JSON.parse(JSON.stringify(page.resume));
        isDone = false;
      }
    }
    expect(verdict(listing, delivered).lost, `seed ${seed}`).toEqual([]);
  }
});

it('comes to an end where the listing never stands still, by offset and by page number', async () => {
  for (const by of [offsets(), pageNumbers({ size: 'size' })]) {
    for (let seed = 0; seed < 100; seed++) {
      const listing = churning(seed, { records: 200, stillAfter: Number.POSITIVE_INFINITY });
      const delivered = await read(listing, { limit: 25, by });
      expect(verdict(listing, delivered), `seed ${seed}`).toEqual({ lost: [], repeated: [] });
    }
  }
});

it('asks for about one percent more than a plain loop, in pages of 100, when nothing moves', async () => {
  const listing = churning(1, { records: 20_000, stillAfter: 0 });

  await read(listing, { limit: 100 });

  expect(listing.requests()).toBeLessThanOrEqual(204);
});

it('asks for few windows more where the listing moves at every request', async () => {
  const listing = churning(1, { records: 5_000, stillAfter: 1_000 });

  const delivered = await read(listing, { limit: 100 });

  expect(verdict(listing, delivered)).toEqual({ lost: [], repeated: [] });
  expect(listing.requests()).toBeLessThan(70);
});

interface Row {
  readonly id: number;
}

interface Behaviour {
  readonly records?: number;
  readonly cap?: number;
  readonly emptyRatio?: number;
  readonly stillAfter?: number;
}

/** A listing by falling rank into which records are put, and from which they are taken, before each answer. */
function churning(seed: number, behaviour: Behaviour = {}) {
  const random = randomFrom(seed);
  const below = (count: number) => Math.floor(random() * count);
  const { records = below(40), cap = Number.POSITIVE_INFINITY, emptyRatio = 0, stillAfter = 30 } = behaviour;
  const rows: Row[] = Array.from({ length: records }, (_, id) => ({ id }));
  const atFirst = [...rows];
  let nextId = records;
  let requests = 0;

  function churn(): void {
    for (let inserts = below(4); inserts > 0; inserts--) rows.splice(below(rows.length + 1), 0, { id: nextId++ });
    for (let deletes = below(5); deletes > 0 && rows.length > 0; deletes--) rows.splice(below(rows.length), 1);
    // Most that happens to a listing happens at one of its ends.
    if (random() < 0.2) rows.splice(0, below(8));
    if (random() < 0.2) rows.unshift(...Array.from({ length: below(8) }, () => ({ id: nextId++ })));
  }

  const fetch: Fetch = async (input) => {
    const query = new URL(String(input)).searchParams;
    if (requests >= MOST_REQUESTS) throw new Error('It never ends');
    if (requests++ < stillAfter) churn();
    const size = Math.min(cap, Number(query.get('limit') ?? query.get('size')));
    const start = query.has('page') ? (Number(query.get('page')) - 1) * size : Number(query.get('offset'));
    const isEmpty = start > 0 && emptyRatio > 0 && random() < emptyRatio;
    return answerOf(isEmpty ? [] : rows.slice(start, start + size));
  };

  return {
    fetch,
    pages: (options: OffsetPaginationOptions<Row>) =>
      offsetPagination<Row>('https://api.test/rows', { ...options, fetch }),
    requests: () => requests,
    /** What was there from the first request to the last. */
    stayed: () => {
      const left = new Set(rows.map(({ id }) => id));
      return atFirst.filter(({ id }) => left.has(id));
    },
  };
}

async function read(listing: ReturnType<typeof churning>, options: OffsetPaginationOptions<Row>): Promise<Row[]> {
  const delivered: Row[] = [];
  for await (const { items } of listing.pages(options)) delivered.push(...items);
  return delivered;
}

async function readWithoutOverlap(listing: ReturnType<typeof churning>, limit: number): Promise<Row[]> {
  const delivered = new Map<number, Row>();
  for (let offset = 0; ; ) {
    const answer = await listing.fetch(`https://api.test/rows?offset=${offset}&limit=${limit}`);
    const rows: Row[] = await answer.json();
    if (rows.length === 0) return [...delivered.values()];
    for (const row of rows) delivered.set(row.id, row);
    offset += rows.length;
  }
}

function verdict(listing: ReturnType<typeof churning>, delivered: Row[]) {
  const ids = delivered.map(({ id }) => id);
  const had = new Set(ids);
  return {
    lost: listing.stayed().filter(({ id }) => !had.has(id)),
    repeated: ids.filter((id, index) => ids.indexOf(id) !== index),
  };
}

/** What the paginator looks at of a response; a real one costs most of the time of these runs. */
function answerOf(rows: Row[]): Response {
  const answer = { ok: true, status: 200, url: '', headers: NO_HEADERS, body: null, json: async () => rows };
  return answer as Partial<Response> as Response;
}

const NO_HEADERS = new Headers();
/** More than any of these listings takes, so that what would read on for ever fails. */
const MOST_REQUESTS = 500;

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
