import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type AdaptiveThrottleEvent,
  type AdaptiveThrottleOptions,
  adaptiveThrottle,
  type Fetch,
} from './adaptive-throttle.ts';

const url = 'https://api.test/items';

beforeEach(() => void vi.useFakeTimers({ now: Date.parse('2026-03-01T12:00:00Z') }));
afterEach(() => {
  // A spy on a fake timer first: restored later, it would bring the fake back.
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('before anything is known', () => {
  it('lets one of a thousand callers ask first', async () => {
    const server = scripted();
    const send = adaptiveThrottle()(server.fetch);
    for (let i = 0; i < 1_000; i++) void send(url);

    await vi.advanceTimersByTimeAsync(900);

    expect(server.calls).toHaveLength(1);
  });

  it('sends no more than remain, once the first answer is there', async () => {
    const server = scripted();
    const send = adaptiveThrottle()(server.fetch);
    for (let i = 0; i < 1_000; i++) void send(url);
    await vi.advanceTimersByTimeAsync(0);

    server.answer(0, limited({ remaining: 50, limit: 1_000, reset: 60 }));
    for (let i = 1; i < 590; i++) {
      await vi.advanceTimersByTimeAsync(100);
      if (i < server.calls.length)
        server.answer(i, limited({ remaining: Math.max(0, 50 - i), limit: 1_000, reset: 60 - i / 10 }));
    }

    expect(server.calls.length).toBeGreaterThan(45);
    expect(server.calls.length).toBeLessThanOrEqual(51);
  });

  it('doubles with each round trip where nothing is announced', async () => {
    const server = scripted();
    const send = adaptiveThrottle()(server.fetch);
    for (let i = 0; i < 100; i++) void send(url);
    const volleys: number[] = [];

    for (let i = 0; i < 5; i++) {
      await vi.advanceTimersByTimeAsync(10);
      volleys.push(server.answerAll());
    }

    expect(volleys).toEqual([1, 2, 4, 8, 16]);
  });

  it('is not held up by one slow answer: another request goes each second', async () => {
    const server = scripted();
    const send = adaptiveThrottle()(server.fetch);
    for (let i = 0; i < 10; i++) void send(url);

    await vi.advanceTimersByTimeAsync(3_500);

    expect(server.calls).toHaveLength(4);
  });
});

describe('slots', () => {
  it('takes the slot before it returns', () => {
    const server = scripted();
    const send = adaptiveThrottle()(server.fetch);

    void send(url);
    void send(url);

    expect(vi.getTimerCount()).toBe(1);
  });

  it('counts requests in flight as spent', async () => {
    const { server, send } = await warmedUp({ limit: 10, remaining: 3, reset: 3_600 }, { maxWaitMs: 0 });
    for (let i = 0; i < 10; i++) void send(url);

    await vi.advanceTimersByTimeAsync(0);

    expect(server.open).toBe(3);
  });

  it('obeys the tightest of several policies', async () => {
    const headers = {
      'ratelimit-policy': '"second";q=100;w=1, "day";q=1000;w=86400',
      ratelimit: '"second";r=90;t=1, "day";r=2;t=40000',
    };
    const { server, send } = await warmedUp(headers, { maxWaitMs: 0 });
    for (let i = 0; i < 10; i++) void send(url).catch(() => {});

    await vi.advanceTimersByTimeAsync(0);

    expect(server.open).toBe(2);
  });

  it('goes by the lowest remaining, in whatever order the answers come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 8 }), async (order) => {
        vi.clearAllTimers();
        const { server, send } = await warmedUp({ limit: 100, remaining: 100, reset: 3_600 }, { maxWaitMs: 0 });
        for (let i = 0; i < 8; i++) void send(url);
        await vi.advanceTimersByTimeAsync(0);
        const first = server.calls.length - 8;

        // The server had only eight left, and handled them in the order in which they were sent.
        for (const i of order) server.answer(first + i, limited({ limit: 100, remaining: 7 - i, reset: 3_600 }));
        await vi.advanceTimersByTimeAsync(0);

        await expect(send(url)).rejects.toMatchObject({ name: 'QuotaExhaustedError' });
      }),
      { numRuns: 50 },
    );
  });

  it('raises what is left no higher than the lowest answer since', async () => {
    const { server, send } = await warmedUp({ limit: 100, remaining: 50, reset: 3_600 }, { maxWaitMs: 0 });
    const first = server.calls.length;
    for (let i = 0; i < 2; i++) void send(url);
    await vi.advanceTimersByTimeAsync(0);
    server.answer(first, limited({ limit: 100, remaining: 2, reset: 3_600 }));
    await vi.advanceTimersByTimeAsync(0);
    void send(url);
    await vi.advanceTimersByTimeAsync(0);

    // The bucket refills; the server took the third request before the second.
    server.answer(first + 1, limited({ limit: 100, remaining: 4, reset: 3_600 }));
    await vi.advanceTimersByTimeAsync(0);
    server.answer(first + 2, limited({ limit: 100, remaining: 6, reset: 3_600 }));
    await vi.advanceTimersByTimeAsync(0);
    for (let i = 0; i < 10; i++) void send(url).catch(() => {});
    await vi.advanceTimersByTimeAsync(0);

    expect(server.open).toBe(4);
  });

  it('does not let a late answer from the last window raise what is left', async () => {
    const { server, send } = await warmedUp({ limit: 10, remaining: 9, reset: 1 });
    const late = server.calls.length;
    void send(url);
    await vi.advanceTimersByTimeAsync(2_500);
    void send(url);
    await vi.advanceTimersByTimeAsync(0);
    server.answer(late + 1, limited({ limit: 10, remaining: 0, reset: 3_600 }));
    await vi.advanceTimersByTimeAsync(0);

    server.answer(late, limited({ limit: 10, remaining: 8, reset: 0 }));
    await vi.advanceTimersByTimeAsync(0);

    await expect(send(url)).rejects.toMatchObject({ name: 'QuotaExhaustedError' });
  });

  it('serves callers first come, first served', async () => {
    const server = scripted();
    const send = adaptiveThrottle()(server.fetch);
    for (let i = 0; i < 20; i++) void send(`${url}/${i}`);

    for (let i = 0; i < 8; i++) {
      await vi.advanceTimersByTimeAsync(10);
      server.answerAll();
    }

    expect(server.calls.map(({ input }) => input)).toEqual(Array.from({ length: 20 }, (_, i) => `${url}/${i}`));
  });

  it('charges a request that ended without an answer', async () => {
    const { server, send } = await warmedUp({ limit: 100, remaining: 1, reset: 3_600 }, { maxWaitMs: 0 });
    const failed = send(url);
    await vi.advanceTimersByTimeAsync(0);
    server.fail(server.calls.length - 1, new TypeError('network'));

    await expect(failed).rejects.toThrow('network');
    await expect(send(url)).rejects.toMatchObject({ name: 'QuotaExhaustedError' });
  });

  it.each(['CircuitOpenError', 'QuotaExhaustedError', 'TokenRequestError'])(
    'gives back at once what was not sent, because further in there was a %s',
    async (name) => {
      let calls = 0;
      const send = adaptiveThrottle()(async () => {
        calls += 1;
        if (calls > 1) throw Object.assign(new Error('not sent'), { name });
        return limited({ limit: 100, remaining: 10, reset: 3_600 });
      });
      await send(url);
      const ends: string[] = [];
      for (let i = 0; i < 50; i++) send(url).catch((error: Error) => ends.push(error.name));
      // The ten that are left are spread over the hour.
      await vi.advanceTimersByTimeAsync(3_600_000 / 10);

      expect(ends).toEqual(Array(50).fill(name));
    },
  );

  it('charges a request whose answer announces nothing', async () => {
    const { server, send } = await warmedUp({ limit: 100, remaining: 2, reset: 3_600 }, { maxWaitMs: 0 });
    for (let i = 0; i < 2; i++) {
      void send(url);
      await vi.advanceTimersByTimeAsync(0);
      server.answerAll();
      await vi.advanceTimersByTimeAsync(0);
    }

    await expect(send(url)).rejects.toMatchObject({ name: 'QuotaExhaustedError' });
  });

  it('sets one timer per key, however many wait', async () => {
    const { send } = await warmedUp({ limit: 100, remaining: 0, reset: 60 });
    const setTimer = vi.spyOn(globalThis, 'setTimeout');
    for (let i = 0; i < 1_000; i++) void send(url);

    expect(vi.getTimerCount()).toBe(1);
    expect(setTimer).toHaveBeenCalledOnce();
  });
});

describe('abort', () => {
  it("ends the wait at once with the caller's reason, and leaves nothing behind", async () => {
    const { send } = await warmedUp({ limit: 100, remaining: 0, reset: 60 });
    const caller = new AbortController();
    const removed = vi.spyOn(caller.signal, 'removeEventListener');
    const added = vi.spyOn(caller.signal, 'addEventListener');
    const waiting = send(url, { signal: caller.signal });
    const reason = new Error('changed my mind');

    caller.abort(reason);

    await expect(waiting).rejects.toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
    expect(removed.mock.calls.length).toBe(added.mock.calls.length);
  });

  it('does not take a slot for a signal that is aborted already', async () => {
    const server = scripted();
    const send = adaptiveThrottle()(server.fetch);

    await expect(send(url, { signal: AbortSignal.abort('no') })).rejects.toBe('no');
    void send(url);
    await vi.advanceTimersByTimeAsync(0);

    expect(server.calls).toHaveLength(1);
  });

  it('removes its listener once the wait is over', async () => {
    const server = scripted();
    const send = adaptiveThrottle()(server.fetch);
    const caller = new AbortController();
    const removed = vi.spyOn(caller.signal, 'removeEventListener');
    void send(url);
    void send(url, { signal: caller.signal });
    await vi.advanceTimersByTimeAsync(0);
    expect(removed).not.toHaveBeenCalled();
    server.answerAll();
    await vi.advanceTimersByTimeAsync(0);

    expect(server.open).toBe(1);
    expect(removed).toHaveBeenCalledOnce();
  });

  it('gives the slot back when the abort comes between leave and sending', async () => {
    const { server, send } = await warmedUp({ limit: 10, remaining: 1, reset: 3_600 }, { maxWaitMs: 0 });
    const caller = new AbortController();
    const aborted = send(url, { signal: caller.signal });
    caller.abort('late');

    await expect(aborted).rejects.toBe('late');
    void send(url);
    await vi.advanceTimersByTimeAsync(0);

    expect(server.open).toBe(1);
  });

  it('loses no slot in a storm of aborts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }), fc.nat(5_000), async (aborts, atMs) => {
        vi.clearAllTimers();
        const { server, send } = await warmedUp({ limit: 100, remaining: 0, reset: 2 });
        const before = server.calls.length;
        const callers = aborts.map(() => new AbortController());
        const outcomes = callers.map(({ signal }) =>
          send(url, { signal }).then(
            () => 'sent',
            (reason) => reason,
          ),
        );

        await vi.advanceTimersByTimeAsync(atMs % 3_000);
        const sentBefore = server.calls.length - before;
        for (const [i, isAborted] of aborts.entries()) if (isAborted) callers[i]!.abort('storm');
        for (let i = 0; i < 80; i++) {
          await vi.advanceTimersByTimeAsync(1_000);
          server.answerAll({ limit: 100, remaining: 100, reset: 3_600 });
        }

        const sent = (await Promise.all(outcomes)).filter((outcome) => outcome === 'sent').length;
        const kept = aborts.filter((isAborted) => !isAborted).length;
        expect(sent).toBeGreaterThanOrEqual(kept);
        expect(sent).toBeLessThanOrEqual(kept + sentBefore);
        expect(server.open).toBe(0);
        expect(vi.getTimerCount()).toBe(0);
      }),
      { numRuns: 30 },
    );
  });
});

describe('keys', () => {
  it('are origins by default, and none delays another', async () => {
    const { server, send } = await warmedUp({ limit: 10, remaining: 0, reset: 60 });
    void send(url);
    void send('https://other.test/items');

    await vi.advanceTimersByTimeAsync(0);

    expect(server.calls.at(-1)?.input).toBe('https://other.test/items');
  });

  it('can tell reading from writing and one path from another', async () => {
    const seen: string[] = [];
    const server = scripted();
    const send = adaptiveThrottle({
      key: ({ url, method }) => {
        seen.push(`${method} ${url.pathname}`);
        return method;
      },
    })(server.fetch);
    void send(url);
    void send(url, { method: 'post' });
    void send(new Request(`${url}/1`, { method: 'PUT' }));

    await vi.advanceTimersByTimeAsync(0);

    expect(server.open).toBe(3);
    expect(seen).toEqual(['GET /items', 'POST /items', 'PUT /items/1']);
  });

  it('are remembered while there are few, though nobody uses them', async () => {
    const { server, send } = await warmedUp({ limit: 10, remaining: 0, reset: 600 });
    void send('https://other.test/items');
    await vi.advanceTimersByTimeAsync(0);
    void send(url);
    await vi.advanceTimersByTimeAsync(0);

    expect(server.calls.at(-1)?.input).toBe('https://other.test/items');
  });

  it('are remembered up to a thousand, the idle ones forgotten first', async () => {
    const { server, send } = await warmedUp({ limit: 10, remaining: 0, reset: 600 });
    void send('https://busy.test/');
    for (let i = 0; i < 1_000; i++) {
      void send(`https://tenant-${i}.test/`);
      server.answer(server.calls.length - 1, new Response());
      await vi.advanceTimersByTimeAsync(0);
    }
    const open = server.open;
    void send('https://busy.test/');
    void send(url);
    await vi.advanceTimersByTimeAsync(0);

    // The first was forgotten and asks anew; the busy one still waits for its first answer.
    expect(server.open).toBe(open + 1);
  });

  it('are shared by all fetches that one policy wraps', async () => {
    const policy = adaptiveThrottle();
    const [one, two] = [scripted(), scripted()];
    void policy(one.fetch)(url);
    void policy(two.fetch)(url);

    await vi.advanceTimersByTimeAsync(0);

    expect([one.open, two.open]).toEqual([1, 0]);
  });
});

describe('the option read', () => {
  it('adds limits that the default does not know', async () => {
    const { send } = await warmedUp(
      {},
      { maxWaitMs: 0, read: () => [{ name: 'credits', limit: 10, remaining: 0, resetMs: 60_000 }] },
    );

    await expect(send(url)).rejects.toMatchObject({ name: 'QuotaExhaustedError' });
  });

  it('cannot switch off other limits with what is no number', async () => {
    const read = () => [{ remaining: Number.NaN, resetMs: 1_000 }];
    const { send } = await warmedUp({ limit: 100, remaining: 0, reset: 3_600 }, { read, maxWaitMs: 0 });

    await expect(send(url)).rejects.toMatchObject({ name: 'QuotaExhaustedError' });
    const { server, send: paused } = await warmedUp({ limit: 100, remaining: 0, reset: 60 }, { read });
    void paused(url);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(server.open).toBe(0);
  });

  it('may look into a copy of the body', async () => {
    const read: AdaptiveThrottleOptions['read'] = async (response) => {
      const { ok, error } = await response.clone().json();
      return ok === false && error === 'ratelimited' ? [{ remaining: 0, resetMs: 30_000 }] : undefined;
    };
    const server = scripted();
    const send = adaptiveThrottle({ read })(server.fetch);
    const answer = send(url);
    await vi.advanceTimersByTimeAsync(0);
    server.answerAll({}, Response.json({ ok: false, error: 'ratelimited' }));
    expect(await (await answer).json()).toEqual({ ok: false, error: 'ratelimited' });
    void send(url);
    await vi.advanceTimersByTimeAsync(29_999);
    expect(server.open).toBe(0);

    await vi.advanceTimersByTimeAsync(1);
    expect(server.open).toBe(1);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('oops');
      },
    ],
    ['rejects', () => Promise.reject(new Error('oops'))],
  ])('breaks nothing when it %s', async (_how, read) => {
    const { server, send, events } = await warmedUp({}, { read });
    const answer = send(url);
    await vi.advanceTimersByTimeAsync(0);
    server.answerAll();
    await vi.advanceTimersByTimeAsync(0);

    expect((await answer).status).toBe(200);
    expect(events.every(({ type }) => type === 'read-failed')).toBe(true);
  });
});

describe('the policy', () => {
  it('passes on exactly what the caller passed, to a fetch without a this', async () => {
    const calls: unknown[][] = [];
    const init = { headers: { a: 'b' } };
    const send = adaptiveThrottle()(function (this: unknown, ...args) {
      calls.push([this, ...args]);
      return Promise.resolve(new Response());
    });
    await send(url, init);

    expect(calls).toEqual([[undefined, url, init]]);
    expect(calls[0]?.[2]).toBe(init);
  });

  it('hands over the very response', async () => {
    const response = new Response('body');
    const send = adaptiveThrottle()(() => Promise.resolve(response));

    expect(await send(url)).toBe(response);
    expect(response.bodyUsed).toBe(false);
  });

  it('is not broken by its observer', async () => {
    const onEvent = () => {
      throw new Error('observer');
    };
    const { server, send } = await warmedUp({}, { onEvent });
    void send(url);
    await vi.advanceTimersByTimeAsync(0);
    server.answerAll({}, refusal({ 'retry-after': '1' }));
    await vi.advanceTimersByTimeAsync(0);
    void send(url);
    await vi.advanceTimersByTimeAsync(1_200);

    expect(server.open).toBe(1);
  });

  it('tells how long a request has waited', async () => {
    const { send, events } = await warmedUp({ limit: 10, remaining: 0, reset: 10 });
    void send(url);
    await vi.advanceTimersByTimeAsync(20_000);

    expect(events).toEqual([{ type: 'waited', key: 'https://api.test', waitedMs: expect.closeTo(11_000, -3) }]);
  });

  it('has a name in stack traces', () => {
    expect(adaptiveThrottle()(fetch).name).toBe('withAdaptiveThrottle');
  });

  it.each([
    ['key', 'origin'],
    ['read', {}],
    ['random', 0.5],
    ['onEvent', 'log'],
  ])('refuses a %s that is no function', (name, value) => {
    expect(() => adaptiveThrottle({ [name]: value })).toThrow(
      new TypeError(`adaptiveThrottle: ${name} must be a function, got ${value}`),
    );
  });

  it.each([-1, Number.NaN, '60' as unknown as number])('refuses maxWaitMs %s', (maxWaitMs) => {
    expect(() => adaptiveThrottle({ maxWaitMs })).toThrow(RangeError);
  });
});

interface Announced {
  readonly limit: number;
  readonly remaining: number;
  /** Seconds. */
  readonly reset: number;
}

/** A throttle that has had one answer with these headers, and its server. */
async function warmedUp(headers: Announced | Record<string, string>, options: AdaptiveThrottleOptions = {}) {
  const server = scripted();
  const events: AdaptiveThrottleEvent[] = [];
  const send = adaptiveThrottle({ onEvent: (event) => events.push(event), random: () => 0, ...options })(server.fetch);
  // Some round trips first, so that many may go at once.
  for (let i = 0; i < 6; i++) {
    for (let j = 0; j < 2 ** i; j++) void send(url).catch(() => {});
    await vi.advanceTimersByTimeAsync(0);
    if (i < 5) server.answerAll();
  }
  for (let i = 0; i < 6; i++) {
    server.answerAll({}, new Response(null, { headers: wire(headers) }));
    await vi.advanceTimersByTimeAsync(0);
  }
  events.length = 0;
  return { server, send, events };
}

/** A server that answers when it is told to. */
function scripted() {
  const calls: {
    input: unknown;
    settle: ((response: Response) => void) | undefined;
    fail: (error: unknown) => void;
  }[] = [];
  const fetch: Fetch = (input) =>
    new Promise((settle, fail) => {
      calls.push({ input, settle, fail });
    });

  return {
    fetch,
    calls,
    get open() {
      return calls.filter(({ settle }) => settle).length;
    },
    answer(index: number, response: Response): void {
      calls[index]?.settle?.(response);
      if (calls[index]) calls[index].settle = undefined;
    },
    fail(index: number, error: unknown): void {
      calls[index]?.fail(error);
      if (calls[index]) calls[index].settle = undefined;
    },
    /** Answers whatever is open, and says how many that was. */
    answerAll(
      headers: Announced | Record<string, string> = {},
      response = new Response(null, { headers: wire(headers) }),
    ): number {
      const open = calls.flatMap(({ settle }, index) => (settle ? [index] : []));
      for (const index of open) this.answer(index, index === open[0] ? response : response.clone());
      return open.length;
    },
  };
}

function wire(headers: Announced | Record<string, string>): Record<string, string> {
  if (typeof headers.limit !== 'number') return headers as Record<string, string>;
  return {
    'x-ratelimit-limit': `${headers.limit}`,
    'x-ratelimit-remaining': `${headers.remaining}`,
    'x-ratelimit-reset': `${headers.reset}`,
  };
}

function limited(announced: Announced): Response {
  return new Response(null, { headers: wire(announced) });
}

function refusal(headers: Record<string, string> = {}): Response {
  return new Response(null, { status: 429, headers });
}
