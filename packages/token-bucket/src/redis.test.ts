import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BucketAwayError, type RedisBucketEvent, type RedisBucketOptions, redisBucket } from './redis.ts';
import { tokenBucket } from './token-bucket.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const TOKENS = { ratePerSecond: 10, burst: 5, weight: 2 };

describe('with Redis there', () => {
  it('asks with one key, and says who takes how much of what', async () => {
    const { take, run } = bucket(TAKEN);

    await take(TOKENS);

    expect(run).toHaveBeenCalledOnce();
    const [script, keys, args] = run.mock.calls[0]!;
    expect(script).toContain("redis.call('TIME')");
    expect(keys).toEqual(['api']);
    expect(args).toEqual([expect.stringMatching(/^[\da-f-]{36}$/), '2', '10', '5', '0', 'false']);
  });

  it('waits as long as Redis says, then asks again from the same place', async () => {
    const { take, run } = bucket(waitFor(250), TAKEN);
    const taken = vi.fn();
    void take(TOKENS).then(taken);

    await vi.advanceTimersByTimeAsync(249);
    expect(run).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);

    expect(taken).toHaveBeenCalled();
    expect(placesIn(run)).toHaveLength(1);
  });

  it('shows up every five seconds while it waits for longer', async () => {
    const { take, run } = bucket(waitFor(60_000));
    void take(TOKENS);

    await vi.advanceTimersByTimeAsync(20_000);

    expect(run).toHaveBeenCalledTimes(5);
  });

  it('leaves the queue when nobody waits any more', async () => {
    const { take, run } = bucket(waitFor(250));
    const controller = new AbortController();
    const rejected = expect(take({ ...TOKENS, signal: controller.signal })).rejects.toBe('enough');
    await vi.advanceTimersByTimeAsync(10);

    controller.abort('enough');

    await rejected;
    expect(run.mock.lastCall![2].slice(1)).toEqual(['0', '10', '5', '0', 'false']);
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('keeps its place for the next, where one of many gives up', async () => {
    const { take, run } = bucket(waitFor(250), TAKEN);
    const send = tokenBucket({ ratePerSecond: 10, acquire: take })(async () => new Response());
    const controller = new AbortController();
    const rejected = expect(send('https://api.test', { signal: controller.signal })).rejects.toBe('enough');
    const behind = send('https://api.test');
    await vi.advanceTimersByTimeAsync(10);

    controller.abort('enough');
    await rejected;
    await vi.advanceTimersByTimeAsync(240);

    await behind;
    expect(takesIn(run)).toEqual(['1', '1']);
  });

  it('stands at a place of its own with each request, where several ask at once', async () => {
    const { take, run } = bucket(waitFor(250), waitFor(250), TAKEN);

    const both = Promise.all([take(TOKENS), take(TOKENS)]);
    await vi.advanceTimersByTimeAsync(250);
    await both;

    expect(takesIn(run)).toEqual(['2', '2', '2', '2']);
    expect(placesIn(run)).toHaveLength(2);
  });

  it('does not take it for away after this process was busy for longer than it may take', async () => {
    vi.useRealTimers();
    // Read from the network, so not before the timers that are due.
    const answer = () => new Promise((read) => setImmediate(read, TAKEN));
    const { take, events } = bucketOf({ timeoutMs: 100 }, answer);
    await new Promise((resolve) => setImmediate(resolve));
    const taken = take(TOKENS);

    const busySince = performance.now();
    while (performance.now() - busySince < 150);

    await expect(taken).resolves.toBeTypeOf('function');
    expect(events).toEqual([]);
  });

  it('gives back what was taken, and says when that was', async () => {
    const { take, run } = bucket(TAKEN);
    const giveBack = await take(TOKENS);

    giveBack?.();

    expect(run.mock.lastCall![2].slice(1)).toEqual(['-2', '10', '5', '1700000000000000', 'false']);
  });
});

describe('with Redis away', () => {
  it.each([
    ['refuses the connection', () => Promise.reject(new Error('ECONNREFUSED'))],
    [
      'throws before it asks',
      () => {
        throw new Error('The client is closed');
      },
    ],
    ['answers nothing', () => Promise.resolve()],
    ['answers what no script answers', () => Promise.resolve('OK')],
    ['does not answer in time', () => new Promise(() => {})],
  ])('fails closed where told so, if the client %s', async (_how, answer) => {
    const { take, events } = bucketOf({ fallbackRatio: 0 }, answer as () => Promise<unknown>);
    const rejected = expect(take(TOKENS)).rejects.toThrow(BucketAwayError);

    await vi.advanceTimersByTimeAsync(1_000);

    await rejected;
    expect(events).toEqual([{ type: 'redis-away', name: 'api', error: expect.any(Error) }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('names the bucket and the cause in its error', async () => {
    const cause = new Error('ECONNREFUSED');
    const { take } = bucketOf({ fallbackRatio: 0 }, () => Promise.reject(cause));

    await expect(take(TOKENS)).rejects.toMatchObject({ name: 'BucketAwayError', bucket: 'api', cause });
  });

  it('goes on at its share of the rate, and starts with nothing', async () => {
    const { take } = bucketOf({ fallbackRatio: 0.5 }, () => Promise.reject(new Error('away')));
    const send = tokenBucket({ ratePerSecond: 10, burst: 4, acquire: take });
    const atMs = await startTimes(send, 4);

    expect(atMs).toEqual([200, 400, 600, 800]);
  });

  it('holds no more than its share of the burst', async () => {
    const { take } = bucketOf({ fallbackRatio: 0.5 }, () => Promise.reject(new Error('away')));
    const send = tokenBucket({ ratePerSecond: 10, burst: 4, acquire: take });
    await startTimes(send, 1);
    await vi.advanceTimersByTimeAsync(60_000);

    expect(await startTimes(send, 3)).toEqual([0, 0, 200]);
  });

  it('holds nobody up by looking whether it is back, once a second at most', async () => {
    const { take, run } = bucketOf({ fallbackRatio: 1, timeoutMs: 500 }, () => new Promise(() => {}));
    const send = tokenBucket({ ratePerSecond: 1_000, burst: 1, acquire: take });
    await startTimes(send, 1);
    run.mockClear();

    const atMs = await startTimes(send, 400);

    expect(atMs.at(-1)).toBe(400);
    expect(run).toHaveBeenCalledTimes(0);
    await vi.advanceTimersByTimeAsync(1_000);
    await startTimes(send, 400);
    expect(run).toHaveBeenCalledTimes(1);
  });

  it('returns when it answers again, with the first request after a second', async () => {
    const { take, run, events } = bucketOf({ fallbackRatio: 0 }, () => Promise.reject(new Error('away')));
    await expect(take(TOKENS)).rejects.toThrow();
    run.mockImplementation(async () => TAKEN);
    await vi.advanceTimersByTimeAsync(999);
    await expect(take(TOKENS)).rejects.toThrow();
    await vi.advanceTimersByTimeAsync(1);

    await take(TOKENS);

    expect(events.map(({ type }) => type)).toEqual(['redis-away', 'redis-back']);
    expect(takesIn(run)).toEqual(['2', '0', '0', '2']);
  });

  it('looks every second whether it is back, while somebody waits for a share', async () => {
    const { take, run } = bucketOf({ fallbackRatio: 1 / 8 }, () => Promise.reject(new Error('away')));
    const taken = vi.fn();
    void take({ ratePerSecond: 1 / 60, burst: 1, weight: 1 }).then(taken);

    await vi.advanceTimersByTimeAsync(10_000);
    expect(run).toHaveBeenCalledTimes(11);
    run.mockImplementation(async () => TAKEN);
    await vi.advanceTimersByTimeAsync(2_000);

    expect(taken).toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends a wait for a share at once, and asks nobody', async () => {
    const { take, run } = bucketOf({ fallbackRatio: 1 / 8 }, () => Promise.reject(new Error('away')));
    const controller = new AbortController();
    const rejected = expect(take({ ...TOKENS, signal: controller.signal })).rejects.toBe('enough');
    await vi.advanceTimersByTimeAsync(10);

    controller.abort('enough');

    await rejected;
    expect(run).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('tells Redis on its return that what it remembers may be spent', async () => {
    const { take, run } = bucketOf({ fallbackRatio: 0 }, () => Promise.reject(new Error('away')));
    await expect(take(TOKENS)).rejects.toThrow();
    run.mockImplementation(async () => TAKEN);
    await vi.advanceTimersByTimeAsync(1_000);
    await take(TOKENS);

    expect(emptiesIn(run)).toEqual(['false', 'false', 'true', 'false']);
  });

  it.each([
    ['are too late', () => new Promise((resolve) => setTimeout(resolve, 150, TAKEN))],
    ['are no answers', async () => ({ reply: TAKEN })],
  ])('never empties the bucket of all, while answers %s', async (_how, answer) => {
    const { take, run, events } = bucketOf({ fallbackRatio: 0, timeoutMs: 100 }, answer);

    for (let i = 0; i < 5; i += 1) {
      const rejected = expect(take(TOKENS)).rejects.toThrow(BucketAwayError);
      await vi.advanceTimersByTimeAsync(2_000);
      await rejected;
    }

    expect(takesIn(run).filter((take) => take === '0')).toHaveLength(4);
    expect(emptiesIn(run)).not.toContain('true');
    expect(events.map(({ type }) => type)).toEqual(['redis-away']);
  });

  it('is not back, where it hears too late that the bucket was emptied', async () => {
    const { take, run, events } = bucketOf({ fallbackRatio: 0 }, () => Promise.reject(new Error('away')));
    await expect(take(TOKENS)).rejects.toThrow();
    run.mockImplementation((_script, _keys, args) =>
      args[5] === 'true' ? new Promise(() => {}) : Promise.resolve(TAKEN),
    );
    await vi.advanceTimersByTimeAsync(1_000);
    const rejected = expect(take(TOKENS)).rejects.toThrow(BucketAwayError);
    await vi.advanceTimersByTimeAsync(1_000);

    await rejected;
    expect(events.map(({ type }) => type)).toEqual(['redis-away']);
  });

  it('gives back what is granted too late', async () => {
    const late = Promise.withResolvers<unknown>();
    const { take, run } = bucketOf({ fallbackRatio: 0, timeoutMs: 100 }, () => late.promise);
    const rejected = expect(take(TOKENS)).rejects.toThrow();
    await vi.advanceTimersByTimeAsync(100);
    await rejected;

    run.mockImplementation(async () => TAKEN);
    late.resolve(TAKEN);
    await vi.advanceTimersByTimeAsync(0);

    expect(run.mock.lastCall![2].slice(1, 5)).toEqual(['-2', '10', '5', '1700000000000000']);
  });

  it('leaves the queue it was put into too late', async () => {
    const late = Promise.withResolvers<unknown>();
    const { take, run } = bucketOf({ fallbackRatio: 0, timeoutMs: 100 }, () => late.promise);
    const rejected = expect(take(TOKENS)).rejects.toThrow();
    await vi.advanceTimersByTimeAsync(100);
    await rejected;

    late.resolve(waitFor(50));
    await vi.advanceTimersByTimeAsync(0);

    expect(takesIn(run)).toEqual(['2', '0']);
  });
});

it.each([
  [{ name: '' }, TypeError, 'name must be a name, got '],
  [{ eval: undefined }, TypeError, 'eval must be a function, got undefined'],
  [{ onEvent: 7 }, TypeError, 'onEvent must be a function, got 7'],
  [{ fallbackRatio: undefined }, RangeError, 'fallbackRatio must be 0 to 1, got undefined'],
  [{ fallbackRatio: 1.5 }, RangeError, 'fallbackRatio must be 0 to 1, got 1.5'],
  [{ timeoutMs: 0 }, RangeError, 'timeoutMs must be 1 to 60000, got 0'],
])('refuses %o when it is made', (wrong, Kind, message) => {
  const options = { name: 'api', eval: async () => TAKEN, fallbackRatio: 0, ...wrong };

  expect(() => redisBucket(options as RedisBucketOptions)).toThrow(new Kind(`redisBucket: ${message}`));
});

const TAKEN = [1, '1700000000000000'];

function waitFor(ms: number): unknown {
  return [0, `${ms * 1_000}`];
}

type Run = RedisBucketOptions['eval'];

/** A bucket whose Redis answers these, the last for ever. */
function bucket(...answers: unknown[]) {
  return bucketOf({}, async () => (answers.length > 1 ? answers.shift() : answers[0]));
}

function bucketOf(options: Partial<RedisBucketOptions>, answer: () => Promise<unknown>) {
  const run = vi.fn<Run>(answer);
  const events: RedisBucketEvent[] = [];
  const onEvent = (event: RedisBucketEvent) => void events.push(event);
  return { take: redisBucket({ name: 'api', eval: run, fallbackRatio: 0, onEvent, ...options }), run, events };
}

function takesIn(run: { readonly mock: { readonly calls: Parameters<Run>[] } }): string[] {
  return run.mock.calls.map(([, , args]) => args[1]!);
}

function emptiesIn(run: { readonly mock: { readonly calls: Parameters<Run>[] } }): string[] {
  return run.mock.calls.map(([, , args]) => args[5]!);
}

function placesIn(run: { readonly mock: { readonly calls: Parameters<Run>[] } }): string[] {
  return [...new Set(run.mock.calls.map(([, , args]) => args[0]!))];
}

/** When each of so many requests starts, that are made at one moment. */
async function startTimes(policy: ReturnType<typeof tokenBucket>, count: number): Promise<number[]> {
  const startMs = performance.now();
  const atMs: number[] = [];
  const send = policy(async () => {
    atMs.push(performance.now() - startMs);
    return new Response();
  });
  const all = Promise.all(Array.from({ length: count }, () => send('https://api.test')));
  while (atMs.length < count) await vi.advanceTimersByTimeAsync(1);
  await all;
  return atMs;
}
