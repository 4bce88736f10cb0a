import { createHash, randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { manualClock } from '../../clock.ts';
import type { ConfigInput } from '../../config.ts';
import { createProvider } from '../../provider.ts';

const CALLBACK = 'http://127.0.0.1:9/callback';
const SAME_URI = 'redirect_uri must be that of the authorization request';

it('gives a code at once, and a token for it and its proof', async () => {
  const { authorize, exchange, list } = open();
  const { status, location } = await authorize({ state: 'a&b' });

  expect(status).toBe(302);
  expect(`${location!.origin}${location!.pathname}`).toBe(CALLBACK);
  expect(location!.searchParams.get('state')).toBe('a&b');
  const { json } = await exchange({ code: location!.searchParams.get('code')! });
  expect(json).toEqual({
    access_token: expect.stringMatching(/^tok_/),
    token_type: 'Bearer',
    expires_in: 3_600,
    refresh_token: expect.stringMatching(/^ref_/),
  });
  expect(await list(json.access_token)).toBe(200);
});

it('takes the example of RFC 7636, appendix B', async () => {
  const { authorize, exchange } = open();
  const code = (await authorize({ code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM' })).code;
  const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';

  expect((await exchange({ code, code_verifier: verifier })).status).toBe(200);
});

it('takes a code once, and revokes what came of it where it comes again', async () => {
  const { authorize, exchange, list } = open();
  const { code } = await authorize();
  const { json } = await exchange({ code });

  expect((await exchange({ code })).json).toEqual({
    error: 'invalid_grant',
    error_description: 'code is spent, so all that came of it is revoked',
  });
  expect(await list(json.access_token)).toBe(401);
});

it('takes a code for as long as it lasts', async () => {
  const { authorize, exchange, wait } = open({ codeTtlSeconds: 30 });
  const codes = [(await authorize()).code, (await authorize()).code];
  wait(29_999);
  expect((await exchange({ code: codes[0]! })).status).toBe(200);
  wait(1);

  expect((await exchange({ code: codes[1]! })).json.error_description).toBe('code is expired');
});

it.each([
  ['an unknown code', { code: 'code_nothing' }, 'invalid_grant', 'code is unknown, or of another client'],
  ['no code', { code: '' }, 'invalid_request', 'code is missing'],
  ["another client's code", { client_id: 'two' }, 'invalid_grant', 'code is unknown, or of another client'],
  ['another redirect_uri', { redirect_uri: 'http://127.0.0.1/other' }, 'invalid_grant', SAME_URI],
  ['no redirect_uri', { redirect_uri: undefined }, 'invalid_grant', SAME_URI],
  [
    'another verifier',
    { code_verifier: 'x'.repeat(43) },
    'invalid_grant',
    'code_verifier does not fit the code_challenge',
  ],
  ['no verifier', { code_verifier: undefined }, 'invalid_grant', 'code_verifier is missing'],
  [
    'a verifier that is too short',
    { code_verifier: 'x'.repeat(42) },
    'invalid_grant',
    'code_verifier must be 43 to 128 unreserved characters',
  ],
  [
    'a verifier of other characters',
    { code_verifier: `é${'x'.repeat(60)}` },
    'invalid_grant',
    'code_verifier must be 43 to 128 unreserved characters',
  ],
])('refuses %s, and leaves the code good', async (_what, fields, error, error_description) => {
  const { authorize, exchange } = open();
  const { code } = await authorize();

  expect(await exchange({ code, ...fields })).toEqual({ status: 400, json: { error, error_description } });
  expect((await exchange({ code })).status).toBe(200);
});

it('refuses a verifier where there was no challenge, so that nobody strips it', async () => {
  const { authorize, exchange } = open({ pkce: 'optional' });
  const ask = async () => (await authorize({ code_challenge: undefined, code_challenge_method: undefined })).code;

  expect((await exchange({ code: await ask(), code_verifier: undefined })).status).toBe(200);
  expect((await exchange({ code: await ask() })).json).toEqual({
    error: 'invalid_grant',
    error_description: 'code_verifier is given, but there was no code_challenge',
  });
});

it('serves a client without a secret by its proof alone', async () => {
  const { authorize, exchange } = open({ clients: { one: {} }, pkce: 'optional' });
  const { code } = await authorize();

  expect((await exchange({ code, client_secret: 'guess' })).json.error).toBe('invalid_client');
  expect((await exchange({ code, client_secret: undefined })).status).toBe(200);
  const { location } = await authorize({ code_challenge: undefined });
  expect(location!.searchParams.get('error_description')).toBe('code challenge required');
});

it.each([
  ['no response_type', { response_type: undefined }, 'invalid_request', 'response_type is missing'],
  ['another response_type', { response_type: 'token' }, 'unsupported_response_type', 'response_type must be code'],
  ['no challenge', { code_challenge: undefined }, 'invalid_request', 'code challenge required'],
  [
    'a plain challenge',
    { code_challenge_method: 'plain' },
    'invalid_request',
    'transform algorithm not supported; use S256',
  ],
  [
    'a challenge without its method, which means plain',
    { code_challenge_method: undefined },
    'invalid_request',
    'transform algorithm not supported; use S256',
  ],
  [
    'a challenge that is none',
    { code_challenge: 'x' },
    'invalid_request',
    'code_challenge must be 43 characters of base64url',
  ],
  ['an unknown scope', { scope: 'admin' }, 'invalid_scope', 'scope must be one or more of read'],
])('sends the browser back with an error for %s', async (_what, fields, error, error_description) => {
  const { authorize } = open({ scopes: { 'GET /items': 'read' } });
  const { status, location } = await authorize({ state: 's', ...fields });

  expect(status).toBe(302);
  expect(Object.fromEntries(location!.searchParams)).toEqual({ error, error_description, state: 's' });
});

it.each([
  ['an unknown client', { client_id: 'nobody' }, 'client_id'],
  ['a client of the prototype', { client_id: 'constructor' }, 'client_id'],
  ['no redirect_uri', { redirect_uri: undefined }, 'redirect_uri'],
  ['an address elsewhere', { redirect_uri: 'https://evil.test/' }, 'redirect_uri'],
  ['a script', { redirect_uri: 'javascript:alert(1)' }, 'redirect_uri'],
  ['a fragment', { redirect_uri: `${CALLBACK}#x` }, 'redirect_uri'],
  ['no address', { redirect_uri: 'callback' }, 'redirect_uri'],
])('sends the browser nowhere for %s', async (_what, fields, field) => {
  const { authorize } = open();
  const { status, location, json } = await authorize(fields);

  expect({ status, location }).toEqual({ status: 400, location: undefined });
  expect(json.error).toMatchObject({ code: 'invalid_request', field });
});

it('redirects to what is registered, to the letter', async () => {
  const redirectUris = ['https://app.test/callback?keep=1'];
  const { authorize } = open({ clients: { one: { secret: 'secret', redirectUris } } });

  expect((await authorize({ redirect_uri: `${redirectUris}&more` })).status).toBe(400);
  for (const redirect_uri of [redirectUris[0], undefined]) {
    expect((await authorize({ redirect_uri })).location!.href).toMatch(/^https:\/\/app.test\/callback\?keep=1&code=/);
  }
});

it('gives no code to HEAD', async () => {
  const { authorize } = open();

  expect((await authorize({}, 'HEAD')).code).toBe('');
});

it('is not there where no code can be exchanged', async () => {
  expect((await open({ grants: ['client_credentials'] }).authorize()).status).toBe(404);
});

type AuthInput = Exclude<NonNullable<ConfigInput['auth']>, false>;

function open(more: AuthInput = {}) {
  const clock = manualClock();
  const auth: AuthInput = {
    clients: { one: 'secret', two: 'secret' },
    grants: ['authorization_code', 'refresh_token'],
    ...more,
  };
  const provider = createProvider({ auth }, { clock });
  const verifier = randomBytes(32).toString('base64url');
  const present = (fields: Record<string, string | undefined>) =>
    new URLSearchParams(Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined));

  return {
    wait: clock.advance,
    async authorize(fields: Record<string, string | undefined> = {}, method = 'GET') {
      const query = present({
        response_type: 'code',
        client_id: 'one',
        redirect_uri: CALLBACK,
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        ...fields,
      });
      const response = await provider.fetch(`https://api.test/oauth/authorize?${query}`, {
        method,
        redirect: 'manual',
      });
      const text = await response.text();
      const target = response.headers.get('location');
      const location = target === null ? undefined : new URL(target);
      const json = text === '' ? undefined : JSON.parse(text);
      return { status: response.status, location, code: location?.searchParams.get('code') ?? 'none', json };
    },
    async exchange(fields: Record<string, string | undefined>) {
      const body = present({
        grant_type: 'authorization_code',
        client_id: 'one',
        client_secret: 'secret',
        redirect_uri: CALLBACK,
        code_verifier: verifier,
        ...fields,
      });
      const response = await provider.fetch('https://api.test/oauth/token', { method: 'POST', body });
      return { status: response.status, json: await response.json() };
    },
    async list(token: string) {
      const headers = { authorization: `Bearer ${token}` };
      return (await provider.fetch('https://api.test/items', { headers })).status;
    },
  };
}
