import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type CircuitBreakerOptions, circuitBreaker, type Fetch } from './circuit-breaker.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ORIGIN = 'https://api.test';

it.each([500, 501, 502, 503, 504, 529, new TypeError('fetch failed'), named('TimeoutError')])(
  'counts %s as a failure',
  async (outcome) => {
    const { call, breaker } = client({ minimumCalls: 1 });
    await call(outcome);
    expect(breaker.state(ORIGIN)).toBe('open');
  },
);

it.each([200, 304, 400, 401, 404, 408])('counts %s as a success', async (status) => {
  const { call, breaker } = client({ minimumCalls: 3 });

  await call(500, status, status, 500);
  expect(breaker.state(ORIGIN)).toBe('open');
});

it.each([
  429,
  named('AbortError'),
  named('CircuitOpenError'),
  named('QuotaExhaustedError'),
  named('TokenRequestError'),
  new SyntaxError('not the service'),
  undefined,
])('counts %s neither as a failure nor as a success', async (neutral) => {
  const { call, breaker } = client({ minimumCalls: 2, failureRatio: 1 });

  await call(500, neutral, neutral, 500);

  expect(breaker.state(ORIGIN)).toBe('open');
  expect(client({ minimumCalls: 1 }).breaker.state(ORIGIN)).toBe('closed');
});

it.each([429, named('QuotaExhaustedError')])('is not opened by %s', async (neutral) => {
  const { call, breaker } = client({ minimumCalls: 1 });

  await call(...Array(20).fill(neutral));

  expect(breaker.state(ORIGIN)).toBe('closed');
});

it('does not take misuse for a failing network', async () => {
  const breaker = circuitBreaker({ minimumCalls: 1 });

  await expect(breaker(fetch)(ORIGIN, { method: 'GE T' })).rejects.toThrow(TypeError);
  await expect(breaker(fetch)(ORIGIN, { body: 'a GET has none' })).rejects.toThrow(TypeError);

  expect(breaker.state(ORIGIN)).toBe('closed');
});

it('takes a stream that could not be sent for a failing network all the same', async () => {
  const breaker = circuitBreaker({ minimumCalls: 1 });
  const sending: Fetch = async (_input, init) => {
    await (init!.body as ReadableStream).cancel();
    throw new TypeError('fetch failed');
  };

  const init = { method: 'POST', body: new Blob(['x']).stream(), duplex: 'half' } as RequestInit;
  await breaker(sending)(ORIGIN, init).catch(() => {});

  expect(breaker.state(ORIGIN)).toBe('open');
});

it('is neutral about the caller’s abort, whatever the reason, and passes the reason on', async () => {
  const { breaker, send } = client({ minimumCalls: 1, isFailure: () => true });
  for (const reason of [named('AbortError'), new TypeError('mine'), 'enough']) {
    const caller = new AbortController();
    const pending = expect(send({ signal: caller.signal }).answer).rejects.toBe(reason);
    caller.abort(reason);
    await pending;
  }

  expect(breaker.state(ORIGIN)).toBe('closed');
});

it('counts a deadline of the caller’s that passed as a failure: the service was too slow for it', async () => {
  const { breaker, send } = client({ minimumCalls: 1 });
  const caller = new AbortController();

  const pending = expect(send({ signal: caller.signal }).answer).rejects.toThrow('TimeoutError');
  caller.abort(named('TimeoutError'));
  await pending;

  expect(breaker.state(ORIGIN)).toBe('open');
});

it('lets isFailure decide, slow calls included', async () => {
  const seen: unknown[] = [];
  const { breaker, send } = client({
    minimumCalls: 2,
    failureRatio: 1,
    isFailure({ durationMs, failed, response }) {
      seen.push([failed, durationMs]);
      return response?.status === 404 ? undefined : failed || durationMs > 5_000;
    },
  });

  vi.advanceTimersByTime(1_000);
  for (const [status, durationMs] of [
    [200, 5_001],
    [404, 5_001],
    [200, 6_000],
  ] as const) {
    const { respond, answer } = send();
    vi.advanceTimersByTime(durationMs);
    respond(status);
    await answer;
  }

  expect(seen).toEqual([
    [false, 5_001],
    [false, 5_001],
    [false, 6_000],
  ]);
  expect(breaker.state(ORIGIN)).toBe('open');
});

/** A breaker over a service whose answers are given in advance (`call`) or later (`send`). */
function client(options: CircuitBreakerOptions) {
  const breaker = circuitBreaker(options);

  function send(init: RequestInit = {}) {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    init.signal?.addEventListener('abort', () => reject(init.signal!.reason));
    const answer = breaker(() => promise)(ORIGIN, init);
    return { answer, respond: (status: number) => resolve(new Response(null, { status })) };
  }

  async function call(...outcomes: unknown[]): Promise<void> {
    for (const outcome of outcomes) {
      const service: Fetch = async () => {
        if (typeof outcome !== 'number') throw outcome;
        return new Response(null, { status: outcome });
      };
      await breaker(service)(ORIGIN).catch(() => {});
    }
  }

  return { breaker, call, send };
}

function named(name: string): Error {
  return Object.assign(new Error(name), { name });
}
