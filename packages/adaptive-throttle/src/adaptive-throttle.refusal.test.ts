import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type AdaptiveThrottleEvent,
  type AdaptiveThrottleOptions,
  adaptiveThrottle,
  type Fetch,
} from './adaptive-throttle.ts';

const url = 'https://api.test/items';

beforeEach(() => void vi.useFakeTimers({ now: Date.parse('2026-03-01T12:00:00Z') }));
afterEach(() => void vi.useRealTimers());

describe('a refusal', () => {
  it.each([
    ['in seconds', { 'retry-after': '30' }],
    ['in decimals', { 'retry-after': '30.0' }],
    ['as a date', { 'retry-after': 'Sun, 01 Mar 2026 12:00:30 GMT', date: 'Sun, 01 Mar 2026 12:00:00 GMT' }],
    ['in milliseconds', { 'retry-after-ms': '30000' }],
  ])('pauses everybody until Retry-After, never earlier (%s)', async (_form, headers) => {
    const { server, send } = await warmedUp({ limit: 1_000, remaining: 900, reset: 600 });
    for (let i = 0; i < 5; i++) void send(url);
    await vi.advanceTimersByTimeAsync(0);
    const before = server.calls.length;

    server.answer(before - 1, new Response(null, { status: 429, headers }));
    await vi.advanceTimersByTimeAsync(0);
    server.answerAll();
    for (let i = 0; i < 20; i++) void send(url);
    await vi.advanceTimersByTimeAsync(29_999);
    expect(server.calls).toHaveLength(before);

    await vi.advanceTimersByTimeAsync(3_001);
    expect(server.calls.length).toBeGreaterThan(before);
  });

  it.each([503, 529])('of status %i with a Retry-After pauses as well', async (status) => {
    const { server, send } = await warmedUp({});
    void send(url);
    await vi.advanceTimersByTimeAsync(0);
    server.answerAll({}, new Response(null, { status, headers: { 'retry-after': '10' } }));
    await vi.advanceTimersByTimeAsync(0);
    void send(url);

    await vi.advanceTimersByTimeAsync(9_999);

    expect(server.open).toBe(0);
  });

  it('starts up again with one, then two, not as a herd', async () => {
    const { server, send } = await warmedUp({});
    for (let i = 0; i < 400; i++) void send(url);
    for (let i = 0; i < 2; i++) {
      await vi.advanceTimersByTimeAsync(10);
      server.answerAll();
    }
    await vi.advanceTimersByTimeAsync(10);
    server.answerAll({}, refusal({ 'retry-after': '5', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '5' }));
    await vi.advanceTimersByTimeAsync(6_600);

    const volleys: number[] = [];
    for (let i = 0; i < 3; i++) {
      volleys.push(server.answerAll({ limit: 1_000, remaining: 900, reset: 3_600 }));
      await vi.advanceTimersByTimeAsync(10);
    }

    expect(volleys).toEqual([1, 2, 4]);
  });

  it('halves how many go at once, if nothing announced explains it, and then adds one by one', async () => {
    const { server, send } = await warmedUp({});
    for (let i = 0; i < 400; i++) void send(url);
    await vi.advanceTimersByTimeAsync(0);
    const together = server.answerAll({}, refusal());
    await vi.advanceTimersByTimeAsync(1_000);

    const volleys: number[] = [];
    for (let i = 0; i < 8; i++) {
      await vi.advanceTimersByTimeAsync(900);
      volleys.push(server.answerAll());
    }

    expect(together).toBeGreaterThan(30);
    const half = volleys.findIndex((count) => count >= together / 2);
    expect(volleys.slice(0, 4)).toEqual([1, 2, 4, 8]);
    expect(volleys[half + 1]! - volleys[half]!).toBeLessThanOrEqual(2);
  });

  it('comes back a little later than asked, by chance, so that processes spread', async () => {
    const resumeAts: number[] = [];
    for (const random of [() => 0, () => 1]) {
      const { server, send, events } = await warmedUp({}, { random });
      void send(url);
      await vi.advanceTimersByTimeAsync(0);
      const now = Date.now();
      server.answerAll({}, refusal({ 'retry-after': '10' }));
      await vi.advanceTimersByTimeAsync(0);
      for (const event of events) if (event.type === 'paused') resumeAts.push(event.resumeAt - now);
    }

    expect(resumeAts).toEqual([10_000, 11_000]);
  });

  it('without a hint pauses for a second, then twice as long each time', async () => {
    const { server, send, events } = await warmedUp({}, { random: () => 0 });
    const pauses: number[] = [];
    for (let i = 0; i < 4; i++) {
      void send(url);
      while (server.open === 0) await vi.advanceTimersByTimeAsync(100);
      const now = Date.now();
      server.answerAll({}, refusal());
      await vi.advanceTimersByTimeAsync(0);
      const last = events.at(-1);
      if (last?.type === 'paused') pauses.push(last.resumeAt - now);
    }

    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000]);
  });

  it('without a hint pauses until the announced reset', async () => {
    const { server, send } = await warmedUp({});
    void send(url);
    await vi.advanceTimersByTimeAsync(0);
    server.answerAll(
      {},
      refusal({ 'x-ratelimit-limit': '10', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '40' }),
    );
    await vi.advanceTimersByTimeAsync(0);
    void send(url);

    await vi.advanceTimersByTimeAsync(39_999);
    expect(server.open).toBe(0);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(server.open).toBe(1);
  });

  it('comes back at Retry-After where the reset is that of a whole bucket', async () => {
    const { server, send } = await warmedUp({});
    void send(url);
    await vi.advanceTimersByTimeAsync(0);
    server.answerAll(
      {},
      refusal({ 'retry-after': '2', 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '6m0s' }),
    );
    await vi.advanceTimersByTimeAsync(0);
    void send(url);
    await vi.advanceTimersByTimeAsync(4_000);

    expect(server.open).toBe(1);
  });

  it("is recognised in the body of a 403, which stays the caller's to read", async () => {
    const body = {
      message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
    };
    const { server, send, events } = await warmedUp({}, { random: () => 0 });
    const answer = send(url);
    await vi.advanceTimersByTimeAsync(0);
    const now = Date.now();
    server.answerAll({}, Response.json(body, { status: 403 }));

    expect(await (await answer).json()).toEqual(body);
    await vi.advanceTimersByTimeAsync(0);
    expect(events).toContainEqual({ type: 'paused', key: 'https://api.test', status: 403, resumeAt: now + 60_000 });
  });

  it.each([
    ['Google', { error: { errors: [{ domain: 'usageLimits', reason: 'userRateLimitExceeded' }], code: 403 } }],
    ['Salesforce', [{ message: 'ConcurrentRequests Limit exceeded.', errorCode: 'REQUEST_LIMIT_EXCEEDED' }]],
  ])('is recognised in a 403 of %s', async (_platform, body) => {
    const { server, send, events } = await warmedUp({});
    void send(url);
    await vi.advanceTimersByTimeAsync(0);
    server.answerAll({}, Response.json(body, { status: 403 }));
    await vi.advanceTimersByTimeAsync(0);

    expect(events).toMatchObject([{ type: 'paused', status: 403 }]);
  });

  it.each([
    ['a plain one', () => Response.json({ message: 'Resource not accessible by integration' }, { status: 403 })],
    ['one that is not JSON', () => new Response('secondary rate limit', { status: 403 })],
    [
      'one that breaks off',
      () => new Response(brokenBody(), { status: 403, headers: { 'content-type': 'application/json' } }),
    ],
  ])('is not seen in other 403s: %s', async (_what, response) => {
    const { server, send, events } = await warmedUp({});
    void send(url).catch(() => {});
    await vi.advanceTimersByTimeAsync(0);
    server.answerAll({}, response());
    await vi.advanceTimersByTimeAsync(0);

    expect(events).toEqual([]);
  });

  it('reads no more than the beginning of an endless 403', async () => {
    let pulled = 0;
    const endless = new ReadableStream({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new TextEncoder().encode('x'.repeat(4_096)));
      },
    });
    const { server, send } = await warmedUp({});
    const answer = send(url);
    await vi.advanceTimersByTimeAsync(0);
    server.answerAll({}, new Response(endless, { status: 403, headers: { 'content-type': 'application/json' } }));
    await (await answer).body?.cancel();
    await vi.advanceTimersByTimeAsync(0);

    expect(pulled).toBeLessThan(10);
    void send(url);
    await vi.advanceTimersByTimeAsync(0);
    expect(server.open).toBe(1);
  });
});

describe('where no header speaks', () => {
  it('learns the rate: close to it, and rarely over it', async () => {
    // 20 a second in a bucket of 20, as many APIs have it and few say.
    const outcome = await unannounced({ perSecond: 20, burst: 20, seconds: 200 });

    expect(outcome.accepted / (20 * 200)).toBeGreaterThan(0.75);
    expect(outcome.refused / outcome.accepted).toBeLessThan(0.02);
  });

  it('learns how many there may be at once', async () => {
    const outcome = await unannounced({ concurrency: 5, latencyMs: 200, seconds: 200 });

    expect(outcome.accepted / (25 * 200)).toBeGreaterThan(0.5);
    expect(outcome.refused / outcome.accepted).toBeLessThan(0.02);
  });

  it('finds out that a limit has been raised', async () => {
    const outcome = await unannounced({ perSecond: 10, burst: 10, laterPerSecond: 100, seconds: 120 });

    // 200 in the first 20 seconds, and then far more than the 1,000 it would have been.
    expect(outcome.accepted).toBeGreaterThan(5_000);
  });

  it('takes requests refused together for one refusal', async () => {
    const alone = await unannounced({ seconds: 25, refuseOnce: 1 });
    const together = await unannounced({ seconds: 25, refuseOnce: 16 });

    expect(together.accepted / alone.accepted).toBeGreaterThan(0.8);
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

function refusal(headers: Record<string, string> = {}): Response {
  return new Response(null, { status: 429, headers });
}

function brokenBody(): ReadableStream {
  return new ReadableStream({ start: (controller) => controller.error(new Error('reset')) });
}

interface Unannounced {
  readonly perSecond?: number;
  readonly burst?: number;
  /** After twenty seconds. */
  readonly laterPerSecond?: number;
  readonly concurrency?: number;
  readonly latencyMs?: number;
  readonly seconds: number;
  /** Refuses this many requests, after ten seconds, and nothing else. */
  readonly refuseOnce?: number;
}

/** Fifty workers against a server that never says what it allows. */
async function unannounced({
  perSecond = Infinity,
  burst = Infinity,
  laterPerSecond = perSecond,
  concurrency = Infinity,
  latencyMs = 50,
  seconds,
  refuseOnce = 0,
}: Unannounced) {
  const startedAt = performance.now();
  let tokens = burst;
  let filledAt = startedAt;
  let inFlight = 0;
  let accepted = 0;
  let refused = 0;
  let toRefuse = refuseOnce;

  const send = adaptiveThrottle({ random: () => 0.5 })(async () => {
    const now = performance.now();
    if (burst < Infinity)
      tokens = Math.min(
        burst,
        tokens + ((now - filledAt) * (now - startedAt > 20_000 ? laterPerSecond : perSecond)) / 1_000,
      );
    filledAt = now;
    const isRefused = tokens < 1 || inFlight >= concurrency || (toRefuse > 0 && now - startedAt > 10_000);
    if (isRefused) {
      refused += 1;
      toRefuse -= 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
      return refusal();
    }
    tokens -= 1;
    inFlight += 1;
    await new Promise((resolve) => setTimeout(resolve, latencyMs));
    inFlight -= 1;
    accepted += 1;
    return new Response();
  });
  let isOver = false;
  for (let i = 0; i < 50; i++) {
    void (async () => {
      while (!isOver) await send(url);
    })();
  }
  await vi.advanceTimersByTimeAsync(seconds * 1_000);
  isOver = true;
  return { accepted, refused };
}
