import fc from 'fast-check';
import { expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import { createProvider } from '../provider.ts';

const TOKEN_URL = 'https://api.test/oauth/token';
const GRANT = 'grant_type=client_credentials';
const OWN = 'client_id=one&client_secret=secret';

it('gives a token to a client that puts its secret in the body', async () => {
  const { ask } = open();
  const response = await ask('grant_type=client_credentials&client_id=one&client_secret=secret');

  expect(response.status).toBe(200);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(await response.json()).toEqual({
    access_token: expect.stringMatching(/^tok_[0-9a-z]+$/),
    token_type: 'Bearer',
    expires_in: 60,
  });
});

it('gives a token to a client that puts its secret in the header', async () => {
  const { ask } = open();

  expect((await ask(GRANT, { authorization: basic('one', 'secret') })).status).toBe(200);
});

it('reads any id and secret, form-encoded before base64', async () => {
  const character = fc.oneof(
    fc.constantFrom(':', '%', '+', ' ', 'é', '&', '=', '/', '💥'),
    fc.string({ minLength: 1 }),
  );
  const odd = fc.string({ unit: character, minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(odd, odd, async (id, secret) => {
      fc.pre(id !== '__proto__');
      const { ask } = open({ [id]: secret });
      expect((await ask(GRANT, { authorization: basic(id, secret) })).status).toBe(200);
      const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: id, client_secret: secret });
      expect((await ask(`${form}`)).status).toBe(200);
      expect((await ask(GRANT, { authorization: basic(id, `${secret}x`) })).status).toBe(401);
    }),
    { numRuns: 50 },
  );
});

it.each([
  ['a space as a plus sign', 'o+ne', 'se+cret', 200],
  ['a space as %20', 'o%20ne', 'se%20cret', 200],
  ['a secret that was not encoded', 'o ne', 'se cret', 200],
  ['a colon that was not encoded, after the first', 'o+ne', 'se:cret', 401],
  ['a percent sign that encodes nothing', 'o+ne', 'se%cret', 401],
])('reads %s', async (_what, id, secret, status) => {
  const { ask } = open({ 'o ne': 'se cret' });

  expect((await ask(GRANT, { authorization: `Basic ${btoa(`${id}:${secret}`)}` })).status).toBe(status);
});

it('splits id and secret at the first colon only', async () => {
  const { ask } = open({ one: 'se:cr:et' });

  expect((await ask(GRANT, { authorization: `Basic ${btoa('one:se:cr:et')}` })).status).toBe(200);
});

it.each([
  ['an unknown client', 'client_id=two&client_secret=secret', {}],
  ['a wrong secret', 'client_id=one&client_secret=wrong', {}],
  ['no secret', 'client_id=one', {}],
  ['no client', '', {}],
  ['a client of the prototype', 'client_id=constructor&client_secret=x', {}],
  ['a client called __proto__', 'client_id=__proto__&client_secret=[object Object]', {}],
  ['a wrong secret in the header', '', { authorization: basic('one', 'wrong') }],
  ['a header without a colon', '', { authorization: `Basic ${btoa('one')}` }],
  ['a header that is not base64', '', { authorization: 'Basic ???' }],
  ['a header that is not Basic', '', { authorization: 'Bearer tok_1' }],
])('refuses %s as invalid_client', async (_what, form, headers) => {
  const response = await open().ask(`${GRANT}&${form}`, headers);

  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toBe('Basic realm="token"');
  expect(await response.json()).toEqual({
    error: 'invalid_client',
    error_description: 'client_id is unknown, or client_secret is wrong',
  });
});

it.each([
  ['no grant', OWN, {}, 'invalid_request', 'grant_type is missing'],
  ['an empty grant', `${OWN}&grant_type=`, {}, 'invalid_request', 'grant_type is missing'],
  [
    'another grant',
    `${OWN}&grant_type=password`,
    {},
    'unsupported_grant_type',
    'grant_type must be client_credentials',
  ],
  ['a field given twice', `${OWN}&${GRANT}&${GRANT}`, {}, 'invalid_request', 'grant_type must be given once'],
  ['a field that no header could hold', `${OWN}&é"=1&é"=1`, {}, 'invalid_request', '?? must be given once'],
  [
    'a secret in both places',
    `${OWN}&${GRANT}`,
    { authorization: basic('one', 'secret') },
    'invalid_request',
    'client_secret must not be given beside authorization',
  ],
  [
    'a body of JSON',
    '{"grant_type":"client_credentials"}',
    { 'content-type': 'application/json' },
    'invalid_request',
    'content-type must be application/x-www-form-urlencoded',
  ],
])('refuses %s, and says why', async (_what, body, headers, error, error_description) => {
  const response = await open().ask(body, headers);

  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({ error, error_description });
});

it('reads a content type in any case, with a charset', async () => {
  const headers = { 'content-type': 'Application/X-WWW-Form-URLEncoded; charset=UTF-8' };

  expect((await open().ask(`${OWN}&${GRANT}`, headers)).status).toBe(200);
});

it('never promises a token for longer than it lasts', async () => {
  const { ask } = open({ one: 'secret' }, 1.9);

  expect((await (await ask(`${OWN}&${GRANT}`)).json()).expires_in).toBe(1);
});

it('answers a form of very many fields without delay', async () => {
  const form = Array.from({ length: 50_000 }, (_, index) => index.toString(36)).join('&');

  expect((await open().ask(form)).status).toBe(401);
});

it('is not there where no token is asked for', async () => {
  const response = await createProvider({ auth: false }).fetch(TOKEN_URL, { method: 'POST', body: GRANT });

  expect(response.status).toBe(404);
  expect((await response.json()).error).toMatchObject({ code: 'not_found', field: 'path' });
});

function open(clients: Record<string, string> = { one: 'secret' }, tokenTtlSeconds = 60) {
  const provider = createProvider({ auth: { clients, tokenTtlSeconds } }, { clock: manualClock() });
  return {
    ask: (body: string, headers: Record<string, string> = {}) =>
      provider.fetch(TOKEN_URL, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      }),
  };
}

/** As RFC 6749, section 2.3.1, has it: each part form-encoded, then both in base64. */
function basic(id: string, secret: string): string {
  const encoded = (text: string) => new URLSearchParams({ '': text }).toString().slice(1);
  return `Basic ${btoa(`${encoded(id)}:${encoded(secret)}`)}`;
}
