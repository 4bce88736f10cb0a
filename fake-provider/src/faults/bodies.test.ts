import { expect, it } from 'vitest';
import type { ConfigInput } from '../config.ts';
import { createProvider } from '../provider.ts';

it.each(['cut', 'trailing'] as const)('sends JSON that is none, %s, however it falls', async (how) => {
  for (let seed = 0; seed < 50; seed += 1) {
    const { get } = open([{ fault: 'malformed-json', with: { how } }], seed);
    const response = await get();
    const body = await response.text();
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(body.length).toBeGreaterThan(0);
    expect(() => JSON.parse(body)).toThrow(SyntaxError);
  }
});

it('cuts the same in every replay', async () => {
  const body = async () => (await open([{ fault: 'malformed-json' }]).get()).text();

  expect(await body()).toBe(await body());
});

it('says another content type, of the right body', async () => {
  const response = await open([{ fault: 'wrong-content-type', with: { contentType: 'text/plain' } }]).get();

  expect(response.headers.get('content-type')).toBe('text/plain');
  expect((await response.json()).data).toHaveLength(100);
});

it.each([502, 200])('sends an HTML page with status %s', async (status) => {
  const response = await open([{ fault: 'html-error-page', with: { status } }]).get();

  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(await response.text()).toMatch(/^<!DOCTYPE html>/);
});

it('answers 500', async () => {
  const response = await open([{ fault: 'internal-error' }]).get();

  expect(response.status).toBe(500);
  expect(await response.json()).toEqual({ error: { code: 'internal_error', message: 'Something went wrong' } });
});

it('answers 529', async () => {
  const response = await open([{ fault: 'overloaded', with: { retryAfterSeconds: 3 } }]).get();

  expect(response.status).toBe(529);
  expect(response.headers.get('retry-after')).toBe('3');
});

it('answers 200, and says in the body that it failed', async () => {
  const response = await open([{ fault: 'ok-false', with: { error: 'fatal_error' } }]).get();

  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ ok: false, error: 'fatal_error' });
});

it.each(['internal-error', 'html-error-page', 'ok-false', 'close'] as const)(
  'answers %s before the request took effect, or after',
  async (fault) => {
    for (const [when, revision] of [
      ['before', 0],
      ['after', 1],
    ] as const) {
      const { get, provider } = open([{ fault, with: { when } }]);
      await get().catch(() => {});
      expect(provider.resource('items').collection.revision).toBe(revision);
    }
  },
);

it('refuses a good token, and takes it again', async () => {
  const provider = createProvider({ faults: [{ fault: 'unauthorized', on: { route: 'GET /items', calls: [1] } }] });
  const token = await provider.fetch('https://api.test/oauth/token', {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: 'demo-client',
      client_secret: 'demo-secret',
    }),
  });
  const headers = { authorization: `Bearer ${(await token.json()).access_token}` };
  const refused = await provider.fetch('https://api.test/items', { headers });

  expect(refused.status).toBe(401);
  expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token"/);
  expect(refused.headers.get('x-fake-provider')).toBe('unauthorized');
  expect((await provider.fetch('https://api.test/items', { headers })).status).toBe(200);
});

it.each(['truncated-body', 'malformed-json', 'dripped-body', 'slow-headers', 'close-idle'] as const)(
  'leaves a connection broken that another fault broke, %s or not',
  async (fault) => {
    const { get } = open([{ fault }, { fault: 'reset' }]);

    await expect(get()).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
  },
);

function open(faults: ConfigInput['faults'], seed = 1) {
  const items = { churn: { insertsPerRequest: 1 } };
  const provider = createProvider({ seed, auth: false, resources: { items }, faults });
  return { provider, get: () => provider.fetch('https://api.test/items') };
}
