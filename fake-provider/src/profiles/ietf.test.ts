import { expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import type { ConfigInput } from '../config.ts';
import { createProvider } from '../provider.ts';

it('tells of every limit as a list of strings with parameters', async () => {
  const { headers } = await (await open()).send('/items');

  expect(headers.get('ratelimit-policy')).toBe('"burst";q=100;w=60, "daily";q=1000;w=86400');
  expect(headers.get('ratelimit')).toBe('"burst";r=99;t=60, "daily";r=999;t=86400');
});

it('throttles with a registered problem type that names the policy', async () => {
  const { send, clock } = await open();
  for (let call = 0; call < 100; call += 1) await send('/items/none');
  clock.advance(55_000);
  const { status, headers, body } = await send('/items');

  expect(status).toBe(429);
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(headers.get('retry-after')).toBe('5');
  expect(headers.get('ratelimit')).toBe('"burst";r=0;t=5, "daily";r=900;t=86345');
  expect(body).toEqual({
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    title: 'Request cannot be satisfied as assigned quota has been exceeded',
    status: 429,
    detail: expect.any(String),
    'violated-policies': ['burst'],
  });
});

it('never says in Retry-After to come before a window ends', async () => {
  const { send } = await open({
    limits: [{ kind: 'token-bucket', name: 'bucket', with: { ratePerSecond: 0.5, burst: 10 } }],
  });
  for (let call = 0; call < 10; call += 1) await send('/items/none');
  const { headers } = await send('/items');

  expect(headers.get('retry-after')).toBe('2');
  expect(headers.get('ratelimit')).toBe('"bucket";r=0;t=2');
});

it('refuses with problem details and the bearer challenge', async () => {
  const { send } = await open();
  const missing = await send('/items', { headers: {} });

  expect(missing).toMatchObject({ status: 401, body: { type: 'about:blank', title: 'Unauthorized', status: 401 } });
  expect(missing.headers.get('www-authenticate')).toBe('Bearer');
  expect(await send('/items?per_page=101')).toMatchObject({
    status: 400,
    body: { type: 'about:blank', title: 'Bad Request', status: 400, field: 'per_page' },
  });
});

const PROFILE = 'ietf';
const TOKEN_PATH = '/oauth/token';
const TOKEN_REQUEST = {
  method: 'POST',
  body: new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: 'demo-client',
    client_secret: 'demo-secret',
  }),
};
const credentials = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** A provider as the profile has it, and a client that holds a token. */
async function open(config: Omit<ConfigInput, 'profile'> = {}) {
  const clock = manualClock();
  const provider = createProvider({ profile: PROFILE, ...config }, { clock });
  const granted = await provider.fetch(`https://api.test${TOKEN_PATH}`, TOKEN_REQUEST);
  const { access_token: token } = await granted.json();
  return {
    clock,
    provider,
    token: token as string,
    async send(path: string, init: RequestInit = {}) {
      const response = await provider.fetch(`https://api.test${path}`, { headers: credentials(token), ...init });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.includes('json') ?? false;
      return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
    },
  };
}
