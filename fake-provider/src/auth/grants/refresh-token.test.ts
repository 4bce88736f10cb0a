import { expect, it } from 'vitest';
import { manualClock } from '../../clock.ts';
import type { ConfigInput } from '../../config.ts';
import { createProvider } from '../../provider.ts';

it('rotates strictly: a new refresh token for each, and the old one is spent', async () => {
  const { refresh, list } = open({ rotation: 'strict' });
  const first = await refresh('ref_0');

  expect(first.status).toBe(200);
  expect(first.json).toEqual({
    access_token: expect.stringMatching(/^tok_/),
    token_type: 'Bearer',
    expires_in: 60,
    refresh_token: expect.stringMatching(/^ref_/),
  });
  expect(first.json.refresh_token).not.toBe('ref_0');
  expect(await list(first.json.access_token)).toBe(200);
  expect((await refresh(first.json.refresh_token)).status).toBe(200);
});

it('revokes the whole family where a spent refresh token comes again', async () => {
  const { refresh, list } = open({ rotation: 'strict' });
  const first = await refresh('ref_0');
  const second = await refresh(first.json.refresh_token);
  const reuse = await refresh('ref_0');

  expect(reuse).toMatchObject({
    status: 400,
    json: { error: 'invalid_grant', error_description: 'refresh_token is spent, so all that came of it is revoked' },
  });
  expect(await list(first.json.access_token)).toBe(401);
  expect(await list(second.json.access_token)).toBe(401);
  expect((await refresh(second.json.refresh_token)).json).toEqual({
    error: 'invalid_grant',
    error_description: 'refresh_token is revoked',
  });
  expect((await refresh('ref_other')).status).toBe(200);
});

it('gives no refresh token and spends none where there is no rotation', async () => {
  const { refresh } = open({ rotation: 'none' });

  expect((await refresh('ref_0')).json).not.toHaveProperty('refresh_token');
  expect((await refresh('ref_0')).status).toBe(200);
});

it('takes a spent refresh token again within the grace, and revokes the family after it', async () => {
  const { refresh, wait } = open({ rotation: 'grace', graceSeconds: 10 });
  await refresh('ref_0');
  wait(9_999);
  const again = await refresh('ref_0');
  expect(again.status).toBe(200);
  wait(1);

  expect((await refresh('ref_0')).status).toBe(400);
  expect((await refresh(again.json.refresh_token)).json.error_description).toBe('refresh_token is revoked');
});

it('refuses a refresh token that has expired', async () => {
  const { refresh, wait } = open({ ttlSeconds: 100 });
  wait(99_999);
  const { json } = await refresh('ref_0');
  wait(1);

  expect((await refresh('ref_other')).json.error_description).toBe('refresh_token is expired');
  expect((await refresh(json.refresh_token)).status).toBe(200);
});

it.each([
  ['of nobody', { refresh_token: 'ref_nothing' }, 'invalid_grant'],
  ['of another client', { refresh_token: 'ref_0', client_id: 'two' }, 'invalid_grant'],
  ['that is missing', {}, 'invalid_request'],
  ['that is empty', { refresh_token: '' }, 'invalid_request'],
  ['for a scope that it does not have', { refresh_token: 'ref_0', scope: 'read everything' }, undefined],
])('judges a refresh token %s', async (_what, fields, error) => {
  const { ask } = open({});

  expect((await ask(fields)).json.error).toBe(error);
});

it('narrows the scope for one access token, never widens it', async () => {
  const scopes = { 'GET /items': 'read', 'GET /items/:id': 'read.one' };
  const { ask, list } = open({ rotation: 'none' }, { scopes });
  const narrow = await ask({ refresh_token: 'ref_0', scope: 'read.one' });

  expect(narrow.json.scope).toBe('read.one');
  expect(await list(narrow.json.access_token)).toBe(403);
  expect((await ask({ refresh_token: 'ref_0' })).json.scope).toBe('read read.one');
  expect((await ask({ refresh_token: 'ref_0', scope: 'read admin' })).json).toEqual({
    error: 'invalid_scope',
    error_description: 'scope must be one or more of read read.one',
  });
});

it('spends nothing where the request is refused', async () => {
  const { ask, refresh } = open({}, { scopes: { 'GET /items': 'read' } });
  await ask({ refresh_token: 'ref_0', scope: 'admin' });
  await ask({ refresh_token: 'ref_0', client_secret: 'wrong' });

  expect((await refresh('ref_0')).status).toBe(200);
});

type AuthInput = Exclude<NonNullable<ConfigInput['auth']>, false>;

/** A provider with two clients, of which `one` has two refresh tokens from the start. Access tokens last a minute. */
function open(refreshOptions: AuthInput['refresh'], more: AuthInput = {}) {
  const clock = manualClock();
  const auth: AuthInput = {
    clients: { one: 'secret', two: 'secret' },
    grants: ['refresh_token'],
    refreshTokens: { ref_0: 'one', ref_other: 'one' },
    tokenTtlSeconds: 60,
    refresh: refreshOptions,
    ...more,
  };
  const provider = createProvider({ auth }, { clock });
  async function ask(fields: Record<string, string>) {
    const form = { grant_type: 'refresh_token', client_id: 'one', client_secret: 'secret', ...fields };
    const body = new URLSearchParams(form);
    const response = await provider.fetch('https://api.test/oauth/token', { method: 'POST', body });
    return { status: response.status, json: await response.json() };
  }
  return {
    ask,
    refresh: (token: string) => ask({ refresh_token: token }),
    wait: clock.advance,
    async list(token: string) {
      const headers = { authorization: `Bearer ${token}` };
      return (await provider.fetch('https://api.test/items', { headers })).status;
    },
  };
}
