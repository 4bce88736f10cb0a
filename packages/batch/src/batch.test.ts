import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type BatchOptions, batch, type Fetch, type ItemOutcome } from './batch.ts';
import { readAnswer } from './platforms.ts';

const URL_ = 'https://api.test/rows/batch?token=secret';

/** For what takes milliseconds, or else waits for ever. */
const AT_ONCE = { timeout: 10_000 };

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
  vi.setTimerTickMode('nextTimerAsync');
});
afterEach(() => void vi.useRealTimers());

it('sends chunks, and yields what became of each item, once', async () => {
  const server = answering(allDone);

  const outcomes = await collect(names(5), { fetch: server.fetch, maxItems: 2, concurrency: 1 });

  expect(server.requests.map(({ items }) => items)).toEqual([['n0', 'n1'], ['n2', 'n3'], ['n4']]);
  expect(outcomes).toEqual(
    names(5).map((item, index) => ({ index, item, status: 'done', answer: { status: 201, item } })),
  );
});

it('sends JSON by POST, unless it is told otherwise, and follows no redirect', async () => {
  const server = answering(allDone, () => []);

  await collect(['a'], { fetch: server.fetch });
  await collect(['a'], {
    fetch: server.fetch,
    init: { method: 'PATCH', headers: { 'content-type': 'text/plain', 'x-own': '1' }, redirect: 'follow' },
    keyHeader: 'X-Key',
    body: (items) => JSON.stringify({ inputs: items }),
    read: () => 'done',
  });

  expect(server.requests).toMatchObject([
    { method: 'POST', redirect: 'manual', items: ['a'], headers: { 'content-type': 'application/json' } },
    { method: 'PATCH', redirect: 'follow', items: { inputs: ['a'] }, headers: { 'content-type': 'text/plain' } },
  ]);
  expect(Object.keys(server.requests[0]!.headers)).toEqual(['content-type', 'idempotency-key']);
  expect(Object.keys(server.requests[1]!.headers)).toEqual(['content-type', 'x-key', 'x-own']);
});

it('takes method and headers of an `init` that is a request, which follows no redirect for that', async () => {
  const server = answering(allDone);

  await collect(['a'], { fetch: server.fetch, init: new Request(URL_, { method: 'PUT', headers: { 'x-own': '1' } }) });

  expect(server.requests).toMatchObject([{ method: 'PUT', redirect: 'manual', headers: { 'x-own': '1' } }]);
});

it.each([1, 3])('keeps %i requests in flight, and no more', async (concurrency) => {
  let inFlight = 0;
  const seen: number[] = [];
  const server = answering(async (items) => {
    seen.push(++inFlight);
    await new Promise((resolve) => setTimeout(resolve, 100));
    inFlight -= 1;
    return allDone(items);
  });

  await collect(names(20), { fetch: server.fetch, maxItems: 2, concurrency, keyHeader: false });

  expect(Math.max(...seen)).toBe(concurrency);
  expect(performance.now()).toBeGreaterThanOrEqual((10 / concurrency) * 100);
});

it('yields what is known while another chunk is under way', async () => {
  const server = answering((items) => (items[0] === 'n0' ? new Promise(() => {}) : allDone(items)));
  const outcomes = batch(URL_, names(6), { fetch: server.fetch, maxItems: 1, concurrency: 2 });

  const known = [];
  for (let count = 0; count < 5; count += 1) known.push((await outcomes.next()).value?.index);
  await outcomes.return();

  expect(known).toEqual([1, 2, 3, 4, 5]);
});

it('sends items that failed for now again, without the others, under another key', async () => {
  const server = answering(
    () => [{ status: 201 }, { status: 503 }, { status: 400 }, { status: 429 }],
    () => [{ status: 503 }, { status: 201 }],
    () => [{ status: 200 }],
  );

  const outcomes = await collect(names(4), { fetch: server.fetch });

  expect(server.requests.map(({ items }) => items)).toEqual([names(4), ['n1', 'n3'], ['n1']]);
  expect(statuses(outcomes)).toEqual(['done', 'done', 'failed', 'done']);
  expect(new Set(server.keys()).size).toBe(3);
});

it('takes another key where all items failed: under the first the answer would be the first', async () => {
  const server = answering(() => [{ status: 503 }, { status: 503 }], allDone);

  expect(statuses(await collect(names(2), { fetch: server.fetch }))).toEqual(['done', 'done']);
  expect(server.requests[1]!.items).toEqual(server.requests[0]!.items);
  expect(new Set(server.keys()).size).toBe(2);
});

it('fails an item that fails for now each time, with what the server said of it', async () => {
  const server = answering(() => [{ status: 503, error: 'busy' }]);

  const [outcome] = await collect(['a'], { fetch: server.fetch, attempts: 3 });

  expect(server.requests).toHaveLength(3);
  expect(outcome).toMatchObject({
    status: 'failed',
    error: { name: 'BatchError', status: 200, answer: { status: 503, error: 'busy' } },
  });
});

it.each<[string, Answering]>([
  ['no answer', () => lost()],
  ['a 500', () => new Response('', { status: 500 })],
  ['a 409, as under a key that is in use', () => new Response('', { status: 409 })],
  ['JSON without an end', () => new Response('[{"status"')],
  ['a body that breaks off', () => new Response(tornOff('[]'))],
])('sends after %s the same bytes with the same key again', async (_what, first) => {
  const server = answering(first, allDone);

  expect(statuses(await collect(names(2), { fetch: server.fetch }))).toEqual(['done', 'done']);
  expect(server.requests).toHaveLength(2);
  expect(server.requests[1]).toEqual(server.requests[0]);
});

it('does not know what became of items whose answers were all lost', async () => {
  const server = answering(() => lost());

  const outcomes = await collect(names(2), { fetch: server.fetch, attempts: 3 });

  expect(server.requests).toHaveLength(3);
  expect(outcomes).toMatchObject([0, 1].map((index) => ({ index, status: 'unknown', error: { status: undefined } })));
  expect(outcomes.map((outcome) => outcome.status !== 'done' && outcome.error.message)).toEqual([
    'Item 0: unknown (no answer)',
    'Item 1: unknown (no answer)',
  ]);
});

it('does not send again without a key what may have been written', async () => {
  for (const answer of [() => lost(), () => new Response('', { status: 503 }), () => new Response('{')]) {
    const server = answering(answer, allDone);

    expect(statuses(await collect(['a'], { fetch: server.fetch, keyHeader: false }))).toEqual(['unknown']);
    expect(server.requests).toHaveLength(1);
    expect(server.keys()).toEqual([undefined]);
  }
});

it.each([400, 401, 403, 404, 413, 422, 429])('does not take a %i for the answer before it', async (status) => {
  const server = answering(
    () => lost(),
    () => new Response('', { status }),
  );

  expect(statuses(await collect(names(2), { fetch: server.fetch }))).toEqual(['unknown', 'unknown']);
  // Under another key, what was written would be written again.
  expect(new Set(server.keys()).size).toBe(1);
});

it.each<[string, object, number]>([
  ['CircuitOpenError', { retryAfterMs: 5_000 }, 5_000],
  ['BucketAwayError', {}, 0],
  ['QuotaExhaustedError', { resetAt: undefined }, 0],
  ['TokenRequestError', { status: 503 }, 0],
])('takes what a %s turned away for not sent, and sends it, with a key or without', async (name, more, askedMs) => {
  for (const keyHeader of ['Idempotency-Key', false] as const) {
    const error = Object.assign(new Error('not now'), { name, ...more });
    const server = answering(() => Promise.reject(error), allDone);
    const startedAt = performance.now();

    expect(statuses(await collect(names(2), { fetch: server.fetch, keyHeader }))).toEqual(['done', 'done']);
    expect(server.requests).toHaveLength(2);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(askedMs);

    const closed = answering(() => Promise.reject(error));
    const [outcome] = await collect(['a'], { fetch: closed.fetch, keyHeader });
    expect(outcome).toMatchObject({ status: 'failed', error: { status: undefined, cause: error } });
  }
});

it.each([
  [{ 'retry-after': '7' }, 7_000],
  [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:09 GMT' }, 9_000],
  [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:09 GMT', date: 'Wed, 31 Dec 2025 23:59:00 GMT' }, 69_000],
  [{ 'retry-after': 'Thu Jan  1 00:00:30 2026' }, 30_000],
  [{ 'retry-after': '5, 30' }, 30_000],
  [{ 'retry-after': 'Thursday, 01-Jan-26 00:00:31 GMT, Thu, 01 Jan 2026 00:00:05 GMT' }, 31_000],
])('waits as long as a 429 asks for by %o, with a key or without', async (headers, askedMs) => {
  vi.stubEnv('TZ', 'Europe/Berlin');
  onTestFinished(() => void vi.unstubAllEnvs());
  for (const keyHeader of ['Idempotency-Key', false] as const) {
    const server = answering(() => new Response('', { status: 429, headers }), allDone);
    vi.setSystemTime(Date.UTC(2026, 0, 1));
    const startedAt = performance.now();

    expect(statuses(await collect(names(2), { fetch: server.fetch, keyHeader }))).toEqual(['done', 'done']);
    expect(performance.now() - startedAt).toBeGreaterThan(askedMs);
    expect(server.requests[1]).toEqual(server.requests[0]);
  }
});

it('sends nothing else either while it is asked to wait', async () => {
  const startedAt: number[] = [];
  const server = answering(async (items) => {
    startedAt.push(performance.now());
    const nth = startedAt.length;
    await new Promise((resolve) => setTimeout(resolve, 10));
    return nth === 1 ? new Response('', { status: 429, headers: { 'retry-after': '60' } }) : allDone(items);
  });

  await collect(names(6), { fetch: server.fetch, maxItems: 1, concurrency: 2, keyHeader: false });

  expect(startedAt.slice(0, 2)).toEqual([0, 0]);
  expect(startedAt.slice(2).every((ms) => ms > 60_000)).toBe(true);
});

it('sends nothing else either while it is asked to wait by the last attempt', async () => {
  const startedAt: number[] = [];
  const server = answering((items) => {
    startedAt.push(performance.now());
    return items[0] === 'n0' ? new Response('', { status: 429, headers: { 'retry-after': '60' } }) : allDone(items);
  });

  const outcomes = await collect(names(2), { fetch: server.fetch, maxItems: 1, concurrency: 1, attempts: 1 });

  expect(statuses(outcomes)).toEqual(['failed', 'done']);
  expect(startedAt[1]).toBeGreaterThanOrEqual(60_000);
});

it('fails at once what is to wait for hours', async () => {
  const server = answering(() => new Response('', { status: 429, headers: { 'retry-after': '3600' } }));

  expect(await collect(['a'], { fetch: server.fetch })).toMatchObject([{ status: 'failed', error: { status: 429 } }]);
  expect(server.requests).toHaveLength(1);
});

it('spreads the waits, each twice as long as the one before', async () => {
  const server = answering(() => lost());

  await collect(['a'], { fetch: server.fetch, random: () => 0.5 });

  expect(performance.now()).toBe(125 + 250 + 500);
});

it.each([413, 400, 422])('halves a chunk that is refused with %i, down to the item that is alone', async (status) => {
  const server = answering((items) => (items.includes('n5') ? new Response('', { status }) : allDone(items)));

  const outcomes = await collect(names(8), { fetch: server.fetch });

  expect(statuses(outcomes)).toEqual([...'012345678'].slice(0, 8).map((n) => (n === '5' ? 'failed' : 'done')));
  expect(server.requests.map(({ items }) => items.join(' '))).toEqual([
    'n0 n1 n2 n3 n4 n5 n6 n7',
    'n0 n1 n2 n3',
    'n4 n5 n6 n7',
    'n4 n5',
    'n4',
    'n5',
    'n6 n7',
  ]);
});

it('halves without a key for a 409, which is then no word of a request under way', async () => {
  const server = answering((items) => (items.includes('n1') ? new Response('', { status: 409 }) : allDone(items)));

  const outcomes = await collect(names(2), { fetch: server.fetch, keyHeader: false });

  expect(statuses(outcomes)).toEqual(['done', 'failed']);
});

it.each([401, 403, 404])('asks once where %i is the answer', async (status) => {
  const server = answering(() => new Response('', { status }));

  const outcomes = await collect(names(8), { fetch: server.fetch });

  expect(outcomes).toMatchObject(names(8).map(() => ({ status: 'failed', error: { status } })));
  expect(server.requests).toHaveLength(1);
});

it('takes neither a redirect nor a 2xx that does not tell for done, and asks once', async () => {
  for (const answer of [
    () => new Response('', { status: 303, headers: { location: 'https://evil.test' } }),
    () => Response.json({ ok: true }),
    () => Response.json([{ status: 201 }]),
    () => new Response(null, { status: 204 }),
    () => new Response('OK'),
  ]) {
    const server = answering(answer);

    expect(statuses(await collect(names(2), { fetch: server.fetch }))).toEqual(['unknown', 'unknown']);
    expect(server.requests).toHaveLength(1);
  }
});

it('does not know what became of an item that the answer leaves out', async () => {
  const server = answering(() => [{ index: 2, status: 201 }]);

  const outcomes = await collect(names(3), { fetch: server.fetch, read: readAnswer.list });

  expect(statuses(outcomes)).toEqual(['unknown', 'unknown', 'done']);
  expect(server.requests).toHaveLength(1);
});

it.each([
  ['an entry that does not tell', () => [{ status: 'ok' }], {}],
  ['an entry for another', () => [{ index: 1, status: 201 }], {}],
  ['no entry', () => [], {}],
  ['a word that is none', () => [], { read: () => 'ok' as 'done' }],
  ['an outcome that is none', () => [], { read: () => [{ outcome: 'ok' as 'done' }] }],
])('takes an item of which there is %s neither for done nor for failed', async (_, answer, options) => {
  const server = answering(answer);

  expect(await collect(['a'], { fetch: server.fetch, ...options })).toMatchObject([
    { status: 'unknown', error: { message: 'Item 0: unknown (200)' } },
  ]);
});

it('forgets what an earlier answer said of an item that the last one leaves out', async () => {
  const server = answering(
    () => [{ status: 503 }, { status: 503 }],
    () => [{ index: 1, status: 201 }],
  );

  const outcomes = await collect(names(2), { fetch: server.fetch, read: readAnswer.list });

  expect(outcomes).toMatchObject([{ status: 'unknown', error: { answer: undefined } }, { status: 'done' }]);
  expect(server.requests).toHaveLength(2);
});

it('takes an answer that `read` cannot cope with for none, and says why', async () => {
  const server = answering(() => new Response('Bad Gateway', { status: 502 }));
  const read: BatchOptions<string>['read'] = ({ results }) => results;

  const [outcome] = await collect(['a'], { fetch: server.fetch, attempts: 2, read });

  expect(outcome).toMatchObject({ status: 'unknown', error: { status: 502, cause: expect.any(TypeError) } });
  expect(new Set(server.keys()).size).toBe(1);
  expect(server.requests).toHaveLength(2);
});

it('goes by what `read` makes of an answer, whatever its status', async () => {
  const read = vi.fn<NonNullable<BatchOptions<string>['read']>>((_body, items, { status }) => {
    if (status === 500) return 'split';
    return status === 503 ? 'retry' : items.map(() => ({ outcome: 'done' as const, answer: 7 }));
  });
  const server = answering(
    () => new Response('poison', { status: 500 }),
    () => new Response('', { status: 503 }),
    () => new Response(null, { status: 204 }),
  );

  const outcomes = await collect(names(2), { fetch: server.fetch, keyHeader: false, read });

  expect(outcomes).toMatchObject([{ status: 'done', answer: 7 }, { status: 'done' }]);
  expect(server.requests.map(({ items }) => items.length)).toEqual([2, 1, 1, 1]);
});

it('waits as long as an item asks for', async () => {
  const server = answering(() => [{ status: 503 }], allDone);
  const read: BatchOptions<string>['read'] = (body) =>
    body[0].status === 503 ? [{ outcome: 'retry', afterMs: 60_000 }] : 'done';

  await collect(['a'], { fetch: server.fetch, read });

  expect(performance.now()).toBeGreaterThan(60_000);
});

it('lets the pause for all stand where the wait an item asks for is no number', async () => {
  const startedAt: number[] = [];
  const server = answering(
    () => [{ status: 503 }],
    () => new Response('', { status: 429, headers: { 'retry-after': '60' } }),
    allDone,
  );
  const fetch: Fetch = (input, init) => {
    startedAt.push(performance.now());
    return server.fetch(input, init);
  };
  const read: BatchOptions<string>['read'] = (body) =>
    body?.map(({ status }: { status: number }) =>
      status === 503 ? { outcome: 'retry', afterMs: Number.NaN } : { outcome: 'done' },
    );

  await collect(names(3), { fetch, maxItems: 1, concurrency: 2, random: () => 0.9, read });

  expect(startedAt.slice(2).map((ms) => ms >= 60_000)).toEqual([true, true, true]);
});

it('knows an item by its own place, whatever else there is in a verdict', async () => {
  const server = answering((items) => items.map((_, index) => ({ index, item: 'another', ok: true })));
  const read: BatchOptions<string>['read'] = (body) =>
    body.map((row: { ok: boolean }) => ({ ...row, outcome: row.ok ? 'done' : 'failed' }));

  const outcomes = await collect(names(4), { fetch: server.fetch, maxItems: 2, read });

  expect(outcomes).toMatchObject(names(4).map((item, index) => ({ index, item, status: 'done' })));
});

describe('keys', () => {
  it('are the same in another process that runs the same items under the same name', async () => {
    const keysOf = async (options: BatchOptions<string>, items = names(5)) => {
      const server = answering(() => [{ status: 201 }, { status: 503 }], allDone);
      await collect(items, { fetch: server.fetch, maxItems: 2, concurrency: 1, ...options });
      return server.keys();
    };
    const keys = await keysOf({ run: 'nightly' });

    expect(await keysOf({ run: 'nightly' })).toEqual(keys);
    for (const others of [await keysOf({ run: 'daily' }), await keysOf({}), await keysOf({})]) {
      expect(new Set([...keys, ...others]).size).toBe(2 * keys.length);
    }
    expect(await keysOf({ run: 'nightly' }, ['n0', 'n1', 'n2', 'other', 'n4'])).toEqual(
      keys.map((key, at) => (at === 2 ? expect.not.stringMatching(key!) : key)),
    );
  });

  it('differ for equal items, for each is to be written', async () => {
    const server = answering(allDone);

    await collect(['a', 'a', 'a'], { fetch: server.fetch, maxItems: 1 });

    expect(new Set(server.keys()).size).toBe(3);
    expect(server.keys()[0]).toMatch(/^\d{12,36}$/);
  });
});

describe('the items', AT_ONCE, () => {
  it('are read as they are sent, and no further ahead than a chunk for each request', async () => {
    let read = 0;
    async function* endless() {
      for (;;) yield read++;
    }
    const server = answering((items) => items.map(() => ({ status: 201 })));
    const outcomes = batch(URL_, endless(), { fetch: server.fetch, maxItems: 10, concurrency: 3 });

    for (let taken = 1; taken <= 500; taken += 1) {
      await outcomes.next();
      expect(read - taken).toBeLessThanOrEqual(2 * 3 * 10);
    }
    await outcomes.return();
  });

  it('that were given before their source failed are settled before that is thrown', async () => {
    const server = answering(allDone);
    function* failing() {
      yield* names(3);
      throw new Error('disk');
    }
    const outcomes: ItemOutcome<string>[] = [];
    const run = async () => {
      for await (const outcome of batch(URL_, failing(), { fetch: server.fetch, maxItems: 2 })) outcomes.push(outcome);
    };

    await expect(run()).rejects.toThrow('disk');
    expect(statuses(outcomes)).toEqual(['done', 'done', 'done']);
  });

  it('are read no further once no body can be made of some, and those sent are settled before that is thrown', async () => {
    const server = answering(allDone);
    let read = 0;
    function* counted() {
      for (; read < 100; read += 1) yield read;
    }
    const body = (items: readonly number[]) => {
      if (items[0] === 3) throw new Error('no body');
      return JSON.stringify(items);
    };
    const outcomes: ItemOutcome<number>[] = [];
    const run = async () => {
      const options = { fetch: server.fetch, maxItems: 1, concurrency: 2, body };
      for await (const outcome of batch(URL_, counted(), options)) outcomes.push(outcome);
    };

    await expect(run()).rejects.toThrow('no body');
    expect(outcomes.map(({ index }) => index)).toEqual(expect.arrayContaining([0, 1, 2]));
    expect(statuses(outcomes)).toEqual(server.requests.map(() => 'done'));
    expect(read).toBeLessThan(10);
  });

  it('may be none', async () => {
    const server = answering(allDone);

    expect(await collect([], { fetch: server.fetch })).toEqual([]);
    expect(server.requests).toEqual([]);
  });
});

describe('an abort', AT_ONCE, () => {
  it.each<[string, Answering, (string | Promise<string>)[]]>([
    ['a request', () => new Promise(() => {}), ['a']],
    ['a wait', () => new Response('', { status: 429, headers: { 'retry-after': '60' } }), ['a']],
    ['a wait for items', () => [{ status: 503, error: 'for a minute' }], ['a']],
    ['a read of the next item', allDone, [new Promise(() => {})]],
  ])('ends %s at once, with its own reason, and leaves nothing running', async (_where, answer, items) => {
    const server = answering(answer);
    const stop = new AbortController();
    const reason = new Error('enough');
    setTimeout(() => stop.abort(reason), 100);

    const options = { fetch: server.fetch, signal: stop.signal, random: () => 1 };
    await expect(collect(items as Iterable<string>, options)).rejects.toBe(reason);

    expect(performance.now()).toBe(100);
    expect(vi.getTimerCount()).toBe(0);
    expect(server.inFlight()).toBe(0);
  });

  it('beforehand sends nothing and reads nothing', async () => {
    const server = answering(allDone);
    const items = vi.fn(names(1)[Symbol.iterator]);
    const run = collect({ [Symbol.iterator]: items }, { fetch: server.fetch, signal: AbortSignal.abort('no') });

    await expect(run).rejects.toBe('no');
    expect(items).not.toHaveBeenCalled();
    expect(server.requests).toEqual([]);
  });

  it('is thrown though the consumer was busy, and sends nothing that came too late', async () => {
    const server = answering((items) => (items[0] === 'n0' ? allDone(items) : new Promise(() => {})));
    const stop = new AbortController();
    let give = (_item: string) => {};
    const late = new Promise<string>((resolve) => {
      give = resolve;
    });
    const options = {
      fetch: server.fetch,
      signal: stop.signal,
      maxItems: 1,
      concurrency: 2,
      keyHeader: false,
    } as const;
    async function* slow() {
      yield* ['n0', 'n1'];
      yield late;
    }
    const outcomes = batch(URL_, slow(), options);
    await outcomes.next();

    stop.abort('enough');
    give('n2');
    await vi.advanceTimersByTimeAsync(10);

    await expect(outcomes.next()).rejects.toBe('enough');
    expect(server.requests.map(({ items }) => items[0])).toEqual(['n0', 'n1']);
  });

  it('is what leaving the loop is, for all requests and for the source', async () => {
    const server = answering(async (items) => {
      await new Promise((resolve) => setTimeout(resolve, items[0] === 'n0' ? 100 : 86_400_000));
      return allDone(items);
    });
    let isClosed = false;
    function* closing() {
      try {
        yield* names(10);
      } finally {
        isClosed = true;
      }
    }

    for await (const _ of batch(URL_, closing(), { fetch: server.fetch, maxItems: 1, keyHeader: false })) break;
    await vi.advanceTimersByTimeAsync(0);

    // Those in flight: none begins any more.
    expect(server.requests).toHaveLength(4);
    expect(server.inFlight()).toBe(0);
    expect(isClosed).toBe(true);
  });
});

it.each([
  [{ maxItems: 0 }, RangeError],
  [{ concurrency: 1.5 }, RangeError],
  [{ attempts: 0 }, RangeError],
  [{ fetch: 'x' as never }, TypeError],
  [{ body: 'x' as never }, TypeError],
  [{ read: 'x' as never }, TypeError],
  [{ random: 0.5 as never }, TypeError],
  [{ keyHeader: 'Idempotency Key' }, TypeError],
  [{ keyHeader: '' }, TypeError],
])('refuses %o when it is called', (options, error) => {
  expect(() => batch(URL_, [], options)).toThrow(error);
  expect(() => batch('api.test', [])).toThrow(TypeError);
});

/** An entry for each item, a response, or either of them later. */
type Answering = (items: string[]) => unknown;

const allDone: Answering = (items) => items.map((item) => ({ status: 201, item }));

const lost = () => Promise.reject(new TypeError('fetch failed'));

/** A body that comes as far as this, and then the connection is gone. */
const tornOff = (text: string) =>
  new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
    },
    pull: (controller) => controller.error(new TypeError('terminated')),
  });

const names = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`);

const statuses = (outcomes: readonly ItemOutcome<unknown>[]) => outcomes.map(({ status }) => status);

/** By index. */
async function collect<Item>(items: Iterable<Item> | AsyncIterable<Item>, options: BatchOptions<Item>) {
  const outcomes: ItemOutcome<Item>[] = [];
  for await (const outcome of batch(URL_, items, options)) outcomes.push(outcome);
  return outcomes.sort((one, other) => one.index - other.index);
}

/** Answers in turn, the last one again and again, but not for ever; honours the signal. */
function answering(...script: Answering[]) {
  // biome-ignore lint/suspicious/noExplicitAny: whatever was sent.
  const requests: { items: any; method: unknown; redirect: unknown; headers: Record<string, string> }[] = [];
  let inFlight = 0;
  const fetch: Fetch = async (_input, init) => {
    const items = JSON.parse(String(init!.body));
    const headers = Object.fromEntries(new Headers(init!.headers));
    requests.push({ items, method: init!.method, redirect: init!.redirect, headers });
    if (requests.length > 1_000) return new Response('', { status: 401 });
    const answer = script[Math.min(requests.length, script.length) - 1]!;
    const aborted = new Promise<never>((_resolve, reject) => {
      init!.signal!.addEventListener('abort', () => reject(init!.signal!.reason), { once: true });
    });
    inFlight += 1;
    try {
      const said = await Promise.race([answer(items), aborted]);
      return said instanceof Response ? said : Response.json(said);
    } finally {
      inFlight -= 1;
    }
  };
  return {
    fetch,
    requests,
    inFlight: () => inFlight,
    keys: () => requests.map(({ headers }) => headers['idempotency-key']),
  };
}
