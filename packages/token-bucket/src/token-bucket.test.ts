import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type Acquire,
  countTokens,
  type Fetch,
  memoryBucket,
  type TokenBucketEvent,
  tokenBucket,
} from './token-bucket.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  // A spy on a fake timer first: restored later, it would bring the fake back.
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const URL_OF_ITEMS = 'https://api.test/items';

describe('the rate', () => {
  it('lets a full bucket go at once, then one with each token that flows back', async () => {
    const { send, startedAtMs } = client({ ratePerSecond: 10, burst: 3 });
    for (let i = 0; i < 6; i += 1) void send();

    await vi.advanceTimersByTimeAsync(1_000);

    expect(startedAtMs()).toEqual([0, 0, 0, 100, 200, 300]);
  });

  it('holds one token, unless told otherwise', async () => {
    const { send, startedAtMs } = client({ ratePerSecond: 10 });
    for (let i = 0; i < 3; i += 1) void send();

    await vi.advanceTimersByTimeAsync(1_000);

    expect(startedAtMs()).toEqual([0, 100, 200]);
  });

  // p-throttle, p-queue and bottleneck, asked for ten a second, start 19 or 20 in some window of one second.
  it('starts no more than ten in any second, where burst and rate add up to ten', async () => {
    const { send, startedAtMs } = client({ ratePerSecond: 5, burst: 5 });
    // The worst case for a window that is counted anew: some at its end, the rest just after.
    for (let i = 0; i < 3; i += 1) void send();
    await vi.advanceTimersByTimeAsync(950);
    for (let i = 0; i < 60; i += 1) void send();
    await vi.advanceTimersByTimeAsync(30_000);

    const starts = startedAtMs();
    const inTheSecondFrom = starts.map((from) => starts.filter((at) => at >= from && at < from + 1_000).length);
    expect(starts).toHaveLength(63);
    expect(Math.max(...inTheSecondFrom)).toBeLessThanOrEqual(10);
  });

  it('holds no more than burst, however long it was idle', async () => {
    const { send, startedAtMs } = client({ ratePerSecond: 10, burst: 3 });
    await vi.advanceTimersByTimeAsync(86_400_000);
    for (let i = 0; i < 5; i += 1) void send();

    await vi.advanceTimersByTimeAsync(100);

    expect(startedAtMs()).toHaveLength(4);
  });

  it('lets all of the burst go at one moment, and all that flowed back, whatever that is in fractions', async () => {
    for (const ratePerSecond of [0.3, 3, 7, 30, 70, 3_000]) {
      const { send, startedAtMs } = client({ ratePerSecond, burst: 30 });
      await vi.advanceTimersByTimeAsync(12_345);
      for (let i = 0; i < 60; i += 1) void send();

      await vi.advanceTimersByTimeAsync(0);
      expect(startedAtMs()).toHaveLength(30);
      await vi.advanceTimersByTimeAsync(Math.ceil(30_000 / ratePerSecond));
      expect(startedAtMs()).toHaveLength(60);
    }
  });

  it('reserves synchronously: of two callers of one moment one waits', async () => {
    const { send, startedAtMs } = client({ ratePerSecond: 1, burst: 1 });
    await Promise.all([send(), vi.advanceTimersByTimeAsync(0)]);
    await vi.advanceTimersByTimeAsync(1_000);

    void Promise.all([send(), send()]);
    await vi.advanceTimersByTimeAsync(0);

    expect(startedAtMs()).toEqual([0, 1_000]);
  });

  it('shares one bucket between all that the policy wraps', async () => {
    const next = vi.fn<Fetch>(async () => new Response());
    const policy = tokenBucket({ ratePerSecond: 10, burst: 2 });
    for (let i = 0; i < 4; i += 1) void policy((...args) => next(...args))(URL_OF_ITEMS);

    await vi.advanceTimersByTimeAsync(0);

    expect(next).toHaveBeenCalledTimes(2);
  });

  it('goes by a clock that does not jump', async () => {
    const { send, startedAtMs } = client({ ratePerSecond: 1, burst: 1 });
    void send();
    void send();
    vi.setSystemTime(Date.now() + 86_400_000);

    await vi.advanceTimersByTimeAsync(999);

    expect(startedAtMs()).toHaveLength(1);
  });

  it('chains a wait that is longer than a timer can be', async () => {
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const { send, startedAtMs } = client({ ratePerSecond: 0.000_001, burst: 3, weight: () => 3 });
    void send();
    void send();

    await vi.advanceTimersByTimeAsync(3_000_000_000 - 1);
    expect(startedAtMs()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);

    expect(startedAtMs()).toHaveLength(2);
    expect(Math.max(...timers.mock.calls.map(([, ms]) => ms ?? 0))).toBe(2 ** 31 - 1);
  });

  it('sets one timer, however many wait', async () => {
    const { send } = client({ ratePerSecond: 10, burst: 1 });
    for (let i = 0; i < 1_000; i += 1) void send();

    await vi.advanceTimersByTimeAsync(250);

    expect(vi.getTimerCount()).toBe(1);
  });
});

describe('weights', () => {
  it('takes as many tokens as a request weighs', async () => {
    const { send, startedAtMs } = client({ ratePerSecond: 10, burst: 10, weight: weightInPath });
    for (const weight of [10, 5, 1]) void send(weight);

    await vi.advanceTimersByTimeAsync(1_000);

    expect(startedAtMs()).toEqual([0, 500, 600]);
  });

  it('lets no light request overtake a heavy one', async () => {
    const { send, started } = client({ ratePerSecond: 10, burst: 10, weight: weightInPath });
    for (const weight of [5, 10, 1, 1]) void send(weight);

    await vi.advanceTimersByTimeAsync(400);
    expect(started()).toEqual([5]);
    await vi.advanceTimersByTimeAsync(10_000);

    expect(started()).toEqual([5, 10, 1, 1]);
  });

  it('refuses a request heavier than burst, which would wait for ever', async () => {
    const { send, started } = client({ ratePerSecond: 10, burst: 10, weight: weightInPath });

    await expect(send(11)).rejects.toEqual(new RangeError('tokenBucket: weight must be 0 to 10, got 11'));
    expect(started()).toEqual([]);
  });

  it.each([-1, Number.NaN, '1', undefined])('refuses a weight of %s', async (weight) => {
    const send = tokenBucket({ ratePerSecond: 1, weight: () => weight as number })(async () => new Response());

    await expect(send(URL_OF_ITEMS)).rejects.toThrow(RangeError);
  });

  it('lets a request of no weight pass those who wait', async () => {
    const { send, started } = client({ ratePerSecond: 1, burst: 1, weight: weightInPath });
    for (const weight of [1, 1, 0]) void send(weight);

    await vi.advanceTimersByTimeAsync(0);

    expect(started()).toEqual([0, 1]);
  });

  it('weighs by address, method and body', async () => {
    const weight = vi.fn(() => 1);
    const send = tokenBucket({ ratePerSecond: 1, weight })(async () => new Response());

    await send(`${URL_OF_ITEMS}?page=2`, { method: 'post', body: 'a query' });

    expect(weight).toHaveBeenCalledWith({ url: new URL(`${URL_OF_ITEMS}?page=2`), method: 'POST', body: 'a query' });
  });
});

describe('giving up', () => {
  it('ends the wait at once, with the own reason, and leaves no timer and no listener behind', async () => {
    const { send, startedAtMs } = client({ ratePerSecond: 1, burst: 1 });
    const { signal, abort, listeners } = watchedSignal();
    await send();
    const waiting = send(1, { signal });
    const rejected = expect(waiting).rejects.toBe('enough');
    await vi.advanceTimersByTimeAsync(10);

    abort('enough');

    await rejected;
    expect(startedAtMs()).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
    expect(listeners()).toBe(0);
  });

  it('leaves no listener behind on a signal that lives on', async () => {
    const { send } = client({ ratePerSecond: 1, burst: 1 });
    const { signal, listeners } = watchedSignal();

    const both = Promise.all([send(1, { signal }), send(1, { signal })]);
    await vi.advanceTimersByTimeAsync(1_000);
    await both;

    expect(listeners()).toBe(0);
  });

  it('is not sent with a signal that has aborted, and takes nothing', async () => {
    const { send, startedAtMs } = client({ ratePerSecond: 1, burst: 1 });

    await expect(send(1, { signal: AbortSignal.abort('before') })).rejects.toBe('before');
    await send();
    await expect(send(1, { signal: AbortSignal.abort('before') })).rejects.toBe('before');

    expect(startedAtMs()).toEqual([0]);
  });

  it.each(['init', 'Request'])('heeds the signal of the %s', async (where) => {
    const { fetch } = client({ ratePerSecond: 1, burst: 1 });
    const controller = new AbortController();
    const { signal } = controller;
    await fetch(URL_OF_ITEMS);
    const waiting = where === 'init' ? fetch(URL_OF_ITEMS, { signal }) : fetch(new Request(URL_OF_ITEMS, { signal }));
    const rejected = expect(waiting).rejects.toBe('enough');

    controller.abort('enough');

    await rejected;
  });

  it('gives back its place: whoever is behind moves up', async () => {
    const { send, startedAtMs } = client({ ratePerSecond: 1, burst: 1 });
    const controller = new AbortController();
    void send();
    for (let i = 0; i < 5; i += 1) void send(1, { signal: controller.signal }).catch(() => {});
    void send();
    await vi.advanceTimersByTimeAsync(500);

    controller.abort();
    await vi.advanceTimersByTimeAsync(500);

    expect(startedAtMs()).toEqual([0, 1_000]);
  });

  it('gives way at once to a lighter request behind, if there are tokens enough for that', async () => {
    const { send, started } = client({ ratePerSecond: 1, burst: 10, weight: weightInPath });
    const controller = new AbortController();
    void send(8);
    void send(9, { signal: controller.signal }).catch(() => {});
    void send(2);
    await vi.advanceTimersByTimeAsync(0);

    controller.abort();
    await vi.advanceTimersByTimeAsync(0);

    expect(started()).toEqual([8, 2]);
  });

  it('gives back the tokens, where the abort comes between taking and sending', async () => {
    const controller = new AbortController();
    const take = memoryBucket();
    const acquire: Acquire = (tokens) => {
      const taken = take(tokens);
      void taken.then(() => queueMicrotask(() => controller.abort('enough')));
      return taken;
    };
    const { send, startedAtMs } = client({ ratePerSecond: 1, burst: 1, acquire });
    const given = send(1, { signal: controller.signal });

    await expect(given).rejects.toBe('enough');
    await send();

    expect(startedAtMs()).toEqual([0]);
  });

  it('ends with the own reason there too, where tokens cannot be given back', async () => {
    const controller = new AbortController();
    const acquire: Acquire = () => {
      const taken = Promise.resolve(undefined);
      void taken.then(() => queueMicrotask(() => controller.abort('enough')));
      return taken;
    };
    const { send, startedAtMs } = client({ ratePerSecond: 1, acquire });

    await expect(send(1, { signal: controller.signal })).rejects.toBe('enough');

    expect(startedAtMs()).toEqual([]);
  });
});

describe('memoryBucket', () => {
  it('gives back, but no more than the bucket would hold if nothing had been taken', async () => {
    const take = memoryBucket();
    const tokens = { ratePerSecond: 10, burst: 2, weight: 1 };
    await vi.advanceTimersByTimeAsync(1_000);
    const giveBack = await take(tokens);
    await vi.advanceTimersByTimeAsync(50);
    await take(tokens);
    await vi.advanceTimersByTimeAsync(20);

    giveBack?.();
    const givenBackAt = performance.now();

    // Without the first one, the bucket is full again 100 ms after the second.
    const times: number[] = [];
    for (let i = 0; i < 2; i += 1) void take(tokens).then(() => times.push(performance.now()));
    await vi.advanceTimersByTimeAsync(500);
    expect(times[0]).toBe(givenBackAt);
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(80);
  });

  it('starts empty where it is told to', async () => {
    const take = countTokens({ startsFull: false });
    const tokens = { ratePerSecond: 10, burst: 5, weight: 1 };

    expect(take(tokens)).toBe(100);
    await vi.advanceTimersByTimeAsync(99);
    expect(take(tokens)).toBe(1);
    await vi.advanceTimersByTimeAsync(1);

    expect(take(tokens)).toBeTypeOf('function');
  });

  it('lets what is heavier than the bucket wait until it is full, and pays for it afterwards', async () => {
    const take = memoryBucket();
    const tokens = { ratePerSecond: 10, burst: 2 };
    const start = performance.now();
    const times: number[] = [];
    const inTurn = (async () => {
      for (const weight of [1, 5, 1]) {
        await take({ ...tokens, weight });
        times.push(performance.now() - start);
      }
    })();

    await vi.advanceTimersByTimeAsync(5_000);
    await inTurn;

    expect(times).toEqual([0, 100, 500]);
  });
});

describe('acquire', () => {
  it('is asked for one request at a time, first come, first served', async () => {
    const asked: { weight: number; taken: () => void }[] = [];
    const acquire: Acquire = ({ weight }) =>
      new Promise((taken) => asked.push({ weight, taken: () => taken(undefined) }));
    const { send, started } = client({ ratePerSecond: 1, burst: 9, weight: weightInPath, acquire });
    for (const weight of [3, 1, 2]) void send(weight);

    for (let i = 0; i < 3; i += 1) {
      expect(asked).toHaveLength(i + 1);
      asked[i]!.taken();
      await vi.advanceTimersByTimeAsync(0);
    }

    expect(started()).toEqual([3, 1, 2]);
  });

  it('tells how much of which bucket', async () => {
    const acquire = vi.fn<Acquire>(async () => undefined);

    await client({ ratePerSecond: 7, burst: 9, weight: () => 2, acquire }).send();

    expect(acquire).toHaveBeenCalledWith({ ratePerSecond: 7, burst: 9, weight: 2, signal: expect.any(AbortSignal) });
  });

  it('serves the next with what was taken for one who gave up', async () => {
    const giveBack = vi.fn();
    const taken = Promise.withResolvers<() => void>();
    const acquire = vi.fn<Acquire>(() => taken.promise);
    const { send, started } = client({ ratePerSecond: 1, acquire });
    const controller = new AbortController();
    void send(1, { signal: controller.signal }).catch(() => {});
    void send(1);

    controller.abort();
    taken.resolve(giveBack);
    await vi.advanceTimersByTimeAsync(0);

    expect(started()).toHaveLength(1);
    expect(acquire).toHaveBeenCalledTimes(1);
    expect(giveBack).not.toHaveBeenCalled();
  });

  it.each([
    ['nobody is left', []],
    ['the next weighs something else', [2]],
  ])('gives back what was taken for one who gave up, where %s', async (_where, behind) => {
    const giveBack = vi.fn();
    const taken = Promise.withResolvers<() => void>();
    let signal: AbortSignal | undefined;
    const acquire = vi
      .fn<Acquire>(async () => undefined)
      .mockImplementationOnce((tokens) => {
        signal = tokens.signal;
        return taken.promise;
      });
    const { send, started } = client({ ratePerSecond: 1, burst: 5, weight: weightInPath, acquire });
    const controller = new AbortController();
    void send(1, { signal: controller.signal }).catch(() => {});
    for (const weight of behind) void send(weight);

    controller.abort();
    expect(signal?.aborted).toBe(true);
    taken.resolve(giveBack);
    await vi.advanceTimersByTimeAsync(0);

    expect(giveBack).toHaveBeenCalledOnce();
    expect(started()).toEqual(behind);
  });

  it('goes on for the others, when somebody behind gives up', async () => {
    let signal: AbortSignal | undefined;
    const acquire: Acquire = (tokens) => {
      signal = tokens.signal;
      return new Promise(() => {});
    };
    const { send } = client({ ratePerSecond: 1, acquire });
    const controller = new AbortController();
    void send();
    const rejected = expect(send(1, { signal: controller.signal })).rejects.toBe('enough');

    controller.abort('enough');

    await rejected;
    expect(signal?.aborted).toBe(false);
  });

  it('hands its failure to the first, and asks anew for the next', async () => {
    const acquire = vi.fn<Acquire>(async () => undefined).mockRejectedValueOnce(new Error('no bucket'));
    const { send, started } = client({ ratePerSecond: 1, acquire });
    const failed = expect(send()).rejects.toThrow('no bucket');
    void send();

    await failed;
    await vi.advanceTimersByTimeAsync(0);

    expect(started()).toHaveLength(1);
  });
});

describe('what passes through', () => {
  it('hands on the call, the response and the failure as they are', async () => {
    const response = new Response('body');
    const next = vi.fn<Fetch>(async () => response);
    const send = tokenBucket({ ratePerSecond: 10, burst: 2 })(next);
    const request = new Request(URL_OF_ITEMS, { method: 'POST', body: 'text' });
    const init = { headers: { a: 'b' } };

    expect(await send(request, init)).toBe(response);
    expect(next.mock.calls).toEqual([[request, init]]);

    const failure = new TypeError('fetch failed');
    next.mockRejectedValueOnce(failure);
    await expect(send(URL_OF_ITEMS)).rejects.toBe(failure);
  });

  it('goes where the address pointed when it was given, whatever becomes of that meanwhile', async () => {
    const next = vi.fn<Fetch>(async () => new Response());
    const send = tokenBucket({ ratePerSecond: 10 })(next);
    const url = new URL(URL_OF_ITEMS);
    void send(url);
    void send(url);

    url.pathname = '/elsewhere';
    await vi.advanceTimersByTimeAsync(100);

    expect(next.mock.calls.map(([input]) => `${input}`)).toEqual([URL_OF_ITEMS, URL_OF_ITEMS]);
  });

  it('tells who had to wait, and for how long, and is not hurt by its observer', async () => {
    const events: TokenBucketEvent[] = [];
    const onEvent = (event: TokenBucketEvent) => {
      events.push(event);
      throw new Error('observer');
    };
    const { send, startedAtMs } = client({ ratePerSecond: 10, burst: 2, weight: () => 2, onEvent });
    await vi.advanceTimersByTimeAsync(1_000);
    void send();
    void send();

    await vi.advanceTimersByTimeAsync(200);

    expect(events).toEqual([{ type: 'waited', weight: 2, waitedMs: 200 }]);
    expect(startedAtMs()).toHaveLength(2);
  });

  it('tells of a wait of one millisecond', async () => {
    const onEvent = vi.fn();
    const { send } = client({ ratePerSecond: 1_000, onEvent });
    void send();
    void send();

    await vi.advanceTimersByTimeAsync(1);

    expect(onEvent.mock.calls).toEqual([[{ type: 'waited', weight: 1, waitedMs: 1 }]]);
  });
});

it.each([
  [{ ratePerSecond: 0 }, 'ratePerSecond must be 0.000001 to 1000000, got 0'],
  [{ ratePerSecond: Number.NaN }, 'ratePerSecond must be 0.000001 to 1000000, got NaN'],
  [{ ratePerSecond: '5' }, 'ratePerSecond must be 0.000001 to 1000000, got 5'],
  [{ ratePerSecond: 1, burst: 0.5 }, 'burst must be 1 to 1000000, got 0.5'],
  [{ ratePerSecond: 1, burst: Number.POSITIVE_INFINITY }, 'burst must be 1 to 1000000, got Infinity'],
])('refuses %o when the policy is made', (options, message) => {
  expect(() => tokenBucket(options as { ratePerSecond: number })).toThrow(new RangeError(`tokenBucket: ${message}`));
});

it.each(['weight', 'acquire', 'onEvent'])('refuses a %s that is no function', (name) => {
  expect(() => tokenBucket({ ratePerSecond: 1, [name]: 7 })).toThrow(
    new TypeError(`tokenBucket: ${name} must be a function, got 7`),
  );
});

describe('under any schedule', () => {
  const step = fc.record({
    afterMs: fc.nat(300),
    weight: fc.integer({ min: 1, max: 4 }),
    givesUpAfterMs: fc.option(fc.nat(500), { nil: undefined }),
  });

  it('keeps to burst + rate * t in every window, serves in order, and starts everybody who stays', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.constantFrom(3, 10, 50),
        fc.integer({ min: 4, max: 8 }),
        async (steps, ratePerSecond, burst) => {
          const { send, starts } = client({ ratePerSecond, burst, weight: weightInPath });
          const stayed: number[] = [];
          for (const [nth, { afterMs, weight, givesUpAfterMs }] of steps.entries()) {
            await vi.advanceTimersByTimeAsync(afterMs);
            const controller = new AbortController();
            void send(weight, { signal: controller.signal, headers: { nth: `${nth}` } }).catch(() => {});
            if (givesUpAfterMs === undefined) stayed.push(nth);
            else setTimeout(() => controller.abort(), givesUpAfterMs);
          }
          await vi.advanceTimersByTimeAsync(60_000);

          for (const [from, first] of starts.entries()) {
            let tokens = 0;
            for (const { atMs, weight } of starts.slice(from)) {
              tokens += weight;
              const seconds = (atMs - first.atMs) / 1_000;
              expect(tokens).toBeLessThanOrEqual(burst + ratePerSecond * seconds + 1e-6);
            }
          }
          const order = starts.map(({ nth }) => nth);
          expect(order).toEqual(order.toSorted((a, b) => a - b));
          expect(order).toEqual(expect.arrayContaining(stayed));
          expect(vi.getTimerCount()).toBe(0);
        },
      ),
    );
  });

  it('wastes nothing on those who give up: the others start as if they had never come', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }),
        fc.nat(99),
        async (stays, abortAtMs) => {
          const { send, starts } = client({ ratePerSecond: 10, burst: 1 });
          const controller = new AbortController();
          await send();
          starts.length = 0;
          for (const stay of stays) void send(1, stay ? {} : { signal: controller.signal }).catch(() => {});
          await vi.advanceTimersByTimeAsync(abortAtMs);
          controller.abort();
          await vi.advanceTimersByTimeAsync(10_000);

          const waits = starts.map(({ atMs }) => Math.round(atMs));
          expect(waits).toEqual(stays.filter(Boolean).map((_stay, index) => 100 * (index + 1)));
        },
      ),
    );
  });
});

/** A policy round a `fetch` that answers at once and remembers when it was asked. */
function client(options: Parameters<typeof tokenBucket>[0]) {
  const bornAt = performance.now();
  const starts: { atMs: number; weight: number; nth: number }[] = [];
  const fetch = tokenBucket(options)(async (input, init) => {
    const nth = Number(new Headers(init?.headers).get('nth'));
    const weight = input instanceof Request ? 1 : weightInPath({ url: new URL(input) });
    starts.push({ atMs: performance.now() - bornAt, weight, nth });
    return new Response();
  });
  return {
    fetch,
    send: (weight = 1, init: RequestInit = {}) => fetch(`https://api.test/${weight}`, init),
    starts,
    startedAtMs: () => starts.map(({ atMs }) => atMs),
    started: () => starts.map(({ weight }) => weight),
  };
}

function weightInPath({ url }: { readonly url: URL }): number {
  return Number(url.pathname.slice(1));
}

/** A signal that knows how many listen to it. */
function watchedSignal() {
  const controller = new AbortController();
  const { signal } = controller;
  return {
    signal,
    abort: (reason: unknown) => controller.abort(reason),
    listeners: () => getEventListeners(signal, 'abort').length,
  };
}
