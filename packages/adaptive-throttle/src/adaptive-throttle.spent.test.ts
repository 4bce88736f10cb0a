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

describe('pace', () => {
  it('goes at full speed while more than a fifth is left', async () => {
    const { server, send } = await warmedUp({ limit: 5_000, remaining: 4_900, reset: 3_600 });
    const before = server.calls.length;
    for (let i = 0; i < 300; i++) void send(url);

    for (let i = 0; i < 12; i++) {
      await vi.advanceTimersByTimeAsync(10);
      server.answerAll({ limit: 5_000, remaining: 4_500, reset: 3_600 });
    }

    expect(server.calls.length - before).toBe(300);
  });

  it('then spreads what is left over the time until the reset', async () => {
    const { server, send } = await warmedUp({ limit: 100, remaining: 9, reset: 100 });
    const before = server.calls.length;
    for (let i = 0; i < 20; i++) void send(url);

    const starts: number[] = [];
    for (let second = 1; second < 99; second++) {
      await vi.advanceTimersByTimeAsync(1_000);
      const fresh = server.calls.length - before - starts.length;
      for (let i = 0; i < fresh; i++) starts.push(second);
      server.answerAll({ limit: 100, remaining: 9 - starts.length, reset: 100 - second });
    }

    expect(starts).toHaveLength(9);
    const gaps = starts.slice(1).map((at, i) => at - starts[i]!);
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(8);
  });

  it('learns what a request costs where tokens are counted', async () => {
    vi.setTimerTickMode('nextTimerAsync');
    let left = 10_000;
    let requests = 0;
    const resetAt = performance.now() + 60_000;
    const send = adaptiveThrottle()(async () => {
      left -= 500;
      requests += 1;
      if (left < 0) throw new Error('over the limit');
      return new Response(null, {
        headers: {
          'x-ratelimit-limit-tokens': '10000',
          'x-ratelimit-remaining-tokens': `${left}`,
          'x-ratelimit-reset-tokens': `${((resetAt - performance.now()) / 1_000).toFixed(3)}s`,
        },
      });
    });

    for (let i = 0; i < 19; i++) await send(url);

    expect(requests).toBe(19);
    // The last fifth, four requests, took most of the minute.
    expect(resetAt - performance.now()).toBeLessThan(30_000);
  });
});

it('does not sleep for hours on a bucket that takes a day to fill, while others empty it', async () => {
  vi.setTimerTickMode('nextTimerAsync');
  let missing = 0;
  const send = adaptiveThrottle()(async () => {
    missing += 30;
    const headers = {
      'ratelimit-policy': '"day";q=1000;w=86400',
      ratelimit: `"day";r=${1_000 - missing};t=${(missing * 86.4).toFixed(0)}`,
    };
    return new Response(null, { headers });
  });
  const startedAt = performance.now();
  for (let i = 0; i < 20; i++) await send(url);

  expect(performance.now() - startedAt).toBeLessThan(3_600_000);
});

describe('a quota that is spent for longer than maxWaitMs', () => {
  it('rejects at once with the time of its reset', async () => {
    const { send, events } = await warmedUp({ limit: 1_000, remaining: 0, reset: 40_000 });
    const failed = send(`${url}?token=secret`);

    await expect(failed).rejects.toMatchObject({ name: 'QuotaExhaustedError' });
    const error: unknown = await failed.catch((reason) => reason);
    const { resetAt, message } = error as { resetAt: number; message: string };
    expect(Math.abs(resetAt - Date.now() - 40_000_000)).toBeLessThan(2_000);
    expect(message).not.toContain('secret');
    expect(JSON.stringify(events)).not.toContain('secret');
  });

  it('turns away those who wait already', async () => {
    const { server, send } = await warmedUp({ limit: 1_000, remaining: 900, reset: 86_400 }, { maxWaitMs: 5_000 });
    const before = server.calls.length;
    const all = Array.from({ length: 100 }, () => send(url));
    await vi.advanceTimersByTimeAsync(0);
    server.answerAll({}, refusal({ 'retry-after': '3600' }));
    const outcomes = await Promise.allSettled(all);

    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(100 - server.calls.length + before);
  });

  it('waits for a reset that is nearer', async () => {
    const { server, send } = await warmedUp({ limit: 1_000, remaining: 0, reset: 800 });
    void send(url);

    await vi.advanceTimersByTimeAsync(798_000);
    expect(server.open).toBe(0);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(server.open).toBe(1);
  });

  it('with no reset in sight rejects too, and lets one probe a minute through', async () => {
    const { server, send } = await warmedUp({ 'sforce-limit-info': 'api-usage=5000/5000' });
    await expect(send(url)).rejects.toMatchObject({ name: 'QuotaExhaustedError', resetAt: undefined });

    await vi.advanceTimersByTimeAsync(59_000);
    await expect(send(url)).rejects.toMatchObject({ name: 'QuotaExhaustedError' });
    await vi.advanceTimersByTimeAsync(1_000);
    void send(url);
    await expect(send(url)).rejects.toMatchObject({ name: 'QuotaExhaustedError' });

    expect(server.open).toBe(1);
  });

  it('warns once at 80 %', async () => {
    const { server, send, events } = await warmedUp({ limit: 100, remaining: 25, reset: 80_000 });
    for (const remaining of [21, 20, 19, 18]) {
      void send(url);
      await vi.advanceTimersByTimeAsync(900_000);
      server.answerAll({ limit: 100, remaining, reset: 70_000 });
      await vi.advanceTimersByTimeAsync(0);
    }

    expect(events.filter(({ type }) => type === 'quota-low')).toMatchObject([{ limit: { remaining: 20, limit: 100 } }]);
  });

  it('does not warn of a short one', async () => {
    const { server, send, events } = await warmedUp({ limit: 100, remaining: 50, reset: 60 });
    void send(url);
    await vi.advanceTimersByTimeAsync(0);
    server.answerAll({ limit: 100, remaining: 1, reset: 60 });
    await vi.advanceTimersByTimeAsync(0);

    expect(events).toEqual([]);
  });

  it('does not sleep for hours on its last few requests', async () => {
    const { server, send } = await warmedUp({ limit: 1_000, remaining: 2, reset: 80_000 });
    void send(url);
    await vi.advanceTimersByTimeAsync(1_000);

    expect(server.open).toBe(1);
  });

  it('waits in steps where the wait is longer than a timer can be', async () => {
    const { server, send } = await warmedUp({}, { maxWaitMs: Infinity });
    void send(url);
    await vi.advanceTimersByTimeAsync(0);
    server.answerAll({}, refusal({ 'retry-after': `${30 * 86_400}` }));
    await vi.advanceTimersByTimeAsync(0);
    void send(url);
    await vi.advanceTimersByTimeAsync(29 * 86_400_000);
    expect(server.open).toBe(0);

    await vi.advanceTimersByTimeAsync(5 * 86_400_000);
    expect(server.open).toBe(1);
  });

  it('survives a reset beyond all calendars', async () => {
    const { server, send } = await warmedUp({});
    void send(url);
    await vi.advanceTimersByTimeAsync(0);
    server.answerAll({}, refusal({ 'retry-after': '9'.repeat(30) }));
    await vi.advanceTimersByTimeAsync(0);

    await expect(send(url)).rejects.toMatchObject({ name: 'QuotaExhaustedError', resetAt: expect.any(Number) });
  });
});

describe('limits that end', () => {
  it('narrows down a reset in whole seconds by every answer', async () => {
    const { server, send } = await warmedUp({ limit: 100, remaining: 40, reset: 60 });
    void send(url);
    await vi.advanceTimersByTimeAsync(400);
    // Rounded up from 59.1: alone it would mean anything from 59.4 to 61.4 s, together with the first 61 s at most.
    server.answerAll({ limit: 100, remaining: 0, reset: 60 });
    await vi.advanceTimersByTimeAsync(0);
    void send(url);
    await vi.advanceTimersByTimeAsync(60_599);
    expect(server.open).toBe(0);

    await vi.advanceTimersByTimeAsync(2);
    expect(server.open).toBe(1);
  });

  it('knows that a window which has begun is over after its own length', async () => {
    const { server, send } = await warmedUp({ 'ratelimit-policy': '"p";q=100;w=1', ratelimit: '"p";r=0;t=1' });
    void send(url);

    await vi.advanceTimersByTimeAsync(999);
    expect(server.open).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(server.open).toBe(1);
  });

  it('forgets one that is over and no longer announced, and begins anew with one request', async () => {
    const { server, send } = await warmedUp({ limit: 10, remaining: 0, reset: 5 });
    for (let i = 0; i < 20; i++) void send(url);
    await vi.advanceTimersByTimeAsync(6_500);
    const volleys: number[] = [];
    for (let i = 0; i < 4; i++) {
      volleys.push(server.answerAll());
      await vi.advanceTimersByTimeAsync(10);
    }

    expect(volleys).toEqual([1, 1, 2, 4]);
  });

  it('asks with one request after a reset, before it trusts the new window', async () => {
    const { server, send } = await warmedUp({ limit: 100, remaining: 0, reset: 5 });
    for (let i = 0; i < 20; i++) void send(url);

    await vi.advanceTimersByTimeAsync(6_500);

    expect(server.open).toBe(1);
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
