import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import {
  type CircuitBreakerOptions,
  type CircuitEvent,
  CircuitOpenError,
  circuitBreaker,
  type Fetch,
} from './circuit-breaker.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ORIGIN = 'https://api.test';

it('opens when the share of failures is reached, not before', async () => {
  const { call, breaker } = client({ minimumCalls: 4 });

  await call(200, 200, 200, 500, 500);
  expect(breaker.state(ORIGIN)).toBe('closed');
  await call(500);
  expect(breaker.state(ORIGIN)).toBe('open');
});

it('opens on a failure, never on a success', async () => {
  const { call, breaker } = client({ minimumCalls: 4 });

  await call(500, 500, 500, 200);
  expect(breaker.state(ORIGIN)).toBe('closed');
  await call(500);
  expect(breaker.state(ORIGIN)).toBe('open');
});

it('stays closed below minimumCalls, however bad they are', async () => {
  const { call, breaker } = client({ minimumCalls: 10 });

  await call(...Array(9).fill(500));

  expect(breaker.state(ORIGIN)).toBe('closed');
});

it('goes by a clock that does not jump', async () => {
  const { call, breaker } = client({ minimumCalls: 2 });

  await call(500);
  vi.setSystemTime(Date.now() + 86_400_000);
  await call(500);
  vi.setSystemTime(Date.now() + 86_400_000);

  expect(breaker.state(ORIGIN)).toBe('open');
});

it('forgets failures that have left the window, even if nothing happened meanwhile', async () => {
  const { call, breaker } = client({ minimumCalls: 4, windowMs: 10_000 });

  await call(...Array(10).fill(200));
  vi.advanceTimersByTime(2_000);
  await call(500, 500, 500, 500);
  vi.advanceTimersByTime(3_600_000);
  await call(500);

  expect(breaker.state(ORIGIN)).toBe('closed');
});

it('counts calls for at least nine tenths of the window and never for longer', async () => {
  for (const [laterMs, state] of [
    [9_000, 'open'],
    [10_000, 'closed'],
  ] as const) {
    const { call, breaker } = client({ minimumCalls: 2, windowMs: 10_000 });
    await call(500);
    vi.advanceTimersByTime(laterMs);
    await call(500);
    expect(breaker.state(ORIGIN)).toBe(state);
  }
});

it('slides: old calls leave one after the other, not all at once', async () => {
  const { call, breaker } = client({ minimumCalls: 3, windowMs: 10_000 });

  await call(500);
  vi.advanceTimersByTime(6_000);
  await call(500);
  vi.advanceTimersByTime(6_000);
  await call(500);
  expect(breaker.state(ORIGIN)).toBe('closed');
  await call(500);
  expect(breaker.state(ORIGIN)).toBe('open');
});

it('keeps a window of constant size, whatever the number of calls', async () => {
  const { call, breaker } = client({ windowMs: 1_000 });

  for (let n = 0; n < 2_000; n += 1) {
    await call(200);
    vi.advanceTimersByTime(7);
  }

  expect(breaker.save()[0]!.window.length).toBeLessThanOrEqual(11);
});

it('while open rejects at once and sends nothing', async () => {
  const { call, next, wrapped } = client({ minimumCalls: 1 });
  await call(500);
  vi.advanceTimersByTime(400);
  next.mockClear();

  const error = await wrapped(`${ORIGIN}/items?access_token=secret`).catch((reason) => reason);

  expect(error).toBeInstanceOf(CircuitOpenError);
  expect(error).toMatchObject({ name: 'CircuitOpenError', key: ORIGIN, retryAfterMs: 600 });
  expect(error.message).toBe('The circuit of https://api.test is open, ask again in 600 ms');
  expect(next).not.toHaveBeenCalled();
});

it('rounds retryAfterMs up, so that who waits so long is not too early', async () => {
  const { call, wrapped } = client({ minimumCalls: 1, openMs: 1_000.5 });
  await call(500);

  await expect(wrapped(ORIGIN)).rejects.toMatchObject({ retryAfterMs: 1_001 });
});

it.each([
  ['in seconds', { 'retry-after': '90' }],
  ['as a date', { 'retry-after': 'Sun, 01 Mar 2026 12:01:30 GMT', date: 'Sun, 01 Mar 2026 12:00:00 GMT' }],
  ['twice', { 'retry-after': '90, 10' }],
  ['in the old form', { 'retry-after': 'Sun Mar  1 12:01:30 2026', date: 'Sun, 01 Mar 2026 12:00:00 GMT' }],
  ['as an old date', { 'retry-after': 'Sunday, 01-Mar-26 12:01:30 GMT', date: 'Sun, 01 Mar 2026 12:00:00 GMT' }],
])('stays open as long as Retry-After asked %s, if that is longer than openMs', async (_how, headers) => {
  const { call, breaker } = client({ minimumCalls: 1 });

  await call([503, headers]);
  vi.advanceTimersByTime(89_999);
  expect(breaker.state(ORIGIN)).toBe('open');
  vi.advanceTimersByTime(1);
  expect(breaker.state(ORIGIN)).toBe('half-open');
});

it.each(['1', 'Sun, 06 Nov 1994 08:49:37 GMT', 'junk'])('is not open shorter for Retry-After: %s', async (asked) => {
  const { call, breaker } = client({ minimumCalls: 1, openMs: 5_000 });

  await call([503, { 'retry-after': asked }]);
  vi.advanceTimersByTime(4_999);

  expect(breaker.state(ORIGIN)).toBe('open');
});

it.each(['back in 2035', 'Infinity', '0x7fff', 'May 2035'])('is not open longer for junk: %s', async (asked) => {
  const { call, breaker } = client({ minimumCalls: 1, openMs: 5_000 });

  await call([503, { 'retry-after': asked }]);
  vi.advanceTimersByTime(5_000);

  expect(breaker.state(ORIGIN)).toBe('half-open');
});

it('counts no call whose signal had ended before it was made', async () => {
  const { next, wrapped, breaker } = client({ minimumCalls: 1 });
  const late = AbortSignal.abort(new DOMException('too late', 'TimeoutError'));
  next.mockRejectedValue(late.reason);

  await expect(wrapped(ORIGIN, { signal: late })).rejects.toBe(late.reason);

  expect(breaker.state(ORIGIN)).toBe('closed');
});

it('stays open no longer than maxOpenMs, whatever Retry-After says', async () => {
  const { call, breaker } = client({ minimumCalls: 1 });

  await call([503, { 'retry-after': '86400' }]);
  vi.advanceTimersByTime(600_000);

  expect(breaker.state(ORIGIN)).toBe('half-open');
});

it('backs off over repeated trips, no further than four times as long, and starts afresh once it has closed', async () => {
  const { call, events } = client({ minimumCalls: 1, openMs: 1_000 });

  for (const status of [500, 500, 500, 500, 500, 200, 500]) {
    await call(status);
    vi.advanceTimersByTime(5_000);
  }

  const opened = events.filter((event) => event.type === 'open').map(({ openMs, trips }) => [openMs, trips]);
  expect(opened).toEqual([
    [1_000, 1],
    [2_000, 2],
    [4_000, 3],
    [4_000, 4],
    [4_000, 5],
    [1_000, 1],
  ]);
});

it('tells of every change of state', async () => {
  const { call, events } = client({ minimumCalls: 1 });

  await call(500);
  vi.advanceTimersByTime(1_000);
  await call(500);
  vi.advanceTimersByTime(2_000);
  await call(200);

  expect(events).toEqual([
    { type: 'open', key: ORIGIN, openMs: 1_000, trips: 1 },
    { type: 'half-open', key: ORIGIN },
    { type: 'open', key: ORIGIN, openMs: 2_000, trips: 2 },
    { type: 'half-open', key: ORIGIN },
    { type: 'closed', key: ORIGIN },
  ]);
});

it.each([
  () => {
    throw new Error('observer');
  },
  () => Promise.reject(new Error('observer')),
])('is neither broken nor delayed by its observer', async (onEvent) => {
  const breaker = circuitBreaker({ minimumCalls: 1, onEvent });

  const response = await breaker(async () => new Response(null, { status: 500 }))(ORIGIN);

  expect(response.status).toBe(500);
  expect(breaker.state(ORIGIN)).toBe('open');
});

it('keeps a circuit per origin, or per key', async () => {
  const byOrigin = client({ minimumCalls: 1 });
  await byOrigin.call(500);
  expect((await byOrigin.wrapped('https://other.test/')).status).toBe(200);

  const breaker = circuitBreaker({ minimumCalls: 1, key: ({ url, method }) => `${method} ${url.pathname}` });
  const failing = breaker(async () => new Response(null, { status: 500 }));
  await failing(new Request(`${ORIGIN}/items?page=1`, { method: 'put', body: 'x' }));
  expect(breaker.state('PUT /items')).toBe('open');
  expect((await failing(`${ORIGIN}/items`)).status).toBe(500);
});

it("knows a request's origin, whichever the one before had", async () => {
  const hosts = [
    'api.test',
    'api.test:8443',
    'api.test:443',
    'api.test.other',
    'api.test@other.test',
    'API.test',
    '[::1]',
  ];
  const urls = hosts.flatMap((host) => [
    `https://${host}`,
    `https://${host}/`,
    ` https://${host}\\`,
    `http://${host}/`,
  ]);
  const requests = [...urls, 'app://api.test/', new URL(ORIGIN), new Request(ORIGIN)];
  const originOf = (request: string | URL | Request) =>
    new URL(request instanceof Request ? request.url : request).origin;

  for (const before of requests) {
    for (const request of requests) {
      const breaker = circuitBreaker();
      const wrapped = breaker(async () => new Response());
      await wrapped(before);
      await wrapped(request);
      expect(new Set(breaker.save().map(({ key }) => key))).toEqual(new Set([before, request].map(originOf)));
    }
  }
});

it('asks the option key each time, even one that answers with an origin', async () => {
  const { wrapped, breaker } = client({ key: ({ url }) => (url.pathname === '/' ? url.origin : url.pathname) });

  await wrapped(`${ORIGIN}/`);
  await wrapped(`${ORIGIN}/items`);

  expect(breaker.save().map(({ key }) => key)).toEqual([ORIGIN, '/items']);
});

it('takes no origin that cannot be named for the beginning of a URL', async () => {
  const { wrapped } = client();

  await wrapped('app://api.test/');

  await expect(wrapped('null/items')).rejects.toThrow('Invalid URL');
});

it('keeps the 1,000 circuits last used', async () => {
  const breaker = circuitBreaker({ minimumCalls: 1, key: ({ url }) => url.pathname });
  const failing = breaker(async () => new Response(null, { status: 500 }));

  for (let n = 0; n < 1_000; n += 1) await failing(`${ORIGIN}/${n}`);
  await failing(`${ORIGIN}/0`).catch(() => {});
  await failing(`${ORIGIN}/1000`);

  expect(breaker.save()).toHaveLength(1_000);
  expect(['/0', '/1', '/2', '/1000'].map((key) => breaker.state(key))).toEqual(['open', 'closed', 'open', 'open']);
});

it('shares its circuits among all fetches it wraps, and with no other breaker', async () => {
  const breaker = circuitBreaker({ minimumCalls: 1 });
  await breaker(async () => new Response(null, { status: 500 }))(ORIGIN);

  await expect(breaker(async () => new Response())(ORIGIN)).rejects.toThrow(CircuitOpenError);
  expect(circuitBreaker().state(ORIGIN)).toBe('closed');
});

it('passes the call and its outcome on untouched', async () => {
  const response = new Response('body', { status: 503 });
  const init = { headers: { accept: '*/*' } };
  const next = vi.fn<Fetch>(async function (this: unknown) {
    expect(this).toBeUndefined();
    return response;
  });

  expect(await circuitBreaker({ isFailure: ({ failed }) => failed })(next)(ORIGIN, init)).toBe(response);
  expect(next.mock.calls[0]![1]).toBe(init);
  expect(response.bodyUsed).toBe(false);
});

it('sets no timers', async () => {
  const { call } = client({ minimumCalls: 1 });

  await call(500, 500);

  expect(vi.getTimerCount()).toBe(0);
});

it.each([
  { failureRatio: 0 },
  { failureRatio: 1.1 },
  { failureRatio: '0.5' },
  { windowMs: 0 },
  { minimumCalls: 0 },
  { openMs: NaN },
  { openMs: 600_001 },
  { maxOpenMs: 999 },
  { maxOpenMs: Infinity },
  { halfOpenCalls: 0 },
])('refuses %o when the policy is made', (options) => {
  expect(() => circuitBreaker(options as CircuitBreakerOptions)).toThrow(RangeError);
  expect(() => circuitBreaker(options as CircuitBreakerOptions)).toThrow(/^circuitBreaker: \w+ must be .+, got \S+$/);
});

it.each([{ isFailure: 1 }, { key: 'origin' }, { onEvent: {} }])('refuses %o, which is no function', (options) => {
  expect(() => circuitBreaker(options as unknown as CircuitBreakerOptions)).toThrow(TypeError);
});

/** A breaker over a service whose answers are given in advance. */
function client(options: CircuitBreakerOptions = {}) {
  const events: CircuitEvent[] = [];
  const breaker = circuitBreaker({ onEvent: (event) => void events.push(event), ...options });
  const next = vi.fn<Fetch>(async () => new Response());
  const wrapped = breaker(next);

  async function call(...outcomes: unknown[]): Promise<void> {
    for (const outcome of outcomes) {
      const [status, headers] = Array.isArray(outcome) ? outcome : [outcome];
      next.mockImplementationOnce(async () => {
        if (typeof status !== 'number') throw status;
        return new Response(null, { status, headers });
      });
      await wrapped(ORIGIN).catch(() => {});
      next.mockReset().mockImplementation(async () => new Response());
    }
  }

  return { breaker, wrapped, next, events, call };
}
