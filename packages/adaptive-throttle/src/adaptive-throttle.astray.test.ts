import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AdaptiveThrottleEvent, adaptiveThrottle, type RateLimit } from './adaptive-throttle.ts';

const url = 'https://api.test/items';
const minute = 60_000;
const hour = 60 * minute;

beforeEach(() => void vi.useFakeTimers({ now: Date.parse('2026-03-01T12:00:00Z') }));
afterEach(() => void vi.useRealTimers());

describe('an answer that tells nothing', () => {
  it.each([
    ['of a gateway', 502, {}],
    ['of what has not changed', 304, {}],
    ['of a cache', 200, { age: '5', 'x-ratelimit-limit': '100', 'x-ratelimit-remaining': '100' }],
  ])('lets no herd into a new window: one %s', async (_what, status, headers) => {
    const provider = fixedWindow(100, minute, ({ windowIndex, indexInWindow }) =>
      windowIndex === 5 && indexInWindow === 0 ? new Response(null, { status, headers }) : undefined,
    );
    const send = adaptiveThrottle()(provider.fetch);
    for (let i = 0; i < 2_000; i++) void send(url);
    await vi.advanceTimersByTimeAsync(5 * minute + 10_000);

    expect(provider.accepted).toBeGreaterThan(480);
    expect(provider.refused).toBe(0);
  });

  it('lets no herd onto a quota that is spent with no reset in sight', async () => {
    let sent = 0;
    const send = adaptiveThrottle()(async () => {
      sent += 1;
      await after(100);
      const used = Math.min(5_000, 4_800 + sent);
      return new Response(
        null,
        sent === 201 ? { status: 502 } : { headers: { 'sforce-limit-info': `api-usage=${used}/5000` } },
      );
    });
    for (let i = 0; i < 200; i++) void send(url);
    await vi.advanceTimersByTimeAsync(3 * minute);
    for (let volley = 0; volley < 2; volley++) {
      for (let i = 0; i < 300; i++) void send(url).catch(() => {});
      await vi.advanceTimersByTimeAsync(1_000);
    }

    expect(sent).toBeGreaterThan(200);
    expect(sent).toBeLessThan(210);
  });
});

it('goes at full speed where some answers tell nothing of a limit without a reset', async () => {
  let sent = 0;
  const send = adaptiveThrottle()(async () => {
    sent += 1;
    const isSilent = sent % 3 === 0;
    await after(100);
    return isSilent ? new Response() : told({ limit: 100_000, remaining: 90_000 });
  });
  const worker = async () => {
    for (;;) await send(url);
  };
  for (let i = 0; i < 50; i++) void worker();
  await vi.advanceTimersByTimeAsync(10_000);

  expect(sent).toBeGreaterThan(4_000);
});

describe('the option read', () => {
  it.each([
    ['never', () => new Promise<undefined>(() => {})],
    ['after 5 s', () => after(5_000)],
  ])('holds back no pause, though it is done %s', async (_when, read) => {
    let sent = 0;
    const send = adaptiveThrottle({ read: read as () => Promise<undefined> })(async () => {
      sent += 1;
      return new Response(null, { status: 429, headers: { 'retry-after': '60' } });
    });
    for (let i = 0; i < 30; i++) void send(url);
    await vi.advanceTimersByTimeAsync(59_000);

    expect(sent).toBe(1);
  });

  it('holds back no limit that the headers announce', async () => {
    const read = () => new Promise<undefined>(() => {});
    const send = adaptiveThrottle({ maxWaitMs: 0, read })(async () =>
      told({ limit: 10, remaining: 0, resetMs: minute }),
    );
    await send(url);

    await expect(send(url)).rejects.toMatchObject({ name: 'QuotaExhaustedError' });
  });

  it.each<[string, unknown]>([
    ['a reset that is no number', { resetMs: Number.NaN }],
    ['a limit that is a bigint', { limit: 10n }],
    ['a remaining that is text', { remaining: '1' }],
  ])('cannot switch off other limits with %s', async (_what, figures) => {
    const read = () => [{ name: 'x', limit: 10, remaining: 5, resetMs: 1_000, ...(figures as object) } as RateLimit];
    const send = adaptiveThrottle({ maxWaitMs: 0, read })(async () =>
      told({ limit: 10, remaining: 0, resetMs: minute }),
    );
    await send(url);

    await expect(send(url)).rejects.toMatchObject({ name: 'QuotaExhaustedError' });
  });
});

describe('answers that never come', () => {
  it('close no key for ever after a refusal', async () => {
    let sent = 0;
    const send = adaptiveThrottle()(async () => {
      sent += 1;
      if (sent === 1) return new Response(null, { status: 429, headers: { 'retry-after': '1' } });
      return sent <= 3 ? new Promise<Response>(() => {}) : new Response();
    });
    for (let i = 0; i < 20; i++) void send(url);
    await vi.advanceTimersByTimeAsync(hour);

    expect(sent).toBe(20);
  });
});

it('takes an answer that comes late for one of the window before', async () => {
  const told = (left: number, seconds: number) =>
    new Response(null, {
      headers: { ratelimit: `"all";r=${left};t=${seconds}`, 'ratelimit-policy': '"all";q=100;w=60' },
    });
  const late = Promise.withResolvers<Response>();
  const answers = [told(50, 2), late.promise, told(99, 60)];
  let sent = 0;
  const send = adaptiveThrottle()(async () => {
    sent += 1;
    return answers[sent - 1] ?? told(99 - sent, 59);
  });
  await send(url);
  void send(url);
  await vi.advanceTimersByTimeAsync(4_000);
  await send(url);
  late.resolve(told(0, 1));
  await vi.advanceTimersByTimeAsync(0);
  void send(url);
  await vi.advanceTimersByTimeAsync(0);

  expect(sent).toBe(4);
});

describe('hours are not slept', () => {
  it('where what is left is too little for one request', async () => {
    vi.setTimerTickMode('nextTimerAsync');
    const resetAt = performance.now() + 10 * hour;
    let remaining = 10_000;
    const send = adaptiveThrottle()(async () => {
      remaining -= 900;
      return told({ of: '-tokens', limit: 10_000, remaining, resetMs: resetAt - performance.now() });
    });
    for (let i = 0; i < 11; i++) await send(url);
    const askedAt = performance.now();
    await send(url);

    expect(performance.now() - askedAt).toBeLessThanOrEqual(minute);
    await expect(send(url)).rejects.toMatchObject({ name: 'QuotaExhaustedError' });
  });

  it('on the guess that all requests are as dear as one was', async () => {
    const resetAt = performance.now() + 24 * hour;
    const lefts = [99_990, 39_990, 39_980];
    const send = adaptiveThrottle()(async () =>
      told({ of: '-tokens', limit: 100_000, remaining: lefts.shift()!, resetMs: resetAt - performance.now() }),
    );
    await send(url);
    await send(url);
    const sent = vi.fn<() => void>();
    void send(url).then(sent);
    await vi.advanceTimersByTimeAsync(minute);

    expect(sent).toHaveBeenCalledOnce();
  });

  it('nor is anybody turned away, where no reset is in sight and too few tokens for one request are left', async () => {
    vi.setTimerTickMode('nextTimerAsync');
    let remaining = 26_000;
    const send = adaptiveThrottle()(async () => {
      remaining -= 9_000;
      return told({ of: '-tokens', limit: 100_000, remaining });
    });
    for (let i = 0; i < 2; i++) await send(url);
    const askedAt = performance.now();
    await send(url);

    expect(performance.now() - askedAt).toBeLessThanOrEqual(1_000);
  });

  it('on the guess that others have taken what is left', async () => {
    let [window, ours, others] = [0, 0, 0];
    const startedAt = performance.now();
    const send = adaptiveThrottle()(async () => {
      const at = performance.now() - startedAt;
      if (Math.floor(at / hour) > window) [window, ours, others] = [Math.floor(at / hour), 0, 0];
      ours += 1;
      return told({ limit: 1_000, remaining: 1_000 - ours - others, resetMs: (window + 1) * hour - at });
    });
    for (let i = 0; i < 59; i++) {
      await send(url);
      others += 12;
      await vi.advanceTimersByTimeAsync(minute);
    }
    await vi.advanceTimersByTimeAsync(2 * minute);
    await send(url);
    others = 850;
    await vi.advanceTimersByTimeAsync(minute);
    await send(url);
    await vi.advanceTimersByTimeAsync(20 * minute);
    const sent = vi.fn<() => void>();
    void send(url).then(sent);
    await vi.advanceTimersByTimeAsync(16 * minute);

    expect(sent).toHaveBeenCalledOnce();
  });

  it('for a Retry-After that no number can hold, which is cut at a year', async () => {
    const send = adaptiveThrottle()(
      async () => new Response(null, { status: 429, headers: { 'retry-after': '9'.repeat(400) } }),
    );
    await send(url);
    const error = await send(url).catch((reason: { resetAt: number }) => reason);

    expect(error).toMatchObject({ name: 'QuotaExhaustedError', resetAt: expect.any(Number) });
  });
});

describe('a 403', () => {
  it.each([
    ['was read', (response: Response) => response.text()],
    ['is being read', (response: Response) => response.body?.getReader()],
  ])('whose body %s on the way breaks nothing', async (_what, use) => {
    const unhandled = vi.fn<(reason: unknown) => void>();
    process.on('unhandledRejection', unhandled);
    const send = adaptiveThrottle()(async () => {
      const response = Response.json({ error: 'forbidden' }, { status: 403 });
      await use(response);
      return response;
    });
    await send(url);
    await send(url);
    vi.useRealTimers();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);

    expect(unhandled).not.toHaveBeenCalled();
  });

  it.each(['storageQuotaExceeded', 'teamDriveFileLimitExceeded', 'numChildrenInNonRootLimitExceeded'])(
    'for %s is no rate limit',
    async (reason) => {
      const onEvent = vi.fn<(event: AdaptiveThrottleEvent) => void>();
      const body = { error: { code: 403, errors: [{ reason }] } };
      await adaptiveThrottle({ onEvent })(async () => Response.json(body, { status: 403 }))(url);
      await vi.advanceTimersByTimeAsync(0);

      expect(onEvent).not.toHaveBeenCalled();
    },
  );

  it.each(['rateLimitExceeded', 'userRateLimitExceeded', 'dailyLimitExceeded', 'quotaExceeded'])(
    'for %s is one',
    async (reason) => {
      const onEvent = vi.fn<(event: AdaptiveThrottleEvent) => void>();
      const body = { error: { code: 403, errors: [{ reason }] } };
      await adaptiveThrottle({ onEvent })(async () => Response.json(body, { status: 403 }))(url);
      await vi.advanceTimersByTimeAsync(0);

      expect(onEvent).toHaveBeenCalledOnce();
    },
  );
});

describe('figures that change', () => {
  it('requests that become dearer are refused for a window or two, not for ever', async () => {
    const limit = 100_000;
    let [cost, left, refused] = [10, limit, 0];
    let windowEndsAt = performance.now() + minute;
    const send = adaptiveThrottle()(async () => {
      if (performance.now() >= windowEndsAt) [left, windowEndsAt] = [limit, windowEndsAt + minute];
      const isRefused = left < cost;
      if (isRefused) refused += 1;
      else left -= cost;
      await after(100);
      const resetMs = windowEndsAt - performance.now();
      return told({ of: '-tokens', limit, remaining: left, resetMs, status: isRefused ? 429 : 200 });
    });
    const worker = async () => {
      for (;;) await send(url);
    };
    for (let i = 0; i < 50; i++) void worker();
    await vi.advanceTimersByTimeAsync(minute);
    cost = 3_000;
    await vi.advanceTimersByTimeAsync(3 * minute);
    refused = 0;
    await vi.advanceTimersByTimeAsync(3 * minute);

    expect(refused).toBe(0);
  });

  it('a fixed window is no bucket, though requests were lost that it never counted', async () => {
    let sent = 0;
    const provider = fixedWindow(20, minute, undefined, 800);
    const send = adaptiveThrottle()(async (input) => {
      sent += 1;
      if (sent <= 3 || sent > 8) return provider.fetch(input);
      await after(10);
      throw new TypeError('fetch failed');
    });
    for (let i = 0; i < 100; i++) send(url).catch(() => {});
    await vi.advanceTimersByTimeAsync(59_000);

    expect(provider.refused).toBe(0);
    expect(provider.accepted).toBe(20);
  });

  it('quota-low is told once, though what is left goes to and fro', async () => {
    const onEvent = vi.fn<(event: AdaptiveThrottleEvent) => void>();
    let sent = 0;
    const send = adaptiveThrottle({ onEvent })(async () => {
      sent += 1;
      return new Response(null, { headers: { 'sforce-limit-info': `api-usage=${sent % 2 ? 3_999 : 4_001}/5000` } });
    });
    for (let i = 0; i < 40; i++) await send(url);

    expect(onEvent.mock.calls.filter(([{ type }]) => type === 'quota-low')).toHaveLength(1);
  });

  it('of names without end the newest hundred are kept', async () => {
    vi.setTimerTickMode('nextTimerAsync');
    let [sent, inFlight, most] = [0, 0, 0];
    const send = adaptiveThrottle()(async () => {
      sent += 1;
      inFlight += 1;
      most = Math.max(most, inFlight);
      const headers = {
        'x-ratelimit-bucket': `${sent}`,
        'x-ratelimit-limit': '1000',
        'x-ratelimit-remaining': sent === 1 ? '2' : '900',
        'x-ratelimit-reset-after': '3600',
      };
      await after(100);
      inFlight -= 1;
      return new Response(null, { headers });
    });
    await send(url);
    for (let i = 0; i < 30; i++) await Promise.all([send(url), send(url), send(url)]);
    expect(most).toBe(2);
    await Promise.all(Array.from({ length: 50 }, () => send(url)));

    expect(most).toBeGreaterThan(2);
  });

  it('of names without end the one that every answer tells of is kept', async () => {
    const resetAt = performance.now() + 10 * minute;
    let [sent, refused] = [0, 0];
    const send = adaptiveThrottle()(async () => {
      sent += 1;
      const index = sent;
      if (index > 110) refused += 1;
      await after(50);
      const seconds = Math.ceil((resetAt - performance.now()) / 1_000);
      const ratelimit = `"all";r=${Math.max(0, 110 - index)};t=${seconds}, "item-${index}";r=99;t=${seconds}`;
      return new Response(null, { status: index > 110 ? 429 : 200, headers: { ratelimit } });
    });
    for (let i = 0; i < 200; i++) void send(url);
    await vi.advanceTimersByTimeAsync(9 * minute);

    expect(sent).toBeGreaterThan(100);
    expect(refused).toBe(0);
  });

  it('short windows of many names do not make it go one by one', async () => {
    let sent = 0;
    const send = adaptiveThrottle()(async () => {
      sent += 1;
      const headers = {
        'x-ratelimit-bucket': `${sent % 10}`,
        'x-ratelimit-limit': '50',
        'x-ratelimit-remaining': '8',
      };
      await after(100);
      return new Response(null, { headers: { ...headers, 'x-ratelimit-reset-after': '0.05' } });
    });
    const all = Promise.all(Array.from({ length: 200 }, () => send(url)));
    await vi.advanceTimersByTimeAsync(5_000);

    expect(sent).toBe(200);
    await all;
  });

  it('a window of no length is none', async () => {
    const headers = { ratelimit: '"all";r=0;t=60', 'ratelimit-policy': '"all";q=5;w=0' };
    const send = adaptiveThrottle({ maxWaitMs: 0 })(async () => new Response(null, { headers }));
    await send(url);

    await expect(send(url)).rejects.toMatchObject({ name: 'QuotaExhaustedError' });
  });
});

describe('an answer from a cache', () => {
  const cached = { age: '30', 'x-ratelimit-limit': '100', 'x-ratelimit-remaining': '3' };

  it('spends no quota', async () => {
    let sent = 0;
    const send = adaptiveThrottle({ maxWaitMs: 0 })(async () => {
      sent += 1;
      return sent === 1 ? told({ limit: 100, remaining: 50, resetMs: hour }) : new Response(null, { headers: cached });
    });
    for (let i = 0; i < 80; i++) await send(url);

    expect(sent).toBe(80);
  });

  it('is not shown to `read`, whose limits would be of another time', async () => {
    const read = vi.fn(() => []);
    const send = adaptiveThrottle({ read })(async () => new Response(null, { headers: cached }));
    await send(url);

    expect(read).not.toHaveBeenCalled();
  });

  it('is heeded where it refuses', async () => {
    const events: AdaptiveThrottleEvent[] = [];
    const send = adaptiveThrottle({ onEvent: (event) => events.push(event) })(
      async () => new Response(null, { status: 429, headers: { age: '30', 'retry-after': '5' } }),
    );
    await send(url);

    expect(events).toMatchObject([{ type: 'paused', status: 429 }]);
  });
});

interface Report {
  readonly of?: '-tokens';
  readonly limit: number;
  readonly remaining: number;
  readonly resetMs?: number;
  readonly status?: number;
}

function told({ of, limit, remaining, resetMs, status = 200 }: Report): Response {
  const headers: Record<string, string> = {
    [`x-ratelimit-limit${of ?? ''}`]: `${limit}`,
    [`x-ratelimit-remaining${of ?? ''}`]: `${remaining}`,
  };
  const seconds = (resetMs ?? 0) / 1_000;
  if (resetMs !== undefined) headers[`x-ratelimit-reset${of ?? ''}`] = seconds.toFixed(3) + (of ? 's' : '');
  return new Response(null, { status, headers });
}

/** Tells of its window in the IETF's words; `instead` may answer otherwise, and is not counted. */
function fixedWindow(
  limit: number,
  windowMs: number,
  instead: (place: { windowIndex: number; indexInWindow: number }) => Response | undefined = () => undefined,
  answersAfterMs = 200,
) {
  const startedAt = performance.now();
  let [window, asked, left] = [0, 0, limit];
  const provider = {
    accepted: 0,
    refused: 0,
    async fetch(_input: unknown) {
      const at = performance.now() - startedAt;
      if (Math.floor(at / windowMs) > window) [window, asked, left] = [Math.floor(at / windowMs), 0, limit];
      const other = instead({ windowIndex: window, indexInWindow: asked });
      asked += 1;
      const isRefused = left === 0;
      if (!other && isRefused) provider.refused += 1;
      else if (!other) provider.accepted += 1;
      if (!other && !isRefused) left -= 1;
      const headers = {
        ratelimit: `"all";r=${left};t=${Math.ceil(((window + 1) * windowMs - at) / 1_000)}`,
        'ratelimit-policy': `"all";q=${limit};w=${windowMs / 1_000}`,
      };
      await after(answersAfterMs);
      return other ?? new Response(null, { status: isRefused ? 429 : 200, headers });
    },
  };
  return provider;
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
