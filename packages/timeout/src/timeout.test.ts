import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { type Fetch, TimeoutError, timeout } from './timeout.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('gives up when the headers are late', async () => {
  const answer = timeout({ afterMs: 100 })(silent)('https://api.test/items');
  const rejected = expect(answer).rejects.toEqual(new TimeoutError(100, 'https://api.test/items'));

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
  const rejected = expect(answer).rejects.toEqual(new TimeoutError(expectedMs, 'https://api.test/items'));

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

it.each([
  ['a string', 'https://me:secret@api.test/items?key=secret#secret', 'https://api.test/items'],
  ['a URL', new URL('https://me:secret@api.test/items?key=secret#secret'), 'https://api.test/items'],
  ['a Request', new Request('https://api.test/items?key=secret'), 'https://api.test/items'],
  ['a path alone', '/items?key=secret', '/items'],
])('says where %s went, but no query and no credentials, and whose call it was', async (_kind, input, place) => {
  const next = vi.fn<Fetch>(silent);
  async function syncOrders() {
    await timeout({ afterMs: 100 })(next)(input);
  }
  const thrown = syncOrders().catch((error: Error) => error);
  await vi.advanceTimersByTimeAsync(100);
  const error = await thrown;

  expect(error).toEqual(next.mock.calls[0]![1]!.signal!.reason);
  expect(error).toHaveProperty('message', `No response headers within 100 ms from ${place}`);
  expect(error!.stack).toContain('syncOrders');
  expect(error!.stack).not.toContain('secret');
});

it('leaves no rejection unhandled where the late answer has a body that no one can cancel', async () => {
  const unhandled = vi.fn();
  process.on('unhandledRejection', unhandled);
  onTestFinished(() => void process.off('unhandledRejection', unhandled));
  // As from node-fetch, whose bodies are streams of Node's.
  const late = { body: Readable.from(['late']) } as unknown as Response;
  const deaf: Fetch = () => new Promise((resolve) => setTimeout(() => resolve(late), 500));
  const rejected = expect(timeout({ afterMs: 100 })(deaf)('https://api.test/')).rejects.toThrow(TimeoutError);
  await vi.advanceTimersByTimeAsync(500);
  await rejected;

  vi.useRealTimers();
  await new Promise((resolve) => setImmediate(resolve));

  expect(unhandled).not.toHaveBeenCalled();
});

it('sends what fetch sends where the init is a Request, and heeds its signal', async () => {
  const controller = new AbortController();
  const next = vi.fn<Fetch>(silent);
  const init = { method: 'POST', body: 'text', headers: { 'x-mine': '1' }, signal: controller.signal };
  const answer = timeout({ afterMs: 100 })(next)('https://api.test/items', new Request('https://api.test/', init));
  const sent = new Request(...next.mock.calls[0]!);

  expect([sent.method, sent.url, sent.headers.get('x-mine')]).toEqual(['POST', 'https://api.test/items', '1']);
  expect(await sent.text()).toBe('text');
  controller.abort('gone');
  await expect(answer).rejects.toBe('gone');
});

it("keeps a Request's referrer and its policy, unless init has others", async () => {
  const next = vi.fn<Fetch>(async () => new Response());
  const request = new Request('https://api.test/', { referrer: '', referrerPolicy: 'no-referrer' });

  await timeout()(next)(request);
  await timeout()(next)(request, { referrerPolicy: 'origin' });

  const sent = next.mock.calls.map((call) => new Request(...call));
  expect(sent.map(({ referrer, referrerPolicy }) => [referrer, referrerPolicy])).toEqual([
    ['', 'no-referrer'],
    ['', 'origin'],
  ]);
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
    { status: 'rejected', reason: new TimeoutError(100, 'https://api.test/') },
  ]);
});

it.each([[new TypeError('fetch failed')], [undefined]])(
  'passes the failure %s of the next fetch on',
  async (failure) => {
    await expect(timeout()(() => Promise.reject(failure))('https://api.test/')).rejects.toBe(failure);
    expect(vi.getTimerCount()).toBe(0);
  },
);

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
