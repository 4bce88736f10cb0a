import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { batch, type Fetch, type ItemOutcome } from './batch.ts';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setTimerTickMode('nextTimerAsync');
});
afterEach(() => void vi.useRealTimers());

/** How the server treats an item: it is written, refused, poisons its chunk, or is written at the third time. */
type Item = { readonly name: string; readonly fate: 'good' | 'bad' | 'poison' | 'slow' };

/** What befalls a request on its way, whatever is in it. */
type Fault =
  | 'none'
  | 'lost-before'
  | 'lost-after'
  | '500-before'
  | '500-after'
  | '429'
  | '401'
  | '400'
  | 'turned-away'
  | 'torn'
  | 'mute';

const item: fc.Arbitrary<Item> = fc.record({
  // Few names, so that equal items meet.
  name: fc.constantFrom('a', 'b', 'c', 'd'),
  fate: fc.constantFrom('good', 'good', 'good', 'bad', 'poison', 'slow'),
});
const fault: fc.Arbitrary<Fault> = fc.constantFrom(
  ...Array<Fault>(6).fill('none'),
  ...(['lost-before', 'lost-after', '500-before', '500-after', '429', '401', '400', 'turned-away'] as const),
  ...(['torn', 'mute'] as const),
);

const world = fc.record({
  items: fc.array(item, { maxLength: 30 }),
  faults: fc.array(fault, { maxLength: 60 }),
  maxItems: fc.integer({ min: 1, max: 12 }),
  serverMax: fc.integer({ min: 1, max: 12 }),
  concurrency: fc.integer({ min: 1, max: 4 }),
  knowsKeys: fc.boolean(),
  isAtomic: fc.boolean(),
  isAnswerKept: fc.boolean(),
});

it('tells the truth of every item, once, and writes none twice, whatever the server and the network do', async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(world, async ({ items, maxItems, concurrency, knowsKeys, ...server }) => {
      const sent = items.map((each, index) => ({ ...each, index }));
      const { fetch, written, mostInFlight } = serving({ ...server, knowsKeys });
      const keyHeader = knowsKeys ? 'Idempotency-Key' : false;

      const outcomes: ItemOutcome<Item>[] = [];
      for await (const outcome of batch('https://api.test/batch', sent, { fetch, maxItems, concurrency, keyHeader })) {
        outcomes.push(outcome);
      }

      expect(outcomes.map(({ index }) => index).sort((one, other) => one - other)).toEqual([...items.keys()]);
      for (const { index, item, status } of outcomes) {
        expect(item).toBe(sent[index]);
        const times = written.get(index) ?? 0;
        if (status === 'done') expect(times).toBe(1);
        else if (status === 'failed') expect(times).toBe(0);
        else expect(times).toBeLessThanOrEqual(1);
        seen.add(`${status} ${times}`);
      }
      expect(mostInFlight()).toBeLessThanOrEqual(concurrency);
    }),
    { numRuns: 150, seed: 5 },
  );

  expect([...seen].sort()).toEqual(['done 1', 'failed 0', 'unknown 0', 'unknown 1']);
});

it('ends good items as done, bad ones as failed, and only those in doubt as unknown, where answers are lost', async () => {
  await fc.assert(
    fc.asyncProperty(world, async ({ items, maxItems, faults, ...server }) => {
      const sent = items.map((each, index) => ({ ...each, index }));
      const isWord = (one: Fault) => one === '401' || one === '400' || one === 'mute';
      const apart = faults.flatMap((one) => [isWord(one) ? 'lost-after' : one, 'none'] as const);
      const { fetch, inDoubt } = serving({ ...server, faults: apart, knowsKeys: true });
      // In turn, or one lost answer after the other could all be of one chunk.
      const options = { fetch, maxItems, concurrency: 1 };

      for await (const { index, item, status } of batch('https://api.test/batch', sent, options)) {
        const fate = item.fate === 'good' || item.fate === 'slow' ? 'done' : 'failed';
        expect(status).toBe(inDoubt.has(index) ? 'unknown' : fate);
      }
    }),
    { numRuns: 50, seed: 5 },
  );
});

it('writes nothing twice when it is run again under the same name after it died anywhere', async () => {
  await fc.assert(
    fc.asyncProperty(world, fc.array(fc.nat(30), { maxLength: 4 }), async ({ items, maxItems, ...server }, deaths) => {
      const sent = items.map((each, index) => ({ ...each, index }));
      const { fetch, written } = serving({ ...server, faults: [], knowsKeys: true, isAnswerKept: true });
      const options = { fetch, maxItems, concurrency: server.concurrency, run: 'nightly' };

      for (const death of [...deaths, Number.POSITIVE_INFINITY]) {
        let taken = 0;
        for await (const { index, status } of batch('https://api.test/batch', sent, options)) {
          if (taken++ >= death) break;
          expect(written.get(index) ?? 0).toBe(status === 'done' ? 1 : 0);
        }
      }
      expect([...written.values()].every((times) => times === 1)).toBe(true);
    }),
    { numRuns: 50, seed: 5 },
  );
});

interface ServerOptions {
  readonly faults: readonly Fault[];
  readonly serverMax: number;
  readonly knowsKeys: boolean;
  readonly isAtomic: boolean;
  /** Whether an answer is kept by its key if it says that all items failed, or only if something was written. */
  readonly isAnswerKept: boolean;
}

/** A server with a table of what was written how often, and of its answers by key. */
function serving({ faults, serverMax, knowsKeys, isAtomic, isAnswerKept }: ServerOptions) {
  const written = new Map<number, number>();
  const answers = new Map<string, { readonly body: string; readonly answer: () => Response }>();
  const tries = new Map<number, number>();
  /** Keys of requests whose answer was lost, and items of such that were then refused as a whole. */
  const lost = new Set<string | null>();
  const inDoubt = new Set<number>();
  let requests = 0;
  let inFlight = 0;
  let most = 0;

  type Sent = Item & { readonly index: number };
  function carryOut(items: readonly Sent[]): () => Response {
    if (items.length > serverMax) return () => new Response('', { status: 413 });
    if (items.some(({ fate }) => fate === 'poison')) return () => new Response('', { status: 400 });
    const statuses = items.map(({ fate, index }) => {
      const nth = (tries.get(index) ?? 0) + 1;
      tries.set(index, nth);
      if (fate === 'bad') return 422;
      return fate === 'slow' && nth < 3 ? 503 : 201;
    });
    const isUndone = isAtomic && statuses.some((status) => status !== 201);
    const results = items.map(({ index }, at) => {
      if (statuses[at] !== 201) return { status: statuses[at] };
      if (isUndone) return { status: 424 };
      written.set(index, (written.get(index) ?? 0) + 1);
      return { status: 201 };
    });
    return () => Response.json({ results }, { status: 207 });
  }

  function serve(key: string | null, body: string): Response {
    const earlier = key === null ? undefined : answers.get(key);
    if (earlier) return earlier.body === body ? earlier.answer() : new Response('', { status: 422 });
    const writtenBefore = written.size;
    const answer = carryOut(JSON.parse(body));
    if (key !== null && (isAnswerKept || written.size > writtenBefore)) answers.set(key, { body, answer });
    return answer();
  }

  const fetch: Fetch = async (_input, init) => {
    const befalls = faults[requests++] ?? 'none';
    const key = new Headers(init!.headers).get('idempotency-key');
    expect(key !== null).toBe(knowsKeys);
    const answer = () => serve(key, String(init!.body));
    most = Math.max(most, ++inFlight);
    await new Promise((resolve) => setTimeout(resolve, 10));
    inFlight -= 1;
    init!.signal!.throwIfAborted();

    if (befalls === '429' || befalls === '401' || befalls === '400') {
      return new Response('', { status: Number(befalls) });
    }
    if (befalls === 'turned-away') throw Object.assign(new Error('open'), { name: 'CircuitOpenError' });
    const response = befalls.endsWith('before') ? new Response('', { status: 500 }) : answer();
    const isRefused = response.status === 413 || response.status === 400;
    if (isRefused && lost.has(key)) for (const { index } of JSON.parse(String(init!.body))) inDoubt.add(index);
    if (/before|after/.test(befalls) || (befalls === 'torn' && response.ok)) lost.add(key);
    if (befalls.startsWith('lost')) throw new TypeError('fetch failed');
    if (befalls === '500-after') return new Response('', { status: 500 });
    if (befalls === 'torn') return new Response((await response.text()).slice(0, -1), { status: response.status });
    if (befalls === 'mute' && response.ok) return Response.json({ ok: true });
    return response;
  };
  return { fetch, written, inDoubt, mostInFlight: () => most };
}
