import { cursorPagination } from '@steadfetch/cursor-pagination';
import { type KeysetPaginationOptions, keysetPagination } from '@steadfetch/keyset-pagination';
import { linkPagination } from '@steadfetch/link-pagination';
import { offsetPagination } from '@steadfetch/offset-pagination';
import { pageNumbers } from '@steadfetch/offset-pagination/page-numbers';
import { sideBySide } from '@steadfetch/offset-pagination/side-by-side';

/** What came of the runs of one way to page. */
export interface DriftFigures {
  /** Listings read to their end while records came and went before each answer. */
  readonly runs: number;
  /** Records that were there from the first request to the last. */
  readonly expected: number;
  /** Of those, the ones that were never delivered. */
  readonly lost: number;
  /** Deliveries of a record that had been delivered before. */
  readonly repeated: number;
  /** All that was asked for. */
  readonly requests: number;
  /** Of those, the ones that brought no page of new records. */
  readonly extraRequests: number;
}

/** How many runs, and where to begin. */
export interface DriftOptions {
  readonly runs: number;
  /** Of the first run; each has the next. */
  readonly seed: number;
  /** Is told the figures by way to page, a hundred times in all. */
  readonly onProgress?: (figures: ReadonlyMap<string, DriftFigures>) => void;
}

/** Reads listings that move, by each way to page in turn. */
export async function drift({ runs, seed, onProgress }: DriftOptions): Promise<Map<string, DriftFigures>> {
  const figures = new Map(Object.keys(WAYS).map((way) => [way, NOTHING]));
  const names = [...figures.keys()];
  for (let nth = 0; nth < runs; nth += 1) {
    const way = names[nth % names.length]!;
    figures.set(way, add(figures.get(way)!, await runOf(WAYS[way]!, seed + nth)));
    if (Math.floor(((nth + 1) * 100) / runs) > Math.floor((nth * 100) / runs)) onProgress?.(figures);
  }
  return figures;
}

/** Those of several ways, or runs, together. */
export function add(one: DriftFigures, other: DriftFigures): DriftFigures {
  return {
    runs: one.runs + other.runs,
    expected: one.expected + other.expected,
    lost: one.lost + other.lost,
    repeated: one.repeated + other.repeated,
    requests: one.requests + other.requests,
    extraRequests: one.extraRequests + other.extraRequests,
  };
}

/** None yet. */
export const NOTHING: DriftFigures = { runs: 0, expected: 0, lost: 0, repeated: 0, requests: 0, extraRequests: 0 };

interface Row {
  readonly id: number;
  /** Its place in the listing, which it keeps. */
  readonly rank: number;
  readonly created_at: number;
}

type Fetch = typeof globalThis.fetch;
type Read = (fetch: Fetch, limit: number) => AsyncIterable<{ readonly items: readonly Row[] }>;

interface Way {
  readonly read: Read;
  /** Where records come in; at the end where the listing is in the order in which they were made. */
  readonly inserts: 'anywhere' | 'at the end';
  /** How many pages in a hundred hold nothing, though more follow. */
  readonly emptyPercent?: number;
  /** The smallest page; they go up to six more. @defaultValue 4 */
  readonly leastLimit?: number;
}

const ROWS = 'https://api.test/rows';

const WAYS: Record<string, Way> = {
  offset: {
    inserts: 'anywhere',
    read: (fetch, limit) => offsetPagination<Row>(ROWS, { fetch, limit }),
  },
  'offset, side by side': {
    inserts: 'anywhere',
    read: (fetch, limit) => offsetPagination<Row>(ROWS, { fetch, limit, by: sideBySide({ total: 40 }) }),
  },
  // Some smaller pages cannot overlap, as its README says, and then a record in thousands is lost.
  'page number': {
    inserts: 'anywhere',
    leastLimit: 20,
    read: (fetch, limit) => offsetPagination<Row>(ROWS, { fetch, limit, by: pageNumbers({ size: 'limit' }) }),
  },
  cursor: {
    inserts: 'anywhere',
    emptyPercent: 10,
    read: (fetch, limit) =>
      cursorPagination<Row>(`${ROWS}?limit=${limit}`, { fetch, next: (body) => ({ cursor: body.next }) }),
  },
  link: {
    inserts: 'anywhere',
    emptyPercent: 10,
    read: (fetch, limit) => linkPagination<Row>(`${ROWS}?limit=${limit}`, { fetch }),
  },
  id: byKey({ after: 'after', limit: 'limit' }),
  time: byKey({ from: 'from', limit: 'limit' }),
  'time and id': byKey({ from: 'from', after: 'after', limit: 'limit' }),
};

function byKey(params: KeysetPaginationOptions<Row>['params']): Way {
  return { inserts: 'at the end', read: (fetch, limit) => keysetPagination<Row>(ROWS, { fetch, limit, params }) };
}

/** By time alone, the records of one instant must fit into a page, with a place to spare. */
const PER_INSTANT = 3;
/** From here on nothing moves, so that every reading ends. */
const STILL_AFTER_REQUESTS = 30;
/** More than any reading takes, so that one that would never end fails. */
const MOST_REQUESTS = 1_000;
const NO_HEADERS = new Headers();

async function runOf(way: Way, seed: number): Promise<DriftFigures> {
  const listing = churning(way, seed);
  const delivered: number[] = [];
  let pages = 0;
  for await (const { items } of way.read(listing.fetch, (way.leastLimit ?? 4) + (seed % 7))) {
    pages += 1;
    delivered.push(...items.map(({ id }) => id));
  }
  const had = new Set(delivered);
  const stayed = listing.stayed();
  const requests = listing.requests();
  return {
    runs: 1,
    expected: stayed.length,
    lost: stayed.filter((id) => !had.has(id)).length,
    repeated: delivered.length - had.size,
    requests,
    extraRequests: requests - pages,
  };
}

/** A listing into which records are put, and from which they are taken, before each answer. */
function churning({ inserts, emptyPercent = 0, leastLimit = 4 }: Way, seed: number) {
  const random = randomFrom(seed);
  const below = (count: number) => Math.floor(random() * count);
  const rows: Row[] = [];
  let nextId = 0;
  let requests = 0;
  for (let records = below(15 * leastLimit); records > 0; records -= 1) insert(rows.length);
  const atFirst = rows.map(({ id }) => id);

  return {
    fetch: (async (input) => {
      if (requests >= MOST_REQUESTS) throw new Error('It never ends');
      if (requests < STILL_AFTER_REQUESTS) churn();
      requests += 1;
      return answer(new URL(String(input)));
    }) satisfies Fetch,
    requests: () => requests,
    /** What was there from the first request to the last. */
    stayed() {
      const left = new Set(rows.map(({ id }) => id));
      return atFirst.filter((id) => left.has(id));
    },
  };

  function insert(at: number): void {
    const before = rows[at - 1]?.rank ?? (rows[at]?.rank ?? 0) - 2;
    const after = rows[at]?.rank ?? before + 2;
    const id = nextId++;
    rows.splice(at, 0, { id, rank: (before + after) / 2, created_at: Math.floor(id / PER_INSTANT) * 1_000 });
  }

  function churn(): void {
    const anywhere = inserts === 'anywhere';
    for (let count = below(4); count > 0; count -= 1) insert(anywhere ? below(rows.length + 1) : rows.length);
    for (let count = below(5); count > 0 && rows.length > 0; count -= 1) rows.splice(below(rows.length), 1);
    // Most that happens to a listing happens at one of its ends.
    if (random() < 0.2) rows.splice(0, below(8));
    if (random() < 0.2) for (let count = below(8); count > 0; count -= 1) insert(anywhere ? 0 : rows.length);
  }

  function answer({ searchParams: query }: URL): Response {
    const limit = Number(query.get('limit'));
    if (query.has('offset')) return answerOf(slice(Number(query.get('offset')), limit));
    if (query.has('page')) return answerOf(slice((Number(query.get('page')) - 1) * limit, limit));
    if (inserts === 'at the end') {
      const fromMs = Number(query.get('from') ?? 0);
      const after = Number(query.get('after') ?? -1);
      return answerOf(rows.filter(({ id, created_at }) => id > after && created_at >= fromMs).slice(0, limit));
    }

    const cursor = Number.parseFloat(query.get('cursor') ?? '-Infinity');
    const left = rows.filter(({ rank }) => rank > cursor);
    const isEmpty = below(100) < emptyPercent;
    const page = isEmpty ? [] : left.slice(0, limit);
    // No two are the same, even where a page is empty.
    const next = `${page.at(-1)?.rank ?? cursor}:${requests}`;
    return page.length < left.length ? answerOf({ rows: page, next }, next) : answerOf({ rows: page });
  }

  function slice(start: number, limit: number): Row[] {
    return rows.slice(start, start + limit);
  }
}

/** What a paginator looks at of a response; a real one costs most of the time of these runs. */
function answerOf(body: unknown, next?: string): Response {
  const headers =
    next === undefined ? NO_HEADERS : new Headers({ link: `<${ROWS}?limit=5&cursor=${next}>; rel="next"` });
  const answer = { ok: true, status: 200, url: '', headers, body: null, json: async () => body };
  return answer as Partial<Response> as Response;
}

/** From 0 to 1, the same for the same seed. Source: mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
