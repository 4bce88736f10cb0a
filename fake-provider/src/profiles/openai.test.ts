import { expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import type { ConfigInput } from '../config.ts';
import { goDuration } from '../dialects/openai.ts';
import { createProvider } from '../provider.ts';

it('tells of requests and of tokens, with resets as Go has durations', async () => {
  const { send } = await open();
  const { headers } = await send('/v1/batches');

  expect(headers.get('x-ratelimit-limit-requests')).toBe('500');
  expect(headers.get('x-ratelimit-remaining-requests')).toBe('499');
  expect(headers.get('x-ratelimit-reset-requests')).toBe('120ms');
  expect(headers.get('x-ratelimit-limit-tokens')).toBe('180000');
  expect(headers.get('x-ratelimit-remaining-tokens')).toBe('179900');
  expect(headers.get('x-ratelimit-reset-tokens')).toBe('34ms');
  expect(headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/);
  expect(headers.get('openai-version')).toBe('2020-10-01');
  expect(headers.get('openai-processing-ms')).toMatch(/^\d+$/);
  expect(headers.get('openai-organization')).toBe('org-steadfetch');
  expect(headers.has('retry-after')).toBe(false);
});

it.each([
  [0, '0s'],
  [17, '17ms'],
  [1_000, '1s'],
  [8_640, '8.64s'],
  [86_400, '1m26.4s'],
  [360_000, '6m0s'],
  [3_600_000, '1h0m0s'],
])('writes %s ms as %s', (ms, expected) => {
  expect(goDuration(ms)).toBe(expected);
});

it.each(['requests', 'tokens'])('says that %s came too fast', async (name) => {
  const { send } = await open({ limits: [{ kind: 'token-bucket', name, with: { ratePerSecond: 0.1, burst: 1 } }] });
  await send('/v1/batches');
  const { status, headers, body } = await send('/v1/batches');

  expect(status).toBe(429);
  expect(headers.get(`x-ratelimit-remaining-${name}`)).toBe('0');
  expect(headers.get(`x-ratelimit-reset-${name}`)).toBe('10s');
  expect(headers.get('retry-after')).toBe('10');
  expect(body).toEqual({
    error: {
      message: expect.stringMatching(
        /^Rate limit reached for gpt-4o-mini in organization org-steadfetch on (requests|tokens) per min \([RT]PM\): Limit 1, Used 1, Requested 1\. Please try again in 10s\. Visit /,
      ),
      type: name,
      param: null,
      code: 'rate_limit_exceeded',
    },
  });
});

it('says that the quota is spent, and not for how long', async () => {
  const { send } = await open({
    limits: [
      {
        kind: 'fixed-window',
        name: 'quota',
        purpose: 'quota',
        announced: false,
        with: { limit: 1, windowSeconds: 86_400 },
      },
    ],
  });
  await send('/v1/batches');
  const { status, headers, body } = await send('/v1/batches');

  expect(status).toBe(429);
  expect(headers.has('retry-after')).toBe(false);
  expect(body.error).toEqual({
    message: expect.stringMatching(/^You exceeded your current quota, please check your plan and billing details\./),
    type: 'insufficient_quota',
    param: null,
    code: 'insufficient_quota',
  });
});

it('pages after the last id, until there is no more', async () => {
  const { send } = await open({ resources: { batches: { records: 3 } } });
  const { body } = await send('/v1/batches?limit=2');

  expect(body).toEqual({
    object: 'list',
    data: [expect.objectContaining({ object: 'batch' }), expect.anything()],
    first_id: body.data[0].id,
    last_id: body.data[1].id,
    has_more: true,
  });
  expect((await send(`/v1/batches?limit=2&after=${body.last_id}`)).body).toMatchObject({ data: [{}], has_more: false });
});

it('ends with no ids where there is nothing', async () => {
  const { send } = await open({ resources: { batches: { records: 0 } } });

  expect((await send('/v1/batches')).body).toEqual({
    object: 'list',
    data: [],
    first_id: null,
    last_id: null,
    has_more: false,
  });
});

it('refuses a key, a parameter and an id', async () => {
  const { send } = await open();

  expect(await send('/v1/batches', { headers: {} })).toMatchObject({
    status: 401,
    body: {
      error: {
        message: expect.stringMatching(/^Incorrect API key provided: /),
        type: 'invalid_request_error',
        param: null,
        code: 'invalid_api_key',
      },
    },
  });
  expect(await send('/v1/batches?limit=101')).toMatchObject({
    status: 400,
    body: { error: { type: 'invalid_request_error', param: 'limit' } },
  });
  expect(await send('/v1/batches/none')).toMatchObject({
    status: 404,
    body: { error: { type: 'invalid_request_error' } },
  });
});

const PROFILE = 'openai';
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
