import { expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import type { ConfigInput } from '../config.ts';
import { createProvider } from '../provider.ts';

const FILES = '/drive/v3/files';
const once = { limit: 1, windowSeconds: 86_400 };

it('says nothing of its limits', async () => {
  const { headers } = await (await open()).send(FILES);

  expect([...headers.keys()].filter((name) => /rate|retry/.test(name))).toEqual([]);
});

it.each<[string, 'rate' | 'quota', string, string]>([
  ['user', 'rate', 'userRateLimitExceeded', 'User Rate Limit Exceeded'],
  ['project', 'rate', 'rateLimitExceeded', 'Rate Limit Exceeded'],
  ['daily', 'quota', 'dailyLimitExceeded', 'Daily Limit Exceeded'],
])('answers 403 for the limit %s (%s), and only its reason tells', async (name, purpose, reason, message) => {
  const { send } = await open({ limits: [{ kind: 'fixed-window', name, purpose, with: once }] });
  await send(FILES);
  const { status, headers, body } = await send(FILES);

  expect(status).toBe(403);
  expect(headers.has('retry-after')).toBe(false);
  expect(body).toEqual({ error: { errors: [{ domain: 'usageLimits', reason, message }], code: 403, message } });
});

it('answers 429 for what no page tells of, with the delay in the body', async () => {
  const { send, clock } = await open({
    limits: [
      {
        kind: 'fixed-window',
        name: 'backend',
        purpose: 'secondary',
        announced: false,
        with: { limit: 1, windowSeconds: 60 },
      },
    ],
  });
  await send(FILES);
  clock.advance(29_500);
  const { status, headers, body } = await send(FILES);

  expect(status).toBe(429);
  expect(headers.has('retry-after')).toBe(false);
  expect(body.error).toEqual({
    code: 429,
    message: expect.any(String),
    status: 'RESOURCE_EXHAUSTED',
    details: [
      { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [expect.anything()] },
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '31s' },
    ],
  });
});

it.each([
  ['pageSize', 'pageToken'],
  ['page_size', 'page_token'],
])('pages by %s and %s, until there is no token', async (size, token) => {
  const { send } = await open({ resources: { files: { records: 3 } } });
  const first = (await send(`${FILES}?${size}=2`)).body;

  expect(first).toEqual({ files: [expect.anything(), expect.anything()], nextPageToken: expect.any(String) });
  const last = (await send(`${FILES}?${size}=2&${token}=${encodeURIComponent(first.nextPageToken)}`)).body;
  expect(last).toEqual({ files: [expect.anything()] });
});

it('takes any size, and an empty token, but no size below none', async () => {
  const { send } = await open({ resources: { files: { records: 1_500 } } });

  expect((await send(`${FILES}?pageSize=5000`)).body.files).toHaveLength(1_000);
  expect((await send(`${FILES}?pageSize=0&pageToken=`)).body.files).toHaveLength(100);
  expect(await send(`${FILES}?pageSize=-1`)).toMatchObject({
    status: 400,
    body: { error: { code: 400, status: 'INVALID_ARGUMENT' } },
  });
});

it('refuses a token, and what is not there', async () => {
  const { send } = await open();

  expect(await send(FILES, { headers: {} })).toMatchObject({
    status: 401,
    body: {
      error: {
        code: 401,
        message: expect.stringMatching(/^Request had invalid authentication credentials/),
        status: 'UNAUTHENTICATED',
      },
    },
  });
  expect(await send(`${FILES}/none`)).toMatchObject({
    status: 404,
    body: { error: { code: 404, status: 'NOT_FOUND' } },
  });
});

const PROFILE = 'google';
const TOKEN_PATH = '/token';
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
