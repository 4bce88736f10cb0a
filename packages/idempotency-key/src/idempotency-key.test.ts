import { inspect } from 'node:util';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { type Fetch, type IdempotencyKeyOptions, idempotencyKey } from './idempotency-key.ts';

const ORDERS = 'https://api.test/orders';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

it.each(['POST', 'PATCH', 'post'])('gives each %s a key of its own, a random UUID', async (method) => {
  const { send, keys } = keyed();

  await send(ORDERS, { method });
  await send(ORDERS, { method });

  expect(keys()).toEqual([expect.stringMatching(UUID), expect.stringMatching(UUID)]);
  expect(keys()[0]).not.toBe(keys()[1]);
});

it.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])('gives a %s none, and passes it on as it came', async (method) => {
  const { send, next } = keyed();
  const init = { method };

  await send(ORDERS, init);

  expect(next.mock.calls[0]).toEqual([ORDERS, { method }]);
  expect(next.mock.calls[0]![1]).toBe(init);
});

it.each([
  ['init.headers', ORDERS, { method: 'POST', headers: { 'IDEMPOTENCY-KEY': 'mine' } }],
  ['a list of headers', ORDERS, { method: 'POST', headers: [['idempotency-key', 'mine']] as [string, string][] }],
  ['a Request', new Request(ORDERS, { method: 'POST', headers: { 'idempotency-key': 'mine' } }), undefined],
])("leaves the caller's own key in %s as it is", async (_where, input, init) => {
  const makeKey = vi.fn(() => 'another');
  const { send, next } = keyed({ key: makeKey });

  await send(input, init);

  expect(next.mock.calls[0]![0]).toBe(input);
  expect(next.mock.calls[0]![1]).toEqual(init && { method: 'POST', headers: new Headers(init.headers) });
  expect(makeKey).not.toHaveBeenCalled();
});

it('makes a key where init.headers replaces the headers that held one', async () => {
  const { send, keys } = keyed();

  await send(new Request(ORDERS, { method: 'POST', headers: { 'idempotency-key': 'mine' } }), { headers: {} });

  expect(keys()).toEqual([expect.stringMatching(UUID)]);
});

it("passes on what the caller passed, and only the header on top of the platform's", async () => {
  const { send, next } = keyed({ key: () => 'k' });
  const headers = { accept: 'text/plain' };
  const request = new Request(ORDERS, { method: 'POST', body: 'text', headers, referrerPolicy: 'no-referrer' });
  const mark = Symbol('mark');
  const init = { keepalive: true, [mark]: 1 };

  await send(request, init);

  const [input, passed] = next.mock.calls[0]!;
  expect(input).toBe(request);
  const { referrer, referrerPolicy } = request;
  expect(passed).toEqual({ ...init, headers: expect.any(Headers), referrer, referrerPolicy });
  expect([...(passed!.headers as Headers)]).toEqual([
    ['accept', 'text/plain'],
    ['content-type', 'text/plain;charset=UTF-8'],
    ['idempotency-key', 'k'],
  ]);
  expect(init).toEqual({ keepalive: true, [mark]: 1 });
  expect(request.headers.has('idempotency-key')).toBe(false);
  const sent = new Request(input, passed);
  expect([sent.referrerPolicy, await sent.text()]).toEqual(['no-referrer', 'text']);
});

it('puts the key into another header, where the provider has its own', async () => {
  const { send, next } = keyed({ header: 'X-Request-Key' });

  await send(ORDERS, { method: 'POST' });

  expect([...(next.mock.calls[0]![1]!.headers as Headers).keys()]).toEqual(['x-request-key']);
});

it('tells key what is to be sent, and waits for it', async () => {
  const makeKey = vi.fn(async ({ headers }: { headers: Headers }) => {
    headers.set('x-mine', 'lost');
    return 'order-7';
  });
  const { send, next, keys } = keyed({ key: makeKey });

  await send(`${ORDERS}?draft=1`, { method: 'post', body: '{}', headers: { a: 'b' } });

  expect(makeKey).toHaveBeenCalledExactlyOnceWith({
    url: new URL(`${ORDERS}?draft=1`),
    method: 'POST',
    headers: expect.any(Headers),
    body: '{}',
  });
  expect(keys()).toEqual(['order-7']);
  expect((next.mock.calls[0]![1]!.headers as Headers).has('x-mine')).toBe(false);
});

it('sends under each key the request that it was made for, whatever becomes of its URL and its init', async () => {
  const { send, next, keys } = keyed({ key: async ({ url, body }) => `${url.pathname} ${body}` });
  const url = new URL(ORDERS);
  const init: RequestInit = { method: 'POST' };

  await Promise.all(
    ['1', '2'].map((order) => {
      url.pathname = order;
      init.body = order;
      return send(url, init);
    }),
  );

  expect(next.mock.calls.map(([input, passed]) => `${input} ${passed!.body}`)).toEqual([
    'https://api.test/1 1',
    'https://api.test/2 2',
  ]);
  expect(keys()).toEqual(['/1 1', '/2 2']);
});

it.each([
  ['its key, and all of it,', {}, ['k', '1']],
  ["the caller's own key, and all of it,", { 'idempotency-key': 'mine' }, ['mine', '1']],
])('gives %s to a Request that is the init', async (_which, headers, sentHeaders) => {
  const { send, next } = keyed({ key: () => 'k' });
  const old = new Request('https://api.test/old', {
    method: 'POST',
    body: 'text',
    headers: { 'x-mine': '1', ...headers },
  });

  await send(ORDERS, old);

  const sent = new Request(...next.mock.calls[0]!);
  expect([sent.method, sent.url, await sent.text()]).toEqual(['POST', ORDERS, 'text']);
  expect(['idempotency-key', 'x-mine'].map((name) => sent.headers.get(name))).toEqual(sentHeaders);
});

it.each([
  ['GET', {}],
  ['POST', {}],
  ['POST', { 'idempotency-key': 'mine' }],
])('passes on all headers of a %s that come from an iterator, with %o among them', async (method, headers) => {
  const { send, next } = keyed({ key: () => 'mine' });
  const entries = new Map(Object.entries({ 'x-mine': '1', ...headers })).entries();

  await send(ORDERS, { method, headers: entries as unknown as Headers });

  const sent = Object.fromEntries(new Headers(next.mock.calls[0]![1]!.headers));
  expect(sent).toEqual({ 'x-mine': '1', ...(method === 'POST' && { 'idempotency-key': 'mine' }) });
});

it('takes a path alone, and tells key where a page or its <base> would lead it, if there is one', async () => {
  const makeKey = vi.fn(({ url }: { url: URL }) => url.href);
  const { send, next } = keyed({ key: makeKey });

  await send('orders?draft=1', { method: 'POST' });
  vi.stubGlobal('location', { href: 'https://app.test/page/7' });
  await send('orders', { method: 'POST' });
  vi.stubGlobal('document', { baseURI: 'https://api.test/v1/' });
  await send('orders', { method: 'POST' });

  expect(makeKey.mock.results.map(({ value }) => value)).toEqual([
    'relative:/orders?draft=1',
    'https://app.test/page/orders',
    'https://api.test/v1/orders',
  ]);
  expect(next.mock.calls.map(([input]) => input)).toEqual(['orders?draft=1', 'orders', 'orders']);
});

it('makes no key for a URL that cannot be read, and says nothing of its query', async () => {
  const makeKey = vi.fn(() => 'k');
  const { send, next } = keyed({ key: makeKey });

  const error = await send('http://[/?key=secret', { method: 'POST' }).catch((thrown) => thrown);

  expect(error).toEqual(new TypeError('idempotencyKey: input must be a URL, got one that cannot be read'));
  expect(inspect(error)).not.toContain('secret');
  expect(makeKey).not.toHaveBeenCalled();
  expect(next).not.toHaveBeenCalled();
});

it('waits for a key no longer than the caller does, and leaves no listener behind', async () => {
  const controller = new AbortController();
  const added = vi.spyOn(controller.signal, 'addEventListener');
  const removed = vi.spyOn(controller.signal, 'removeEventListener');
  const { promise, resolve } = Promise.withResolvers<string>();
  const { send, next } = keyed({ key: () => promise });
  const call = send(ORDERS, { method: 'POST', signal: controller.signal });

  controller.abort('changed my mind');
  await expect(call).rejects.toBe('changed my mind');
  resolve('too late');
  await vi.waitFor(() => expect(removed).toHaveBeenCalledTimes(added.mock.calls.length));

  expect(added).toHaveBeenCalled();
  expect(next).not.toHaveBeenCalled();
});

it('makes no key for a call that is aborted already', async () => {
  const makeKey = vi.fn(() => 'k');
  const call = keyed({ key: makeKey }).send(ORDERS, { method: 'POST', signal: AbortSignal.abort('gone') });

  await expect(call).rejects.toBe('gone');
  expect(makeKey).not.toHaveBeenCalled();
});

it.each(['', ' k', 'k ', 'clé', 'a\nb', 'x'.repeat(256), undefined, 7])(
  'sends nothing under the key %j',
  async (key) => {
    const { send, next } = keyed({ key: () => key as string });

    await expect(send(ORDERS, { method: 'POST' })).rejects.toThrow(
      /^idempotencyKey: key must return 1 to 255 printable ASCII characters, got /,
    );
    expect(next).not.toHaveBeenCalled();
  },
);

it.each(['k', '"a key"', 'x'.repeat(255)])('takes %.9j for a key', async (key) => {
  const { send, keys } = keyed({ key: () => key });
  await send(ORDERS, { method: 'POST' });
  expect(keys()).toEqual([key]);
});

it('passes on what key throws, and what the network throws, as it is', async () => {
  const failure = new Error('no such order');
  const offline = new TypeError('fetch failed');
  const { send } = keyed({ key: () => Promise.reject(failure) });

  await expect(send(ORDERS, { method: 'POST' })).rejects.toBe(failure);
  await expect(idempotencyKey()(() => Promise.reject(offline))(ORDERS, { method: 'POST' })).rejects.toBe(offline);
});

it.each([
  { header: '' },
  { header: 'two words' },
  { header: 7 },
  { key: 'order-7' },
  { maxKeys: 0 },
  { maxKeys: 1.5 },
  { maxKeys: Number.NaN },
])('refuses %o when the policy is made', (options) => {
  const [[name]] = Object.entries(options) as [[string, unknown]];
  expect(() => idempotencyKey(options as IdempotencyKeyOptions)).toThrow(`idempotencyKey: ${name} must be `);
});

it('makes as many keys as there are calls without remembering any', () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.string(), { minLength: 2, maxLength: 20 }), async (bodies) => {
      const { send, keys } = keyed({ maxKeys: 1 });
      await Promise.all(bodies.map((body) => send(ORDERS, { method: 'POST', body })));
      expect(new Set(keys()).size).toBe(bodies.length);
    }),
    { numRuns: 20 },
  ));

function keyed(options?: IdempotencyKeyOptions) {
  const next = vi.fn<Fetch>(async () => new Response());
  const keys = () => next.mock.calls.map(([, init]) => (init!.headers as Headers).get('idempotency-key'));
  return { next, send: idempotencyKey(options)(next), keys };
}
