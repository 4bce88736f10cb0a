import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { type BackoffEvent, type BackoffOptions, backoff, type Fetch } from './backoff.ts';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setTimerTickMode('nextTimerAsync');
});
afterEach(() => void vi.useRealTimers());

const ITEMS = 'https://api.test/items';

it.each([408, 425, 429, 500, 502, 503, 504, 529])('retries a %s', async (status) => {
  const server = script(status, 200);

  expect((await backoff()(server)(ITEMS)).status).toBe(200);
  expect(server).toHaveBeenCalledTimes(2);
});

it.each([200, 204, 301, 304, 400, 401, 403, 404, 409, 410, 422, 501, 505])('returns a %s as it is', async (status) => {
  const server = script(status);

  expect((await backoff()(server)(ITEMS)).status).toBe(status);
  expect(server).toHaveBeenCalledTimes(1);
});

it.each([
  new TypeError('fetch failed'),
  // As Deno tells of a connection that is reset.
  new TypeError('error sending request', { cause: new Error('connection reset') }),
  named('TimeoutError'),
])('retries after %s', async (error) => {
  const server = script(error, 200);

  expect((await backoff()(server)(ITEMS)).status).toBe(200);
});

it.each([
  named('AbortError'),
  named('CircuitOpenError'),
  named('QuotaExhaustedError'),
  named('TokenRequestError'),
  new SyntaxError('not ours'),
  undefined,
])('throws %s as it is, at once', async (error) => {
  const server = script(error, 200);

  await expect(backoff()(server)(ITEMS)).rejects.toBe(error);
  expect(server).toHaveBeenCalledTimes(1);
});

it.each<[string, string, RequestInit?]>([
  ['an invalid URL', 'https://'],
  ['an invalid method', ITEMS, { method: 'GE T' }],
  ['a GET with a body', ITEMS, { body: 'x' }],
  ['an invalid header', ITEMS, { headers: { accept: 'ä€' } }],
])('does not take %s for a network failure', async (_what, url, init) => {
  const server = vi.fn<Fetch>((...call) => fetch(...call));

  await expect(backoff()(server)(url, init)).rejects.toThrow(TypeError);
  expect(server.mock.calls.length).toBeLessThan(2);
});

it.each<[string, string, RequestInit?]>([
  ['a redirect that the caller forbids', '/moved', { redirect: 'error' }],
  ['redirects without end', '/moved'],
  ['a redirect to another scheme', '/astray'],
])('does not take %s for a network failure either', async (_what, path, init) => {
  vi.useRealTimers();
  const origin = await serving((head) => {
    const location = head.includes('/moved') ? '/moved' : 'ftp://api.test';
    return `HTTP/1.1 302 Found\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`;
  });
  const server = vi.fn<Fetch>((...call) => fetch(...call));

  await expect(backoff({ baseMs: 1 })(server)(origin + path, init)).rejects.toThrow('fetch failed');
  expect(server).toHaveBeenCalledTimes(1);
});

it.each(['http://127.0.0.1:6667', 'ftp://api.test', 'file:///items'])('sends nothing twice to %s', async (url) => {
  const server = vi.fn<Fetch>((...call) => fetch(...call));

  await expect(backoff()(server)(url)).rejects.toThrow('fetch failed');
  expect(server).toHaveBeenCalledTimes(1);
});

it.each<[string, string | undefined, string?]>([
  ['is reset', undefined],
  ['is closed', ''],
  ['breaks off', 'HTTP/1.1 200'],
  ['speaks no HTTP', '220 mail\r\n'],
  ['speaks no TLS', '220 mail\r\n', 'https'],
])('retries what the real fetch throws where a connection %s', async (_how, answer, scheme = 'http') => {
  vi.useRealTimers();
  const url = (await serving(() => answer)).replace('http', scheme);
  const server = vi.fn<Fetch>((...call) => fetch(...call));

  await expect(backoff({ attempts: 2, baseMs: 1 })(server)(url)).rejects.toThrow('fetch failed');
  expect(server).toHaveBeenCalledTimes(2);
});

it.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'get'])('replays %s', async (method) => {
  const server = script(503, 200);

  await backoff()(server)(ITEMS, { method });

  expect(server).toHaveBeenCalledTimes(2);
});

it.each(['POST', 'PATCH'])('never replays %s without an Idempotency-Key', async (method) => {
  for (const outcome of [503, 429, new TypeError('fetch failed')]) {
    const server = script(outcome, 200);
    await backoff()(server)(new Request(ITEMS, { method, body: 'x' })).catch(() => {});
    expect(server).toHaveBeenCalledTimes(1);
  }
});

it('replays a POST that carries an Idempotency-Key, in init or in the Request', async () => {
  const headers = { 'idempotency-key': 'k-1' };
  const first = script(503, 200);
  const second = script(503, 200);

  await backoff()(first)(ITEMS, { method: 'POST', headers });
  await backoff()(second)(new Request(ITEMS, { method: 'POST', headers }));

  expect(first).toHaveBeenCalledTimes(2);
  expect(second).toHaveBeenCalledTimes(2);
});

it('takes init.headers for a Request’s headers, as fetch does', async () => {
  const server = script(503, 200);
  const request = new Request(ITEMS, { method: 'POST', headers: { 'idempotency-key': 'k-1' } });

  await backoff()(server)(request, { headers: { accept: '*/*' } });

  expect(server).toHaveBeenCalledTimes(1);
});

it.each<[string, BodyInit]>([
  ['a string', 'body'],
  ['URLSearchParams', new URLSearchParams({ a: 'b' })],
  ['a Blob', new Blob(['body'])],
  ['an ArrayBuffer', new TextEncoder().encode('body').buffer],
  ['a typed array', new TextEncoder().encode('body')],
  ['FormData', new FormData()],
])('sends %s again', async (_what, body) => {
  const server = script(503, 200);

  await backoff()(server)(ITEMS, { method: 'PUT', body });

  expect(server.mock.calls.map(([, init]) => init?.body)).toEqual([body, body]);
});

it.each<[string, BodyInit]>([
  ['a stream', new Blob(['body']).stream()],
  ['an async iterable, as Node takes it', (async function* () {})() as unknown as BodyInit],
])('sends %s once, whatever happens', async (_what, body) => {
  const server = script(503, 200);

  const response = await backoff({ shouldRetry: () => true })(server)(ITEMS, { method: 'PUT', body });

  expect(response.status).toBe(503);
  expect(server).toHaveBeenCalledTimes(1);
});

it('sends the body inside a Request in full on every attempt', async () => {
  const bodies: string[] = [];
  const server = script(503, new TypeError('fetch failed'), 503, 200);
  const reading: Fetch = async (input, init) => {
    bodies.push(await new Request(input, init).text());
    return server(input, init);
  };

  await backoff()(reading)(new Request(ITEMS, { method: 'PUT', body: 'body' }));

  expect(bodies).toEqual(['body', 'body', 'body', 'body']);
});

it('clones a Request only while another attempt is possible', async () => {
  const last = new Request(ITEMS, { method: 'PUT', body: 'body' });
  const server = script(503, 503, 503);
  await backoff({ attempts: 3 })(server)(last);
  expect(server.mock.calls.map(([input]) => input === last)).toEqual([false, false, true]);

  for (const [request, attempts, init] of [
    [new Request(ITEMS, { method: 'PUT', body: 'body' }), 1],
    [new Request(ITEMS, { method: 'POST', body: 'body' }), 4],
    [new Request(ITEMS), 4],
    [new Request(ITEMS, { method: 'PUT', body: 'body' }), 4, { body: 'instead' }],
  ] as const) {
    const single = script(200);
    await backoff({ attempts })(single)(request, init);
    expect(single.mock.calls[0]![0]).toBe(request);
  }
});

it('passes on what the caller passed, untouched', async () => {
  const init = { headers: { accept: 'application/json' } };
  const server = script(503, 200);

  await backoff()(server)(ITEMS, init);

  expect(server.mock.calls).toEqual([
    [ITEMS, init],
    [ITEMS, init],
  ]);
  expect(server.mock.calls[1]![1]).toBe(init);
});

it('asks again for what was asked for, though the URL object is another by then', async () => {
  const url = new URL(`${ITEMS}?page=1`);
  const server = script(503, 200);
  const answer = backoff()(server)(url);

  url.search = '?page=2';
  await answer;

  expect(server.mock.calls.map(([input]) => input)).toEqual([`${ITEMS}?page=1`, `${ITEMS}?page=1`]);
});

it('returns the last response untouched when attempts run out', async () => {
  const server = script(503, 503, 503, 503);

  const response = await backoff()(server)(ITEMS);

  expect(server).toHaveBeenCalledTimes(4);
  expect(response.bodyUsed).toBe(false);
  expect(await response.text()).toBe('answer 4');
});

it('throws the last error as it was when attempts run out', async () => {
  const errors = [1, 2, 3].map((n) => new TypeError(`fetch failed ${n}`));

  await expect(backoff({ attempts: 3 })(script(...errors))(ITEMS)).rejects.toBe(errors[2]);
});

it('cancels the body of every response it drops, and of no other', async () => {
  const cancelled: number[] = [];
  let sent = 0;
  const server: Fetch = async () => {
    const n = ++sent;
    return new Response(new ReadableStream({ cancel: () => void cancelled.push(n) }), { status: 503 });
  };

  await backoff()(server)(ITEMS);

  expect(cancelled).toEqual([1, 2, 3]);
});

it('ends a wait at once when the caller aborts, with the caller’s reason, and leaves nothing behind', async () => {
  const reason = new Error('no longer needed');
  const caller = new AbortController();
  const [added, removed] = [
    vi.spyOn(caller.signal, 'addEventListener'),
    vi.spyOn(caller.signal, 'removeEventListener'),
  ];
  const server = script([503, { 'retry-after': '60' }], 200);
  const startedAt = Date.now();
  setTimeout(() => caller.abort(reason), 1_000);

  await expect(backoff()(server)(ITEMS, { signal: caller.signal })).rejects.toBe(reason);

  expect(Date.now() - startedAt).toBe(1_000);
  expect(server).toHaveBeenCalledTimes(1);
  expect(removed).toHaveBeenCalledTimes(added.mock.calls.length);
  expect(vi.getTimerCount()).toBe(0);
});

it('leaves no listener behind after a wait that ran to its end', async () => {
  const { signal } = new AbortController();
  const [added, removed] = [vi.spyOn(signal, 'addEventListener'), vi.spyOn(signal, 'removeEventListener')];

  await backoff()(script(503, 503, 200))(ITEMS, { signal });

  expect(added).toHaveBeenCalledTimes(2);
  expect(removed).toHaveBeenCalledTimes(2);
});

it('hears the signal inside a Request, unless init detaches it', async () => {
  const caller = new AbortController();
  const request = new Request(ITEMS, { signal: caller.signal });
  setTimeout(() => caller.abort('stop'), 10);

  await expect(backoff({ random: () => 0.9 })(script(503, 200))(request)).rejects.toBe('stop');
  expect((await backoff()(script(503, 200))(request, { signal: null })).status).toBe(200);
});

it('does not retry what ended because the caller’s own time ran out', async () => {
  const signal = AbortSignal.abort(named('TimeoutError'));
  const server = script(signal.reason, 200);
  const onEvent = vi.fn();

  await expect(backoff({ onEvent })(server)(ITEMS, { signal })).rejects.toBe(signal.reason);
  expect(server).toHaveBeenCalledTimes(1);
  expect(onEvent).not.toHaveBeenCalled();
});

it('takes a 403 for a limit only where it says how long to stay away', async () => {
  const limited = script([403, { 'retry-after': '7' }], 200);
  const startMs = Date.now();
  expect((await backoff()(limited)(ITEMS)).status).toBe(200);
  expect(Date.now() - startMs).toBeGreaterThanOrEqual(7_000);

  const forbidden = script([403, { 'retry-after': 'never' }], 200);
  expect((await backoff()(forbidden)(ITEMS)).status).toBe(403);
  expect(forbidden).toHaveBeenCalledTimes(1);
});

it.each(['x-should-retry', 'stripe-should-retry'])('heeds %s: false, and shouldRetry before that', async (name) => {
  const server = script([503, { [name]: 'false' }], [503, { [name]: 'false' }], 200);
  expect((await backoff()(server)(ITEMS)).status).toBe(503);
  expect(server).toHaveBeenCalledTimes(1);

  await backoff({ shouldRetry: ({ response }) => response?.ok === false })(server)(ITEMS);
  expect(server).toHaveBeenCalledTimes(3);
  expect((await backoff()(script([503, { [name]: 'true' }], 200))(ITEMS)).status).toBe(200);
});

it('lets shouldRetry widen and narrow what is retried', async () => {
  const search = script(429, 403, 200);
  const widened = backoff({ shouldRetry: ({ response }) => response?.ok === false });
  await widened(search)(ITEMS, { method: 'POST', body: '{}' });
  expect(search).toHaveBeenCalledTimes(3);

  const seen: boolean[] = [];
  const server = script(500, 503);
  const narrowed = backoff({
    shouldRetry({ response, retryable }) {
      seen.push(retryable);
      return retryable && response?.status !== 503;
    },
  });
  expect((await narrowed(server)(ITEMS)).status).toBe(503);
  expect(seen).toEqual([true, true]);
});

it('tells shouldRetry of a POST what may pass by itself, so that a search can be sent twice', async () => {
  const search = script(503, new TypeError('fetch failed'), 200);
  const widened = backoff({ shouldRetry: ({ transient }) => transient });

  expect((await widened(search)(ITEMS, { method: 'POST', body: '{}' })).status).toBe(200);
  expect((await widened(script(400))(ITEMS, { method: 'POST', body: '{}' })).status).toBe(400);
  expect(search).toHaveBeenCalledTimes(3);
});

it('tells of every retry and of giving up, without query, fragment or message', async () => {
  const events: BackoffEvent[] = [];
  const retrying = backoff({ attempts: 3, random: () => 0.5, onEvent: (event) => events.push(event) });

  const url = 'https://api.test/items?access_token=secret#secret';
  await retrying(script(503, new TypeError('fetch failed: secret'), 429))(url);

  const common = { method: 'GET', url: 'https://api.test/items', retryAt: undefined };
  expect(events).toEqual([
    { type: 'retry', attempt: 1, waitMs: 125, status: 503, error: undefined, ...common },
    { type: 'retry', attempt: 2, waitMs: 250, status: undefined, error: 'TypeError', ...common },
    { type: 'give-up', attempt: 3, reason: 'attempts', status: 429, error: undefined, ...common },
  ]);
});

it.each([
  ['https://user:pass@api.test/items', 'https://api.test/items'],
  ['https:user:p@ss@api.test/items', 'https:api.test/items'],
  ['https:\\\\user:pass@api.test/items', 'https:\\\\api.test/items'],
  ['https://api.test/of/user@api.test', 'https://api.test/of/user@api.test'],
  ['//user:pass@api.test/items', '//api.test/items'],
  ['/items?token=a\n#b', '/items'],
  [new URL('https://api.test/items?token=a'), 'https://api.test/items'],
  [new Request('https://api.test/items?token=a'), 'https://api.test/items'],
])('shows %s in events as %s', async (input, url) => {
  const onEvent = vi.fn();

  await backoff({ onEvent })(script(503, 200))(input);

  expect(onEvent).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ url }));
});

it.each([
  () => {
    throw new Error('observer');
  },
  () => Promise.reject(new Error('observer')),
])('is neither broken nor delayed by its observer', async (onEvent) => {
  expect((await backoff({ onEvent })(script(503, 200))(ITEMS)).status).toBe(200);
});

it('calls fetch unbound', async () => {
  const server: Fetch = async function (this: unknown) {
    expect(this).toBeUndefined();
    return new Response();
  };

  await backoff()(server)(ITEMS);
});

it.each([
  { attempts: 0 },
  { attempts: 1.5 },
  { attempts: '4' },
  { baseMs: 0 },
  { baseMs: NaN },
  { baseMs: '250' },
  { capMs: 2 ** 31 },
  { maxRetryAfterMs: -1 },
  { maxRetryAfterMs: 2 ** 31 },
  { totalMs: 2 ** 31 },
  { totalMs: 0 },
  { budget: { ratio: -0.1 } },
  { budget: { floor: NaN } },
])('refuses %o when the policy is made', (options) => {
  expect(() => backoff(options as BackoffOptions)).toThrow(RangeError);
  expect(() => backoff(options as BackoffOptions)).toThrow(/^backoff: \S+ must be .+, got \S+$/);
});

it.each([{ shouldRetry: 3 }, { random: 'dice' }, { onEvent: {} }])('refuses %o, which is no function', (options) => {
  expect(() => backoff(options as unknown as BackoffOptions)).toThrow(TypeError);
});

/** The origin of a server that writes this and closes, or resets where there is nothing to write. */
async function serving(answer: (head: string) => string | undefined): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (head) => {
      const text = answer(`${head}`);
      if (text === undefined) socket.resetAndDestroy();
      else socket.end(text);
    });
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function named(name: string): Error {
  return Object.assign(new Error(name), { name });
}

/** Answers with these, one after the other: a status, a status with headers, or an error. Then 503 for ever. */
function script(...outcomes: unknown[]) {
  let n = 0;
  return vi.fn<Fetch>(async () => {
    const outcome = n < outcomes.length ? outcomes[n] : 503;
    n += 1;
    const [status, headers] = Array.isArray(outcome) ? outcome : [outcome];
    if (typeof status !== 'number') throw outcome;
    return new Response(status === 204 || status === 304 ? null : `answer ${n}`, { status, headers });
  });
}
