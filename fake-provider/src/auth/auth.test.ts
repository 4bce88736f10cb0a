import { expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import type { ConfigInput } from '../config.ts';
import { createProvider } from '../provider.ts';

it('takes an API key in its header, or where a token would be', async () => {
  const { get } = open({ apiKeys: { key_1: 'acme' } });

  expect((await get({ 'x-api-key': 'key_1' })).status).toBe(200);
  expect((await get({ authorization: 'Bearer key_1' })).status).toBe(200);
  expect((await get({ 'x-api-key': 'key_2' })).status).toBe(401);
  expect((await get({ 'x-api-key': 'constructor' })).status).toBe(401);
});

it('reads API keys from the header it is told to', async () => {
  const { get } = open({ apiKeys: { key_1: 'acme' }, apiKeyHeader: 'DD-API-KEY' });

  expect((await get({ 'dd-api-key': 'key_1' })).status).toBe(200);
  expect((await get({ 'x-api-key': 'key_1' })).status).toBe(401);
});

it('knows whose API key it is', async () => {
  const { get, provider } = open({ apiKeys: { key_1: 'acme', key_2: 'demo-client' } });
  await get({ 'x-api-key': 'key_1' });
  await get({ 'x-api-key': 'key_2' });

  expect(provider.ledger.entries.map(({ client }) => client)).toEqual(['acme', 'demo-client']);
});

it('takes id and secret, or an API key as the id, as HTTP Basic where it is told to', async () => {
  const { get } = open({ clients: { 'o+ne': 'se:cr+et' }, apiKeys: { key_1: 'acme' }, basic: true });
  const basic = (text: string) => get({ authorization: `Basic ${btoa(text)}` });

  expect((await basic('o+ne:se:cr+et')).status).toBe(200);
  expect((await basic('key_1:')).status).toBe(200);
  expect((await basic('o+ne:wrong')).status).toBe(401);
  expect((await basic('o+ne')).status).toBe(401);
  expect((await get({ authorization: 'Basic ???' })).status).toBe(401);
});

it('takes no HTTP Basic otherwise', async () => {
  const response = await open().get({ authorization: `Basic ${btoa('demo-client:demo-secret')}` });

  expect(response.headers.get('www-authenticate')).toBe('Bearer');
});

it('names every scheme that it takes', async () => {
  const response = await open({ basic: true }).get({});

  expect(response.headers.get('www-authenticate')).toBe('Bearer, Basic realm="api"');
});

it('answers 403 where a token lacks the scope that a route demands', async () => {
  const { get, tokenFor } = open({ scopes: { 'GET /items': 'items.read', 'GET /items/:id': 'items.one' } });
  const one = await tokenFor({ scope: 'items.one' });
  const response = await get({ authorization: `Bearer ${one.access_token}` });

  expect(one.scope).toBe('items.one');
  expect(response.status).toBe(403);
  expect(response.headers.get('www-authenticate')).toBe('Bearer error="insufficient_scope", scope="items.read"');
  expect((await response.json()).error).toMatchObject({ code: 'insufficient_scope', field: 'scope' });
  const all = await tokenFor({});
  expect(all.scope).toBe('items.read items.one');
  expect((await get({ authorization: `Bearer ${all.access_token}` })).status).toBe(200);
});

it('gives a client no scope that it may not have, whatever it presents', async () => {
  const { get, tokenFor } = open({
    clients: { 'demo-client': { secret: 'demo-secret', scopes: ['items.one'] } },
    scopes: { 'GET /items': 'items.read', 'GET /items/:id': 'items.one' },
    apiKeys: { key_1: 'demo-client', key_2: 'acme' },
  });

  expect((await tokenFor({ scope: 'items.read' })).error).toBe('invalid_scope');
  expect((await get({ 'x-api-key': 'key_1' })).status).toBe(403);
  expect((await get({ 'x-api-key': 'key_2' })).status).toBe(200);
});

it.each([
  ['stated', 60],
  ['omitted', undefined],
  ['string', '60'],
  ['zero', 0],
  ['negative', -1],
  ['wrong', 600],
] as const)('tells the lifetime of a token as %s, and means a minute', async (expiresIn, told) => {
  const { get, tokenFor, wait } = open({ expiresIn, tokenTtlSeconds: 60 });
  const { access_token, expires_in } = await tokenFor({});
  const headers = { authorization: `Bearer ${access_token}` };

  expect(expires_in).toBe(told);
  wait(59_999);
  expect((await get(headers)).status).toBe(200);
  wait(1);
  expect((await get(headers)).status).toBe(401);
});

it.each([
  [20, 40_000],
  [-20, 80_000],
])('judges tokens by a clock that is %i s ahead', async (clockSkewSeconds, lifetimeMs) => {
  const { get, tokenFor, wait } = open({ clockSkewSeconds, tokenTtlSeconds: 60 });
  const { access_token, expires_in } = await tokenFor({});
  const headers = { authorization: `Bearer ${access_token}` };

  expect(expires_in).toBe(60);
  wait(lifetimeMs - 1);
  expect((await get(headers)).status).toBe(200);
  wait(1);
  expect((await get(headers)).status).toBe(401);
});

it('lives by a clock of its own, in its Date and its resets alike', async () => {
  const clock = manualClock(Date.UTC(2026, 0, 1));
  const limits = [{ kind: 'fixed-window' as const, name: 'day', with: { limit: 1, windowSeconds: 86_400 } }];
  const config = { auth: false as const, dialect: 'github' as const, clockSkewSeconds: -3_600, limits };
  const { headers } = await createProvider(config, { clock }).fetch('https://api.test/items');

  expect(headers.get('date')).toBe('Wed, 31 Dec 2025 23:00:00 GMT');
  expect(headers.get('x-ratelimit-reset')).toBe(`${Date.UTC(2026, 0, 1) / 1_000}`);
});

it.each([
  ['unavailable', { retryAfterSeconds: 2 }, 503],
  ['rate-limited', {}, 429],
] as const)('has a token endpoint that can be %s', async (fault, options, status) => {
  const provider = createProvider({
    faults: [{ fault, on: { route: 'POST /oauth/token', calls: [1] }, with: options } as never],
  });
  const ask = () =>
    provider.fetch('https://api.test/oauth/token', {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', ...CLIENT }),
    });

  expect((await ask()).status).toBe(status);
  expect((await ask()).status).toBe(200);
});

it('keeps a refresh token good where all access tokens are revoked', async () => {
  const { provider, get, tokenFor } = open({ grants: ['refresh_token'], refreshTokens: { ref_0: 'demo-client' } });
  const first = await tokenFor({ grant_type: 'refresh_token', refresh_token: 'ref_0' });
  provider.revokeTokens();

  expect((await get({ authorization: `Bearer ${first.access_token}` })).status).toBe(401);
  const second = await tokenFor({ grant_type: 'refresh_token', refresh_token: first.refresh_token });
  expect((await get({ authorization: `Bearer ${second.access_token}` })).status).toBe(200);
});

it('refuses client credentials to a client that has none', async () => {
  const { tokenFor } = open({ clients: { 'demo-client': {} } });

  expect(await tokenFor({ client_secret: '' })).toMatchObject({ error: 'unauthorized_client' });
});

it('names the grants that it knows', async () => {
  const { tokenFor } = open({ grants: ['refresh_token', 'authorization_code'] });

  expect(await tokenFor({})).toEqual({
    error: 'unsupported_grant_type',
    error_description: 'grant_type must be refresh_token or authorization_code',
  });
});

const CLIENT = { client_id: 'demo-client', client_secret: 'demo-secret' };

function open(auth: Exclude<ConfigInput['auth'], false> = {}) {
  const clock = manualClock();
  const provider = createProvider({ auth }, { clock });
  return {
    provider,
    wait: clock.advance,
    get: (headers: Record<string, string>) => provider.fetch('https://api.test/items', { headers }),
    async tokenFor(fields: Record<string, string>) {
      const body = new URLSearchParams({ grant_type: 'client_credentials', ...CLIENT, ...fields });
      return (await provider.fetch('https://api.test/oauth/token', { method: 'POST', body })).json();
    },
  };
}
