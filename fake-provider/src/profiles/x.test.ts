import { expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import type { ConfigInput } from '../config.ts';
import { createProvider } from '../provider.ts';

const SEARCH = '/2/tweets/search/recent';
const RESET = `${Date.UTC(2026, 0, 1) / 1_000 + 900}`;

it('tells of its limit in three headers, and of nothing else', async () => {
  const { headers } = await (await open()).send(SEARCH);

  expect(headers.get('x-rate-limit-limit')).toBe('450');
  expect(headers.get('x-rate-limit-remaining')).toBe('449');
  expect(headers.get('x-rate-limit-reset')).toBe(RESET);
  expect(headers.has('retry-after')).toBe(false);
});

it('tells of limits for a day in headers of their own, beside the tightest other', async () => {
  const day = { limit: 10_000, windowSeconds: 86_400 };
  const { send } = await open({
    limits: [
      { kind: 'fixed-window', name: 'posts', with: { limit: 100, windowSeconds: 900 } },
      { kind: 'fixed-window', name: 'app-24hour', with: day },
      { kind: 'fixed-window', name: 'user-24hour', with: { ...day, limit: 17 } },
    ],
  });
  const { headers } = await send(SEARCH);
  const reset = `${Date.UTC(2026, 0, 2) / 1_000}`;

  expect(headers.get('x-rate-limit-limit')).toBe('100');
  expect(headers.get('x-app-limit-24hour-limit')).toBe('10000');
  expect(headers.get('x-app-limit-24hour-remaining')).toBe('9999');
  expect(headers.get('x-app-limit-24hour-reset')).toBe(reset);
  expect(headers.get('x-user-limit-24hour-limit')).toBe('17');
  expect(headers.get('x-user-limit-24hour-remaining')).toBe('16');
  expect(headers.get('x-user-limit-24hour-reset')).toBe(reset);
});

it('throttles with a problem about nothing, and no Retry-After', async () => {
  const { send } = await open();
  for (let call = 0; call < 450; call += 1) await send(`${SEARCH}?max_results=1`);
  const { status, headers, body } = await send(SEARCH);

  expect(status).toBe(429);
  expect(body).toEqual({ title: 'Too Many Requests', detail: 'Too Many Requests', type: 'about:blank', status: 429 });
  expect(headers.get('x-rate-limit-remaining')).toBe('0');
  expect(headers.get('x-rate-limit-reset')).toBe(RESET);
  expect(headers.has('retry-after')).toBe(false);
});

it('says by its type that the usage cap is reached', async () => {
  const { send } = await open({
    limits: [
      {
        kind: 'fixed-window',
        name: 'cap',
        purpose: 'quota',
        announced: false,
        with: { limit: 1, windowSeconds: 86_400 },
      },
    ],
  });
  await send(SEARCH);

  expect(await send(SEARCH)).toMatchObject({
    status: 429,
    body: {
      title: 'UsageCapExceeded',
      type: 'https://api.x.com/2/problems/usage-capped',
      period: 'Monthly',
      scope: 'Product',
    },
  });
});

it.each(['pagination_token', 'next_token'])('pages by %s until meta has none', async (parameter) => {
  const { send } = await open({ resources: { tweets: { records: 12 } } });
  const first = (await send(SEARCH)).body;

  expect(first.data).toHaveLength(10);
  expect(first.meta).toEqual({ result_count: 10, next_token: expect.any(String) });
  const last = (await send(`${SEARCH}?${parameter}=${encodeURIComponent(first.meta.next_token)}`)).body;
  expect(last.data).toHaveLength(2);
  expect(last.meta).toEqual({ result_count: 2 });
});

it('refuses a token, a parameter and an id', async () => {
  const { send } = await open();

  expect(await send(SEARCH, { headers: {} })).toMatchObject({
    status: 401,
    body: { title: 'Unauthorized', type: 'about:blank', status: 401, detail: 'Unauthorized' },
  });
  expect(await send(`${SEARCH}?max_results=101`)).toMatchObject({
    status: 400,
    body: {
      errors: [{ message: 'max_results must be a whole number from 1 to 100, got "101"' }],
      title: 'Invalid Request',
      detail: 'One or more parameters to your request was invalid.',
      type: 'https://api.x.com/2/problems/invalid-request',
    },
  });
  expect(await send(`${SEARCH}/none`)).toMatchObject({
    status: 404,
    body: { title: 'Not Found Error', type: 'https://api.x.com/2/problems/resource-not-found' },
  });
});

const PROFILE = 'x';
const TOKEN_PATH = '/2/oauth2/token';
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
