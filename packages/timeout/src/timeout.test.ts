import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Fetch, TimeoutError, timeout } from './timeout.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('gives up when the headers are late', async () => {
  const answer = timeout({ afterMs: 100 })(silent)('https://api.test/items');
  const rejected = expect(answer).rejects.toEqual(new TimeoutError(100));

  await vi.advanceTimersByTimeAsync(99);
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(1);

  await rejected;
});

it.each([
  ['10 s, where nothing is said', undefined, 10_000],
  ['the shortest', 1, 1],
  ['the longest, which no timer overflows on', 2 ** 31 - 1, 2 ** 31 - 1],
])('waits as long as it is given: %s', async (_which, afterMs, expectedMs) => {
  const answer = timeout(afterMs === undefined ? {} : { afterMs })(silent)('https://api.test/items');
  const rejected = expect(answer).rejects.toEqual(new TimeoutError(expectedMs));

  await vi.advanceTimersByTimeAsync(expectedMs - 1);
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(1);

  await rejected;
});

it('gives up on time even where the signal is ignored, and cancels the answer that still comes', async () => {
  const late = new Response('a body');
  const deaf: Fetch = () => new Promise((resolve) => setTimeout(() => resolve(late), 500));
  const rejected = expect(timeout({ afterMs: 100 })(deaf)('https://api.test/')).rejects.toThrow(TimeoutError);
  await vi.advanceTimersByTimeAsync(100);
  await rejected;

  const cancel = vi.spyOn(late.body!, 'cancel');
  await vi.advanceTimersByTimeAsync(400);

  expect(cancel).toHaveBeenCalledOnce();
});

it('lets an answer in time through as it is, and leaves no timer and no listener behind', async () => {
  const answer = new Response('in time');
  const controller = new AbortController();
  const added = vi.spyOn(AbortSignal.prototype, 'addEventListener');
  const removed = vi.spyOn(AbortSignal.prototype, 'removeEventListener');

  await expect(
    timeout({ afterMs: 100 })(async () => answer)('https://api.test/', { signal: controller.signal }),
  ).resolves.toBe(answer);

  expect(vi.getTimerCount()).toBe(0);
  expect(removed).toHaveBeenCalledTimes(added.mock.calls.length);
});

it('does not time the body', async () => {
  let signal: AbortSignal | null | undefined;
  const next: Fetch = async (_input, init) => {
    signal = init?.signal;
    return new Response('slow to read');
  };
  await timeout({ afterMs: 100 })(next)('https://api.test/');

  await vi.advanceTimersByTimeAsync(1_000);

  expect(signal?.aborted).toBe(false);
});

it("passes the caller's own reason on at once", async () => {
  const controller = new AbortController();
  const answer = timeout({ afterMs: 100 })(silent)('https://api.test/', { signal: controller.signal });

  controller.abort('changed my mind');

  await expect(answer).rejects.toBe('changed my mind');
});

it('rejects at once for a caller who has gone already, even where the signal is ignored', async () => {
  const deaf: Fetch = () => new Promise(() => {});
  const answer = timeout()(deaf)('https://api.test/', { signal: AbortSignal.abort('gone before') });

  await expect(answer).rejects.toBe('gone before');
});

it('leaves no rejection unhandled where the next fetch throws for a caller who has gone', async () => {
  const failure = new TypeError('no such URL');
  const throwing: Fetch = () => {
    throw failure;
  };

  await expect(timeout()(throwing)('no URL', { signal: AbortSignal.abort('gone before') })).rejects.toBe(failure);
});

it('heeds the signal of a Request, unless an explicit null detaches it', async () => {
  const controller = new AbortController();
  const request = new Request('https://api.test/', { signal: controller.signal });
  const heeded = timeout({ afterMs: 100 })(silent)(request);
  const detached = timeout({ afterMs: 100 })(silent)(request, { signal: null });
  const outcomes = Promise.allSettled([heeded, detached]);

  controller.abort('gone');
  await vi.advanceTimersByTimeAsync(100);

  expect(await outcomes).toEqual([
    { status: 'rejected', reason: 'gone' },
    { status: 'rejected', reason: new TimeoutError(100) },
  ]);
});

it('passes a failure of the next fetch on as it is', async () => {
  const failure = new TypeError('fetch failed');
  await expect(timeout()(() => Promise.reject(failure))('https://api.test/')).rejects.toBe(failure);
  expect(vi.getTimerCount()).toBe(0);
});

it.each([0, -1, Number.NaN, Infinity, 2 ** 31])('refuses afterMs %s when the policy is made', (afterMs) => {
  expect(() => timeout({ afterMs })).toThrow(RangeError);
});

/** Takes the request, never answers, honours the signal. */
const silent: Fetch = (_input, init) =>
  new Promise((_answer, reject) => {
    const signal = init!.signal!;
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });
