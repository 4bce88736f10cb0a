import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createProvider } from '../provider.ts';

it('answers whatever is asked of its endpoints with JSON, and holds together', () => {
  const provider = createProvider({
    auth: {
      clients: { one: 'secret', open: {} },
      grants: ['client_credentials', 'refresh_token', 'authorization_code'],
      refreshTokens: { ref_0: 'one' },
      scopes: { 'GET /items': 'read' },
      apiKeys: { key_1: 'acme' },
      basic: true,
    },
  });
  const ask = (method: string, path: string, fields: [string, string][], headers: Record<string, string>) =>
    provider.handle({
      method,
      path,
      query: new URLSearchParams(method === 'GET' ? fields : []),
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: method === 'GET' ? '' : `${new URLSearchParams(fields)}`,
      ip: '127.0.0.1',
      origin: 'https://api.test',
    });

  fc.assert(
    fc.property(fields, credential, (asked, authorization) => {
      const headers = authorization === undefined ? {} : { authorization };
      const replies = [
        ask('POST', '/oauth/token', asked, headers),
        ask('GET', '/oauth/authorize', asked, headers),
        ask('GET', '/items', [], headers),
      ];
      for (const { status, headers, body } of replies) {
        expect([200, 302, 400, 401, 403]).toContain(status);
        if (status === 302) expect(URL.canParse(headers.location!)).toBe(true);
        else expect(JSON.parse(body)).toBeTypeOf('object');
        // What a header cannot hold would break the answer on its way.
        expect(Object.values(headers).join('')).toMatch(/^[\x20-\x7e]*$/);
        if (status >= 400) expect(JSON.parse(body).error).toBeDefined();
      }
    }),
    { numRuns: 2_000 },
  );
  expect(ask('POST', '/oauth/token', [...GOOD, ['grant_type', 'client_credentials']], {}).status).toBe(200);
});

const GOOD: [string, string][] = [
  ['client_id', 'one'],
  ['client_secret', 'secret'],
];

const junk = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('', '__proto__', 'constructor', '\0', 'é"\\', 'http://localhost/\r\nx', 'x'.repeat(10_000)),
);
const worth: Record<string, fc.Arbitrary<string>> = {
  client_id: fc.constantFrom('one', 'open'),
  client_secret: fc.constant('secret'),
  grant_type: fc.constantFrom('client_credentials', 'refresh_token', 'authorization_code'),
  refresh_token: fc.constant('ref_0'),
  response_type: fc.constant('code'),
  redirect_uri: fc.constantFrom('http://localhost/callback', 'http://[::1]:9/é?a=%zz'),
  code_challenge: fc.constant('E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'),
  code_challenge_method: fc.constant('S256'),
  scope: fc.constantFrom('read', ' ', 'read  read'),
  code: fc.constant('code_1'),
  state: junk,
};
const field = fc
  .constantFrom(...Object.keys(worth))
  .chain((name) =>
    fc.tuple(
      fc.oneof({ weight: 20, arbitrary: fc.constant(name) }, junk),
      fc.oneof({ weight: 4, arbitrary: worth[name]! }, junk),
    ),
  );
/** Some of what the endpoints ask for, mostly good, and rubbish among it. */
const fields = fc.uniqueArray(field, { selector: ([name]) => name, maxLength: 11 });
const credential = fc.option(
  fc.oneof(
    fc.constantFrom('Bearer key_1', `Basic ${btoa('one:secret')}`, `Basic ${btoa('one')}`, 'Basic ====', 'Bearer'),
    junk,
  ),
  { nil: undefined },
);
