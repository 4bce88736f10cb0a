import { getEventListeners, once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  type ConcurrencyLimitEvent,
  type ConcurrencyLimitOptions,
  concurrencyLimit,
  type Fetch,
} from './concurrency-limit.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ITEMS = 'https://api.test/items';

describe('the pool', () => {
  it('lets so many in and no more, until one leaves', async () => {
    const { send, server } = client({ max: 2 });
    for (let i = 0; i < 5; i += 1) void send(i);
    await settled();
    expect(server.begun).toEqual([0, 1]);

    server.answer(1);
    await settled();

    expect(server.begun).toEqual([0, 1, 2]);
  });

  it('serves first who came first, newcomers included', async () => {
    const { send, server } = client({ max: 1 });
    for (let i = 0; i < 3; i += 1) void send(i);
    await settled();

    server.answer(0);
    void send(3);
    for (const nth of [1, 2, 3]) {
      await settled();
      server.answer(nth);
    }

    expect(server.begun).toEqual([0, 1, 2, 3]);
  });

  it('lets in everyone in a long queue as readily as the last one', async () => {
    vi.useRealTimers();
    const stops = [45_000, 48_000, 61_900, 64_900];
    const cpuMs: number[] = [];
    let begun = 0;
    const send = concurrencyLimit({ max: 1 })(async () => {
      if (stops.includes(begun)) cpuMs.push(usedMs());
      begun += 1;
      return new Response();
    });
    await Promise.all(Array.from({ length: 65_000 }, () => send(ITEMS)));

    // In the middle many have gone and many still wait. About as much, or ten times as much if each steps over the gone.
    const [from, to, lastFrom, lastTo] = cpuMs as [number, number, number, number];
    expect((to - from) / (lastTo - lastFrom)).toBeLessThan(5);
  });

  it('is shared by all that the policy wraps', async () => {
    const next = vi.fn<Fetch>(() => new Promise(() => {}));
    const policy = concurrencyLimit({ max: 2 });
    for (let i = 0; i < 4; i += 1) void policy((...call) => next(...call))(ITEMS);

    await settled();

    expect(next).toHaveBeenCalledTimes(2);
  });

  it('takes a place back from a request that fails', async () => {
    const { send, server } = client({ max: 1 });
    const failed = expect(send(0)).rejects.toThrow('fetch failed');
    void send(1);
    await settled();

    server.fail(0, new TypeError('fetch failed'));
    await failed;
    await settled();

    expect(server.begun).toEqual([0, 1]);
  });

  it('takes a place back from a next that throws at once', async () => {
    const next = vi.fn<Fetch>(() => {
      throw new TypeError('misuse');
    });
    const send = concurrencyLimit({ max: 1 })(next);

    await expect(send(ITEMS)).rejects.toThrow('misuse');
    await expect(send(ITEMS)).rejects.toThrow('misuse');

    expect(next).toHaveBeenCalledTimes(2);
  });

  it('hands on the call and the response as they are', async () => {
    const response = new Response('body');
    const next = vi.fn<Fetch>(async () => response);
    const request = new Request(ITEMS, { method: 'POST', body: 'text' });
    const init = { headers: { a: 'b' } };

    expect(await concurrencyLimit({ max: 1 })(next)(request, init)).toBe(response);
    expect(next.mock.calls).toEqual([[request, init]]);
  });

  it('sends what was asked for, though the URL object is another by then', async () => {
    const next = vi.fn<Fetch>(async () => new Response());
    const url = new URL(`${ITEMS}?page=1`);
    const sent = concurrencyLimit({ max: 1 })(next)(url);

    url.search = '?page=2';
    await sent;

    expect(next).toHaveBeenCalledWith(`${ITEMS}?page=1`, undefined);
  });

  it('tells who had to wait, and for how long, and is not hurt by its observer', async () => {
    const events: ConcurrencyLimitEvent[] = [];
    const onEvent = (event: ConcurrencyLimitEvent) => {
      events.push(event);
      throw new Error('observer');
    };
    const { send, server } = client({ max: 1, onEvent });
    await vi.advanceTimersByTimeAsync(1_000);
    void send(0);
    void send(1);
    await vi.advanceTimersByTimeAsync(70);

    server.answer(0);
    await settled();

    expect(events).toEqual([{ type: 'waited', waitedMs: 70 }]);
    expect(server.begun).toEqual([0, 1]);
  });
});

describe('an abort', () => {
  it('frees the place in the queue at once, with the own reason, and leaves no listener behind', async () => {
    const { send, server } = client({ max: 1 });
    const { signal, abort, listeners } = watchedSignal();
    void send(0);
    const rejected = expect(send(1, { signal })).rejects.toBe('enough');
    void send(2);
    await settled();

    abort('enough');
    await rejected;
    server.answer(0);
    await settled();

    expect(server.begun).toEqual([0, 2]);
    expect(listeners()).toBe(0);
  });

  it('frees the place of a request in flight, even if that is not heard further in', async () => {
    const { send, server } = client({ max: 1 });
    const controller = new AbortController();
    void send(0, { signal: controller.signal });
    void send(1);
    await settled();

    controller.abort();
    await settled();
    expect(server.begun).toEqual([0, 1]);

    // What comes of it later frees nothing twice.
    server.answer(0);
    void send(2);
    await settled();
    expect(server.begun).toEqual([0, 1]);
  });

  it('before the call sends nothing and takes nothing', async () => {
    const { send, server } = client({ max: 1 });

    await expect(send(0, { signal: AbortSignal.abort('before') })).rejects.toBe('before');
    void send(1);
    await settled();

    expect(server.begun).toEqual([1]);
  });

  it('before the call does not wait either, where all places are taken', async () => {
    const { send } = client({ max: 1 });
    void send(0);

    await expect(send(1, { signal: AbortSignal.abort('before') })).rejects.toBe('before');
  });

  it('between the place and the call sends nothing and frees the place', async () => {
    const { send, server } = client({ max: 1 });
    const controller = new AbortController();
    const rejected = expect(send(0, { signal: controller.signal })).rejects.toBe('enough');

    controller.abort('enough');
    await rejected;
    void send(1);
    await settled();

    expect(server.begun).toEqual([1]);
  });

  it('heeds the signal of a Request', async () => {
    const { fetch } = client({ max: 1 });
    const controller = new AbortController();
    void fetch(ITEMS);
    const rejected = expect(fetch(new Request(ITEMS, { signal: controller.signal }))).rejects.toBe('enough');

    controller.abort('enough');

    await rejected;
  });

  it('leaves no listener on a signal that lives on', async () => {
    const { send, server } = client({ max: 1 });
    const { signal, listeners } = watchedSignal();
    const both = [send(0, { signal }), send(1, { signal })];
    await settled();
    server.answer(0);
    await settled();
    server.answer(1);
    await Promise.all(both);

    expect(listeners()).toBe(0);
  });
});

describe('a response', () => {
  it('frees its place when the headers are there, so that nobody who leaves bodies unread is stuck', async () => {
    const { send, server } = client({ max: 1 });
    for (let i = 0; i < 3; i += 1) void send(i);
    for (let i = 0; i < 3; i += 1) {
      await settled();
      server.answer(i, new Response('unread'));
    }

    expect(server.begun).toEqual([0, 1, 2]);
  });

  it.each<[string, (response: Response) => Promise<unknown>]>([
    ['read to its end', (response) => response.text()],
    ['read from a clone and by itself', (response) => Promise.all([response.clone().text(), response.text()])],
    ['cancelled', async (response) => response.body?.cancel()],
    ['read in part and then cancelled', readSome],
  ])("frees its place with hold: 'body' once that was %s", async (_how, use) => {
    const { send, server } = client({ max: 1, hold: 'body' });
    const first = send(0);
    void send(1);
    await settled();
    server.answer(0, new Response('body'));
    const response = await first;
    await settled();
    expect(server.begun).toEqual([0]);

    await use(response);
    await settled();

    expect(server.begun).toEqual([0, 1]);
  });

  it("frees its place with hold: 'body' when that breaks, and the error arrives", async () => {
    const { send, server } = client({ max: 1, hold: 'body' });
    const first = send(0);
    void send(1);
    await settled();
    const broken = new ReadableStream({ pull: (controller) => controller.error(new TypeError('terminated')) });
    server.answer(0, new Response(broken));

    await expect((await first).text()).rejects.toThrow('terminated');
    await settled();

    expect(server.begun).toEqual([0, 1]);
  });

  it("frees its place with hold: 'body' when the caller aborts and reads no more", async () => {
    const { send, server } = client({ max: 1, hold: 'body' });
    const controller = new AbortController();
    const first = send(0, { signal: controller.signal });
    void send(1);
    await settled();
    server.answer(0, new Response('body'));
    await first;

    controller.abort();
    await settled();

    expect(server.begun).toEqual([0, 1]);
  });

  it("frees its place at once with hold: 'body' where there is none", async () => {
    const { send, server } = client({ max: 1, hold: 'body' });
    void send(0);
    void send(1);
    await settled();

    server.answer(0, new Response(null, { status: 204 }));
    await settled();

    expect(server.begun).toEqual([0, 1]);
  });

  it("passes its cancellation on, with hold: 'body'", async () => {
    const cancel = vi.fn();
    const { send, server } = client({ max: 1, hold: 'body' });
    const first = send(0);
    await settled();
    server.answer(0, new Response(new ReadableStream({ cancel })));

    await (await first).body?.cancel('enough');

    expect(cancel).toHaveBeenCalledWith('enough');
  });

  it("stays what it was with hold: 'body', its clones too", async () => {
    const { send, server } = client({ max: 1, hold: 'body' });
    const first = send(0);
    await settled();
    const original = new Response('body', { status: 206, statusText: 'Some', headers: { 'x-a': 'b' } });
    const seen = { url: `${ITEMS}?page=2`, redirected: true, type: 'cors' };
    for (const [name, value] of Object.entries(seen)) Object.defineProperty(original, name, { value });
    server.answer(0, original);

    const response = await first;

    for (const same of [response, response.clone(), response.clone().clone()]) {
      expect(same).toMatchObject({ ...seen, status: 206, statusText: 'Some' });
      expect(same.headers.get('x-a')).toBe('b');
    }
    expect(await response.text()).toBe('body');
  });

  it.each<[string, BufferEncoding]>([
    ['200 成功', 'utf8'],
    ['200 Trouvé', 'latin1'],
    ['999 Request denied', 'utf8'],
  ])("arrives with hold: 'body' though nobody but fetch can make one of %s, in %s", async (statusLine, encoding) => {
    vi.useRealTimers();
    const answer = `HTTP/1.1 ${statusLine}\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok`;
    const server = createServer((socket) => socket.once('data', () => socket.end(answer, encoding)));
    onTestFinished(() => void server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { status, ok, statusText } = await fetch(url);

    const response = await concurrencyLimit({ max: 1, hold: 'body' })(fetch)(url);

    expect(response).toMatchObject({ status, ok, statusText });
    expect(response.clone()).toMatchObject({ status, ok, statusText });
    expect(await response.text()).toBe('ok');
  });
});

it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', undefined])('refuses max %s', (max) => {
  expect(() => concurrencyLimit({ max: max as number })).toThrow(
    new RangeError(`concurrencyLimit: max must be a whole number from 1, or 'adaptive', got ${max}`),
  );
});

it.each([
  [{ hold: 'ever' }, RangeError, "hold must be 'headers' or 'body', got ever"],
  [{ onEvent: 7 }, TypeError, 'onEvent must be a function, got 7'],
])('refuses %o', (wrong, Kind, message) => {
  expect(() => concurrencyLimit({ max: 1, ...wrong } as ConcurrencyLimitOptions)).toThrow(
    new Kind(`concurrencyLimit: ${message}`),
  );
});

describe('under any schedule', () => {
  const caller = fc.record({
    arrivesAtMs: fc.nat(200),
    takesMs: fc.nat(100),
    givesUpAfterMs: fc.option(fc.nat(150), { nil: undefined }),
    ending: fc.constantFrom<'answer' | 'fail'>('answer', 'fail'),
    body: fc.constantFrom<'read' | 'cancelled' | 'none'>('read', 'cancelled', 'none'),
    readsAfterMs: fc.nat(50),
  });

  it.each(['headers', 'body'] as const)(
    'never exceeds max, serves in order and starves nobody, held until %s',
    async (hold) => {
      await fc.assert(
        fc.asyncProperty(fc.array(caller, { maxLength: 40 }), fc.integer({ min: 1, max: 5 }), async (callers, max) => {
          const begun: number[] = [];
          let inFlight = 0;
          let peak = 0;
          const send = concurrencyLimit({ max, hold })(async (_input, init) => {
            const nth = Number(new Headers(init?.headers).get('nth'));
            const { takesMs, ending, body } = callers[nth]!;
            begun.push(nth);
            inFlight += 1;
            peak = Math.max(peak, inFlight);
            let isOver = false;
            const over = () => {
              if (!isOver) inFlight -= 1;
              isOver = true;
            };
            init?.signal?.addEventListener('abort', over);
            try {
              await pause(takesMs, init?.signal);
              if (ending === 'fail') throw new TypeError('fetch failed');
            } catch (error) {
              over();
              throw error;
            }
            if (hold === 'headers' || body === 'none') over();
            if (body === 'none') return new Response(null);
            const source = new ReadableStream(
              {
                pull(controller) {
                  over();
                  controller.close();
                },
                cancel: over,
              },
              { highWaterMark: 0 },
            );
            return new Response(source);
          });

          const arrivals = callers
            .map(({ arrivesAtMs }, nth) => ({ arrivesAtMs, nth }))
            .toSorted((a, b) => a.arrivesAtMs - b.arrivesAtMs);
          for (const { arrivesAtMs, nth } of arrivals) {
            const { givesUpAfterMs, body, readsAfterMs } = callers[nth]!;
            setTimeout(async () => {
              const controller = new AbortController();
              if (givesUpAfterMs !== undefined) setTimeout(() => controller.abort(), givesUpAfterMs);
              try {
                const response = await send(ITEMS, { signal: controller.signal, headers: { nth: `${nth}` } });
                await pause(readsAfterMs);
                if (body === 'read') await response.text();
                if (body === 'cancelled') await response.body?.cancel();
              } catch {
                // Failed or given up.
              }
            }, arrivesAtMs);
          }
          await vi.advanceTimersByTimeAsync(20_000);

          expect(peak).toBeLessThanOrEqual(max);
          expect(inFlight).toBe(0);
          const order = arrivals.map(({ nth }) => nth);
          expect(begun).toEqual(order.filter((nth) => begun.includes(nth)));
          const stayed = order.filter((nth) => callers[nth]?.givesUpAfterMs === undefined);
          expect(begun).toEqual(expect.arrayContaining(stayed));
          expect(vi.getTimerCount()).toBe(0);
        }),
        { numRuns: 200 },
      );
    },
  );
});

function client(options: ConcurrencyLimitOptions) {
  const server = scripted();
  const fetch = concurrencyLimit(options)(server.fetch);
  return {
    server,
    fetch,
    send: (nth: number, init: RequestInit = {}) => fetch(ITEMS, { ...init, headers: { nth: `${nth}` } }),
  };
}

/** Answers when it is told to, and does not listen to any signal. */
function scripted() {
  const begun: number[] = [];
  const open = new Map<number, PromiseWithResolvers<Response>>();
  const fetch: Fetch = (_input, init) => {
    const nth = Number(new Headers(init?.headers).get('nth'));
    begun.push(nth);
    const answer = Promise.withResolvers<Response>();
    open.set(nth, answer);
    return answer.promise;
  };
  return {
    fetch,
    begun,
    answer: (nth: number, response = new Response()) => open.get(nth)!.resolve(response),
    fail: (nth: number, error: unknown) => open.get(nth)!.reject(error),
  };
}

async function settled(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

function usedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

async function readSome(response: Response): Promise<void> {
  const reader = response.body!.getReader();
  await reader.read();
  await reader.cancel();
}

function pause(ms: number, signal?: AbortSignal | null): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** A signal that knows how many listen to it. */
function watchedSignal() {
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = () => getEventListeners(signal, 'abort').length;
  return { signal, abort: (reason: unknown) => controller.abort(reason), listeners };
}
