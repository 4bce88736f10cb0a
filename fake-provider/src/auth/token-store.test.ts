import { expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import { createProvider } from '../provider.ts';
import { createTokenStore } from './token-store.ts';

it('takes a token until it expires, to the millisecond', () => {
  const { store, clock } = open();
  const token = store.issue('one', 60, Infinity);

  clock.advance(59_999);
  expect(store.use(token, 1)).toBe('valid');
  clock.advance(1);
  expect(store.use(token, 1)).toBe('expired');
});

it('revokes a token after so many requests', () => {
  const { store } = open();
  const token = store.issue('one', 60, 2);

  expect([1, 2, 3].map(() => store.use(token, 1))).toEqual(['valid', 'valid', 'revoked']);
});

it('revokes all that were issued so far, and none that comes later', () => {
  const { store } = open();
  const before = store.issue('one', 60, Infinity);
  store.revokeAll();

  expect(store.use(before, 1)).toBe('revoked');
  expect(store.use(store.issue('one', 60, Infinity), 1)).toBe('valid');
});

it('knows whose a token was, even after it ended', () => {
  const { store, clock } = open();
  const token = store.issue('one', 60, Infinity);
  clock.advance(60_000);

  expect(store.clientOf(token)).toBe('one');
  expect(store.clientOf('tok_nonsense')).toBeUndefined();
  expect(store.use('tok_nonsense', 1)).toBe('unknown');
});

it('gives no token out twice, and forgets the oldest of very many', () => {
  const { store } = open();
  const tokens = Array.from({ length: 10_001 }, () => store.issue('one', 60, Infinity));

  expect(new Set(tokens).size).toBe(tokens.length);
  expect([tokens[0], tokens[1]].map((token) => store.use(token!, 1))).toEqual(['unknown', 'valid']);
});

it('gives the same tokens for the same seed, and others for another', () => {
  expect(open(1).store.issue('one', 60, 1)).toBe(open(1).store.issue('one', 60, 1));
  expect(open(2).store.issue('one', 60, 1)).not.toBe(open(1).store.issue('one', 60, 1));
});

it.each([
  ['missing', 'missing_token', undefined, 'Bearer'],
  [
    'unknown',
    'invalid_token',
    'tok_nonsense',
    'Bearer error="invalid_token", error_description="the token is unknown"',
  ],
])('answers 401 where the token is %s, with the code %s', async (state, code, token, challenge) => {
  const { list } = world();
  const response = await list(token);

  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toBe(challenge);
  expect((await response.json()).error).toEqual({
    code,
    message: `the access token is ${state}`,
    field: 'authorization',
  });
});

it('answers 401 once the token has expired', async () => {
  const { list, token, clock } = await world().withToken();
  expect((await list(token)).status).toBe(200);
  clock.advance(60_000);

  expect((await list(token)).headers.get('www-authenticate')).toContain('the token is expired');
});

it('answers 401 once the token has served its requests, of which HEAD and OPTIONS are none', async () => {
  const { list, token } = await world({ revokeAfterRequests: 2 }).withToken();
  const methods = ['HEAD', 'GET', 'OPTIONS', 'HEAD', 'GET', 'GET', 'HEAD'];
  const statuses: number[] = [];
  for (const method of methods) statuses.push((await list(token, method)).status);

  expect(statuses).toEqual([200, 200, 204, 200, 200, 401, 401]);
});

it('answers 401 to every token once all are revoked', async () => {
  const { list, token, provider } = await world().withToken();
  provider.revokeTokens();

  expect((await list(token)).headers.get('www-authenticate')).toContain('the token is revoked');
});

it.each(['bearer', 'BEARER', 'Bearer  '])('reads the scheme %j', async (scheme) => {
  const { provider, token } = await world().withToken();
  const headers = { authorization: `${scheme} ${token}` };

  expect((await provider.fetch('https://api.test/items', { headers })).status).toBe(200);
});

it('serves everyone where it asks for no token', async () => {
  const response = await createProvider({ auth: false }).fetch('https://api.test/items');

  expect(response.status).toBe(200);
});

function open(seed = 1) {
  const clock = manualClock();
  return { store: createTokenStore(seed, clock), clock };
}

/** A provider that asks for tokens, which last a minute. */
function world(auth: { revokeAfterRequests?: number } = {}) {
  const clock = manualClock();
  const provider = createProvider({ auth: { tokenTtlSeconds: 60, ...auth } }, { clock });
  const list = (token?: string, method = 'GET') =>
    provider.fetch('https://api.test/items', {
      method,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
  return {
    list,
    async withToken() {
      const response = await provider.fetch('https://api.test/oauth/token', {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: 'demo-client',
          client_secret: 'demo-secret',
        }),
      });
      return { list, provider, clock, token: (await response.json()).access_token as string };
    },
  };
}
