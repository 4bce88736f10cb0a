import { expect, it } from 'vitest';
import type { Call, Reply } from '../call.ts';
import { manualClock } from '../clock.ts';
import type { ConfigInput } from '../config.ts';
import { createProvider } from '../provider.ts';

it('answers 429, names the limit, and says when to come back', () => {
  const { get } = open([window({ limit: 1, windowSeconds: 60 })]);
  get();

  const { status, headers, body } = get();

  expect(status).toBe(429);
  expect(headers).toMatchObject({ 'retry-after': '60', 'x-fake-provider': 'window', 'ratelimit-remaining': '0' });
  expect(JSON.parse(body).error).toEqual({
    code: 'rate_limited',
    message: 'limit window allows 1 requests in 60 s',
  });
});

it('rounds Retry-After up to whole seconds', () => {
  const { get, wait } = open([window({ limit: 1, windowSeconds: 60 })]);
  get();
  wait(58_001);

  expect(get().headers['retry-after']).toBe('2');
});

it('counts each client alone', () => {
  const { get, tokenOf } = open([window({ limit: 1 })]);
  const [one, other] = [tokenOf('one'), tokenOf('other')];

  expect([get(one), get(one), get(other)].map(({ status }) => status)).toEqual([200, 429, 200]);
});

it('counts two tokens of one client together', () => {
  const { get, tokenOf } = open([window({ limit: 1 })]);

  expect([get(tokenOf('one')), get(tokenOf('one'))].map(({ status }) => status)).toEqual([200, 429]);
});

it('counts everyone together where it is told to', () => {
  const { get, tokenOf } = open([{ ...window({ limit: 1 }), per: 'everyone' }]);

  expect([get(tokenOf('one')), get(tokenOf('other'))].map(({ status }) => status)).toEqual([200, 429]);
});

it('applies to the named routes only', () => {
  const { get, send } = open([{ ...window({ limit: 1 }), routes: ['GET /items/:id'] }]);
  const id = JSON.parse(get().body).data[0].id as string;

  expect(get().headers).not.toHaveProperty('ratelimit-limit');
  expect(send({ path: `/items/${id}` }).headers).toHaveProperty('ratelimit-limit');
  expect(send({ path: `/items/${id}` }).status).toBe(429);
  expect(get().status).toBe(200);
});

it('spares the token endpoint, unless it is named', () => {
  const sparing = open([window({ limit: 1 })]);
  expect([sparing.askToken('one'), sparing.askToken('one')].map(({ status }) => status)).toEqual([200, 200]);

  const strict = open([{ ...window({ limit: 1 }), routes: ['POST /oauth/token'] }]);
  expect([strict.askToken('one'), strict.askToken('one')].map(({ status }) => status)).toEqual([200, 429]);
  expect(strict.askToken('other').status).toBe(200);
});

it('says nothing of a limit that is not announced, but enforces it', () => {
  const { get } = open([{ ...window({ limit: 1, windowSeconds: 60 }), announced: false }]);

  expect(Object.keys(get().headers).filter((name) => name.includes('ratelimit'))).toEqual([]);
  const { status, headers } = get();
  expect({ status, retryAfter: headers['retry-after'] }).toEqual({ status: 429, retryAfter: '60' });
  expect(Object.keys(headers).filter((name) => name.includes('ratelimit'))).toEqual([]);
});

it('sends a client away until the last of several spent limits has recovered', () => {
  const { get } = open([
    { ...window({ limit: 1, windowSeconds: 5 }), name: 'short' },
    { ...window({ limit: 1, windowSeconds: 60 }), name: 'long' },
    { kind: 'token-bucket', name: 'bucket', with: { ratePerSecond: 0.1, burst: 1 } },
  ]);
  get();

  expect(get().headers).toMatchObject({ 'retry-after': '60', 'x-fake-provider': 'long' });
});

it('spends none of the others when one denies', () => {
  const { get, wait } = open([
    { ...window({ limit: 1, windowSeconds: 1 }), name: 'short' },
    { ...window({ limit: 2, windowSeconds: 60 }), name: 'long' },
  ]);
  for (let count = 0; count < 5; count += 1) get();
  wait(1_000);

  expect(get().status).toBe(200);
  wait(1_000);
  expect(get().headers).toMatchObject({ 'x-fake-provider': 'long' });
});

it('tells where a client stands in errors too, and counts them', () => {
  const { send } = open([window({ limit: 9 })]);

  expect(send({ path: '/items/nothing' })).toMatchObject({ status: 404, headers: { 'ratelimit-remaining': '8' } });
  expect(send({ query: new URLSearchParams('limit=x') })).toMatchObject({
    status: 400,
    headers: { 'ratelimit-remaining': '7' },
  });
});

it.each([
  ['an unknown path', { path: '/nothing' }],
  ['a method that is not allowed', { method: 'PUT' }],
  ['a preflight', { method: 'OPTIONS' }],
  ['HEAD', { method: 'HEAD' }],
  ['a bad token', { headers: { authorization: 'Bearer nonsense' } }],
])('charges nothing for %s', (_what, call) => {
  const { get, send, tokenOf } = open([{ ...window({ limit: 1 }), per: 'everyone' }]);
  for (let count = 0; count < 3; count += 1) send(call);

  expect(get(tokenOf('one')).status).toBe(200);
});

it('charges what a request of its kind costs', () => {
  const { get } = open([{ ...window({ limit: 7 }), cost: { read: 3 } }]);

  expect([get(), get(), get()].map(({ status, headers }) => [status, headers['ratelimit-remaining']])).toEqual([
    [200, '4'],
    [200, '1'],
    [429, '1'],
  ]);
});

it('still shows HEAD where a client stands when all is spent', () => {
  const { get, send } = open([window({ limit: 1 })]);
  get();

  expect(send({ method: 'HEAD' })).toMatchObject({ status: 200, headers: { 'ratelimit-remaining': '0' } });
});

it('charges nothing for a request that a fault kept from it', () => {
  const { get } = open([window({ limit: 1 })], [{ fault: 'unavailable', on: { route: 'GET /items', calls: [1, 2] } }]);

  expect([get(), get(), get(), get()].map(({ status }) => status)).toEqual([503, 503, 200, 429]);
});

it('counts a refused request only where it is told to', () => {
  const sliding = (countRefused: boolean): Limit => ({
    kind: 'sliding-window',
    name: 'sliding',
    with: { limit: 1, windowSeconds: 10 },
    countRefused,
  });
  const afterNagging = (countRefused: boolean) => {
    const { get, wait } = open([sliding(countRefused)]);
    get();
    wait(9_000);
    const { headers } = get();
    wait(1_000);
    return { retryAfter: headers['retry-after'], status: get().status };
  };

  expect(afterNagging(false)).toEqual({ retryAfter: '1', status: 200 });
  expect(afterNagging(true)).toEqual({ retryAfter: '10', status: 429 });
});

it('locks out a client that exceeded a limit with a penalty', () => {
  const { get, wait } = open([{ kind: 'penalty-box', name: 'box', with: { limit: 1, windowSeconds: 1 } }]);
  get();

  expect(get()).toMatchObject({ status: 429, headers: { 'retry-after': '30', 'ratelimit-remaining': '0' } });
  wait(29_999);
  expect(get()).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
  wait(1);
  expect(get().status).toBe(200);
});

it('shares what it is told to share with others', () => {
  const { get, wait } = open([{ ...window({ limit: 100 }), per: 'everyone', othersPerSecond: 5 }]);
  wait(8_000);

  const remaining = Number(get().headers['ratelimit-remaining']);
  expect(remaining).toBeGreaterThan(50);
  expect(remaining).toBeLessThan(75);
});

type Limit = NonNullable<ConfigInput['limits']>[number];

function window({ limit, windowSeconds = 10 }: { limit: number; windowSeconds?: number }): Limit {
  return { kind: 'fixed-window', name: 'window', with: { limit, windowSeconds } };
}

/** A provider with these limits. Who names no token calls with one of the client `one`. */
function open(limits: Limit[], faults: ConfigInput['faults'] = []) {
  const clock = manualClock();
  const provider = createProvider({ auth: { clients: { one: 'secret', other: 'secret' } }, limits, faults }, { clock });
  let own: string | undefined;

  const handle = (call: Partial<Call>): Reply =>
    provider.handle({
      method: 'GET',
      path: '/items',
      query: NO_QUERY,
      headers: {},
      body: '',
      ip: '127.0.0.1',
      origin: '',
      ...call,
    });
  const askToken = (client: string): Reply =>
    handle({
      method: 'POST',
      path: '/oauth/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `grant_type=client_credentials&client_id=${client}&client_secret=secret`,
    });
  const tokenOf = (client: string): string => JSON.parse(askToken(client).body).access_token;
  const send = (call: Partial<Call>): Reply => {
    own ??= tokenOf('one');
    return handle({ headers: { authorization: `Bearer ${own}` }, ...call });
  };

  return {
    askToken,
    tokenOf,
    send,
    wait: clock.advance,
    get: (token?: string) => send(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
  };
}

const NO_QUERY = new URLSearchParams();
