import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Fetch, type RequestLogOptions, type RequestRecord, requestLog } from './request-log.ts';

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) }));
afterEach(() => void vi.useRealTimers());

const ITEMS = 'https://api.test/items';

it('puts down one record for each attempt', async () => {
  const { fetch, records } = logged(async () => {
    vi.advanceTimersByTime(30);
    return new Response(null, { status: 201 });
  });

  await fetch('https://api.test:8443/items/7?token=secret#part', { method: 'post' });

  expect(records).toEqual([
    {
      sentAt: Date.UTC(2026, 0, 1),
      method: 'POST',
      origin: 'https://api.test:8443',
      path: '/items/7',
      status: 201,
      error: undefined,
      durationMs: 30,
      call: undefined,
      attempt: undefined,
      rateLimit: undefined,
    },
  ]);
});

it('puts down the name of what was thrown, and throws it on as it was', async () => {
  const failure = new TypeError('fetch failed for https://api.test/?token=secret');
  const { fetch, records } = logged(() => Promise.reject(failure));

  await expect(fetch(ITEMS)).rejects.toBe(failure);

  expect(records).toMatchObject([{ status: undefined, error: 'TypeError' }]);
  expect(JSON.stringify(records)).not.toContain('secret');
});

it.each([['a string'], [undefined], [null]])('gets along with %o for an error', async (thrown) => {
  const { fetch, records } = logged(() => Promise.reject(thrown));
  await expect(fetch(ITEMS)).rejects.toBe(thrown);
  expect(records).toMatchObject([{ status: undefined, error: expect.any(String) }]);
});

it('holds no secret of the URL, the headers, the bodies or the error', async () => {
  const secret = 'sk-SECRET';
  const { fetch, records } = logged(async () => new Response(secret, { headers: { 'set-cookie': secret } }));
  const failing = logged(() => Promise.reject(Object.assign(new Error(secret), { cause: secret, secret })));
  const init = { method: 'POST', headers: { authorization: secret }, body: secret };

  await fetch(`https://${secret}:${secret}@api.test/items?key=${secret}#${secret}`, init);
  await failing.fetch(`${ITEMS}?key=${secret}`, init).catch(() => {});

  expect(JSON.stringify([...records, ...failing.records])).not.toContain('SECRET');
});

it.each([
  ['/services/T0001/B0001/Xk3nJp0QmZr8sUv2wYa4bCd6', '/services/T0001/B0001/*'],
  ['/services/T0001/B0001/XkbnJpaQmZrgsUvcwYaqbCdn', '/services/T0001/B0001/*'],
  ['/x/getChatAdministrators/NotificationSettings', '/x/getChatAdministrators/NotificationSettings'],
  ['/x/internationalization/CUSTOMERSUBSCRIPTIONS', '/x/internationalization/CUSTOMERSUBSCRIPTIONS'],
  ['/repos/A-Rather-Long-ORGANISATION-Name', '/repos/A-Rather-Long-ORGANISATION-Name'],
  ['/repos/A-Rather-Long-ORGANISATION-Name-2', '/repos/*'],
  ['/bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/getMe', '/*/getMe'],
  ['/v1/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl', '/v1/*'],
  ['/users/3f2504e0-4f89-41d3-9a0c-0305e82c3301/orders', '/users/3f2504e0-4f89-41d3-9a0c-0305e82c3301/orders'],
  ['/crm/v3/objects/contacts/12345678901234567890', '/crm/v3/objects/contacts/12345678901234567890'],
  ['/repos/a-rather-long-organisation-name/issues', '/repos/a-rather-long-organisation-name/issues'],
])('shows %s as it may be shown', async (path, shown) => {
  const { fetch, records } = logged();
  await fetch(`https://api.test${path}`);
  expect(records[0]!.path).toBe(shown);
});

it('writes a path as it is told', async () => {
  const { fetch, records } = logged(undefined, { path: (url) => url.pathname.replace(/\d+/g, ':id') });
  await fetch('https://api.test/users/7/orders/8');
  expect(records[0]!.path).toBe('/users/:id/orders/:id');
});

it('takes a URL, a Request, and a path alone that is made whole further in', async () => {
  const { fetch, records } = logged();
  await fetch(new URL(ITEMS));
  await fetch(new Request(ITEMS, { method: 'DELETE' }));
  await fetch('/items?token=secret');

  expect(records).toMatchObject([
    { method: 'GET', origin: 'https://api.test', path: '/items' },
    { method: 'DELETE', origin: 'https://api.test', path: '/items' },
    { method: 'GET', origin: 'null', path: '/items' },
  ]);
});

it('makes a path alone whole as a page does, by its <base> where it has one', async () => {
  vi.stubGlobal('location', { href: 'https://app.test/orders/7' });
  const { fetch, records } = logged();

  await fetch('items');
  vi.stubGlobal('document', { baseURI: 'https://api.test/v1/' });
  await fetch('items');

  expect(records).toMatchObject([
    { origin: 'https://app.test', path: '/orders/items' },
    { origin: 'https://api.test', path: '/v1/items' },
  ]);
});

it('puts down what was asked for, though the caller uses its URL and its init for the next request', async () => {
  const { log, fetch, records } = logged(() => Promise.reject(new TypeError('fetch failed')));
  const url = new URL(ITEMS);
  const init: RequestInit = {};

  const calls = ['/1', '/2'].map((path) => {
    url.pathname = path;
    return fetch(url, init).catch(() => {});
  });
  init.signal = AbortSignal.abort();
  await Promise.all(calls);

  expect(records.map(({ path }) => path)).toEqual(['/1', '/2']);
  expect(log.figures().requests).toBe(2);
});

it('has a record, too, of a URL that cannot be read', async () => {
  const { log, records } = logged();
  await log(fetch)('http://[/?token=secret').catch(() => {});
  expect(records).toMatchObject([{ origin: 'null', path: '', error: 'TypeError' }]);
});

it('shows nothing of a data: URL, which is a body, whoever writes the path', async () => {
  for (const options of [{}, { path: (url: URL) => url.pathname }]) {
    const { fetch, records } = logged(undefined, options);
    await fetch('data:text/plain,secret');
    expect(records).toMatchObject([{ origin: 'null', path: '' }]);
  }
});

it('passes request and response through as they are', async () => {
  const response = new Response('body');
  const next = vi.fn<Fetch>(async () => response);
  const init = { method: 'POST', body: 'text' };

  expect(await requestLog({ sink: () => {} })(next)(ITEMS, init)).toBe(response);

  expect(next.mock.calls[0]![0]).toBe(ITEMS);
  expect(next.mock.calls[0]![1]).toBe(init);
  expect(response.bodyUsed).toBe(false);
});

it.each<[string, Partial<RequestLogOptions>]>([
  ['a sink that throws', { sink: thrower }],
  ['a sink that rejects', { sink: async () => thrower() }],
  ['a sink that never ends', { sink: () => new Promise(() => {}) }],
  ['a path that throws', { path: thrower }],
  ['rate limits that throw', { rateLimits: thrower }],
])('lets %s neither break nor delay a request', async (_what, options) => {
  const response = new Response();
  const unhandled = vi.fn();
  process.on('unhandledRejection', unhandled);

  await expect(requestLog({ sink: () => {}, ...options })(async () => response)(ITEMS)).resolves.toBe(response);
  vi.useRealTimers();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', unhandled);

  expect(unhandled).not.toHaveBeenCalled();
});

it('numbers calls and attempts where the outer half stands outside of what retries', async () => {
  const { log, records, next } = logged();
  const call = log.numbered(twice(log(next)));

  await call(ITEMS);
  await call(new Request(ITEMS, { method: 'POST', body: 'text' }), { keepalive: true });

  expect(records.map(({ call, attempt }) => [call, attempt])).toEqual([
    [1, 1],
    [1, 2],
    [2, 1],
    [2, 2],
  ]);
  expect(next.mock.calls[3]![1]).toMatchObject({ keepalive: true });
});

it('numbers what fetch sends where the init is a Request', async () => {
  const { log, records, next } = logged();
  const asked = new Request('https://api.test/old', { method: 'POST', body: 'text', headers: { 'x-mine': '1' } });

  await log.numbered(log(next))(ITEMS, asked);

  const sent = new Request(...next.mock.calls[0]!);
  expect([sent.method, sent.url, sent.headers.get('x-mine')]).toEqual(['POST', ITEMS, '1']);
  expect(await sent.text()).toBe('text');
  expect(records).toMatchObject([{ method: 'POST', path: '/items', call: 1, attempt: 1 }]);
});

it('keeps calls apart that run at once and share their URL, their init and their signal', async () => {
  const { log, records, next } = logged();
  const call = log.numbered(twice(log(next)));
  const init = { signal: new AbortController().signal };

  await Promise.all([call(ITEMS, init), call(ITEMS, init)]);

  expect(records.map(({ call, attempt }) => `${call}.${attempt}`).sort()).toEqual(['1.1', '1.2', '2.1', '2.2']);
  expect(Reflect.ownKeys(init)).toEqual(['signal']);
});

it('keeps its number through policies that copy init and change headers and signal', async () => {
  const { log, records, next } = logged();
  const copying =
    (inner: Fetch): Fetch =>
    (input, init) =>
      inner(input, { ...init, headers: new Headers(init?.headers), signal: AbortSignal.any([]) });

  await log.numbered(twice(copying(log(next))))(ITEMS);

  expect(records.map(({ attempt }) => attempt)).toEqual([1, 2]);
});

it('claims to know no number where nobody can, nor one of another log', async () => {
  const { log, records, next } = logged();
  const other = requestLog();

  await twice(log(next))(ITEMS, { method: 'GET' });
  await other.numbered(log(next))(ITEMS);

  expect(records.map(({ call, attempt }) => [call, attempt])).toEqual(Array(3).fill([undefined, undefined]));
});

it.each([
  [
    { 'x-ratelimit-limit': '5000', 'x-ratelimit-remaining': '4999' },
    { limit: 5_000, remaining: 4_999 },
  ],
  [{ 'ratelimit-remaining': '0' }, { limit: undefined, remaining: 0 }],
  [
    { 'anthropic-ratelimit-requests-limit': '50', 'anthropic-ratelimit-requests-remaining': '7' },
    { limit: 50, remaining: 7 },
  ],
  [
    {
      'x-ratelimit-limit-requests': '100',
      'x-ratelimit-remaining-requests': '90',
      'x-ratelimit-limit-tokens': '1000',
      'x-ratelimit-remaining-tokens': '100',
    },
    { limit: 1_000, remaining: 100 },
  ],
  [
    { 'x-ratelimit-limit': '600', 'x-ratelimit-remaining': '599.0' },
    { limit: 600, remaining: 599 },
  ],
  [
    { 'x-ratelimit-limit': '60, 60', 'x-ratelimit-remaining': '10, 10' },
    { limit: 60, remaining: 10 },
  ],
  [
    { 'x-ratelimit-limit': '60;w=1', 'x-ratelimit-remaining': '-1' },
    { limit: 60, remaining: -1 },
  ],
  [{ 'x-ratelimit-remaining': '2026-01-01' }, undefined],
  [{ 'remaining-limit': '1', 'x-remaining': '1' }, undefined],
  [{ 'x-ratelimit-remaining': 'many', 'x-ratelimit-reset': '7' }, undefined],
  [{}, undefined],
])('reads the rate limit in %o', async (headers, rateLimit) => {
  const { fetch, records } = logged(async () => new Response(null, { headers: headers as Record<string, string> }));
  await fetch(ITEMS);
  expect(records[0]!.rateLimit).toEqual(rateLimit);
});

it('reads a hostile name of 200 kB in linear time', async () => {
  const { fetch } = logged(async () => new Response(null, { headers: { ['limit'.repeat(40_000)]: '1' } }));
  const before = process.threadCpuUsage();

  await fetch(ITEMS);

  // Quadratic, it would take tens of seconds.
  const { user, system } = process.threadCpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(2_000);
});

it('has limits read by whom it is told, and keeps two numbers of them', async () => {
  const limits = [
    { remaining: 9, limit: 10, name: 'secret' },
    { remaining: 1, limit: 10, name: 'secret' },
  ];
  const { fetch, records } = logged(undefined, { rateLimits: () => limits });
  await fetch(ITEMS);
  expect(records[0]!.rateLimit).toStrictEqual({ remaining: 1, limit: 10 });
});

it('takes a limit of unknown size for tight when it is all but spent', async () => {
  const [unknown, known] = [{ remaining: 2 }, { remaining: 9, limit: 10 }];
  const { fetch, records } = logged(undefined, { rateLimits: () => [unknown, known] });
  await fetch(ITEMS);
  expect(records[0]!.rateLimit).toEqual(known);

  unknown.remaining = 0;
  await fetch(ITEMS);
  expect(records[1]!.rateLimit).toEqual({ remaining: 0, limit: undefined });
});

it('takes the shortest window that it may', () => {
  expect(requestLog({ windowMs: 10 }).figures().requests).toBe(0);
});

it.each([
  { sink: 'console' },
  { path: '/' },
  { rateLimits: {} },
  { windowMs: 9 },
  { windowMs: Number.NaN },
  { windowMs: Infinity },
  { windowMs: '60' },
])('refuses %o when the policy is made', (options) => {
  const [[name]] = Object.entries(options) as [[string, unknown]];
  expect(() => requestLog(options as RequestLogOptions)).toThrow(`requestLog: ${name} must be `);
});

function logged(answer: Fetch = async () => new Response(), options: RequestLogOptions = {}) {
  const records: RequestRecord[] = [];
  const next = vi.fn<Fetch>(answer);
  const log = requestLog({ sink: (record) => void records.push(record), ...options });
  return { log, next, fetch: log(next), records };
}

function twice(next: Fetch): Fetch {
  return async (input, init) => {
    await next(input instanceof Request ? input.clone() : input, init);
    return next(input, init);
  };
}

function thrower(): never {
  throw new Error('not the request’s affair');
}
