import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Fetch, type KeysetParams, keysetPagination, type Page, type Resume } from './keyset-pagination.ts';

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
  lookback: fc.integer({ min: 0, max: 12 }),
  prefetch: fc.integer({ min: 0, max: 2 }),
});
type Listing = typeof listing extends fc.Arbitrary<infer Value> ? Value : never;

const MODES: readonly KeysetParams[] = [
  { after: 'after' },
  { from: 'from', limit: 'limit' },
  { from: 'from', after: 'after' },
  { from: 'from', to: 'to' },
];

it.each(MODES)('delivers once all that is left in the end, by %o, whatever came, went or came late', async (params) => {
  await fc.assert(
    fc.asyncProperty(listing, async (about) => {
      const provider = churning(about, params);
      const delivered: Row[] = [];
      let resume: Resume | undefined;
      for (const maxPages of [...about.stops, Number.POSITIVE_INFINITY]) {
        if (maxPages === Number.POSITIVE_INFINITY) provider.settle();
        const options = { prefetch: about.prefetch, ...(maxPages !== Number.POSITIVE_INFINITY && { maxPages }) };
        for await (const page of provider.read({ ...options, resume })) {
          delivered.push(...page.items);
          expect(delivered.length, 'endless').toBeLessThan(1_000);
          resume = JSON.parse(JSON.stringify(page.resume));
        }
      }

      const ids = delivered.map(({ id }) => id);
      expect(new Set(ids).size, 'repeated').toBe(ids.length);
      expect(
        provider.alive().filter((id) => !ids.includes(id)),
        'lost',
      ).toEqual([]);
    }),
    { seed: 1, numRuns: 100 },
  );
});

interface Row {
  readonly id: number;
  readonly created_at: string;
  readonly version: number;
}

/** The server's present at the first request; no record is older than its first second. */
const BEGIN_SECONDS = 1_000;
const PER_SECOND = 1_000;

/** A listing by (time, id) where records come in time or late, go and change, before each answer. */
function churning({ ages, moments, size, told, lookback }: Listing, params: KeysetParams) {
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
    nowSeconds += happens?.passes ?? 0;
    for (const late of happens?.inserts ?? []) insert(nowSeconds - Math.min(late, lookback));
    for (const nth of happens?.deletes ?? []) rows.delete([...rows.keys()][nth % (rows.size || 1)]!);
    for (const nth of happens?.updates ?? []) {
      const row = [...rows.values()][nth % (rows.size || 1)];
      if (row) rows.set(row.id, { ...row, version: row.version + 1 });
    }

    const query = new URL(String(input)).searchParams;
    const [fromMs, toMs] = [Date.parse(query.get('from') ?? '1970'), Date.parse(query.get('to') ?? '9999')];
    const after = Number(query.get('after') ?? -1);
    const left = [...rows.values()]
      .sort((a, b) => a.id - b.id)
      .filter(({ id, created_at }) => id > after && Date.parse(created_at) >= fromMs && Date.parse(created_at) < toMs);
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
    read: (options: { maxPages?: number; prefetch: number; resume: Resume | undefined }): AsyncIterable<Page<Row>> =>
      keysetPagination<Row>('https://api.test/rows', {
        ...{ ...options, fetch, params, limit: size, lookbackMs: lookback * 1_000 },
        ...(params.to && { until: new Date('9000') }),
      }),
  };
}

/** What the paginator looks at of a response; a real one costs most of the time of these runs. */
function answerOf(body: unknown, date: Date): Response {
  const headers = new Headers({ date: date.toUTCString() });
  const answer = { ok: true, status: 200, url: '', headers, body: null, json: async () => body };
  return answer as Partial<Response> as Response;
}
