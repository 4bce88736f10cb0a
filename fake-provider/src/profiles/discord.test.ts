import { expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import type { ConfigInput } from '../config.ts';
import { createProvider } from '../provider.ts';

const MESSAGES = '/api/v10/channels/41771983423143937/messages';
const NOW = Date.UTC(2026, 0, 1) / 1_000;

it('tells of the bucket, its reset both ways and with fractions', async () => {
  const { send, clock } = await open();
  await send(MESSAGES);
  clock.advance(1_877);
  const { status, headers } = await send(MESSAGES);

  expect(status).toBe(200);
  expect(headers.get('x-ratelimit-limit')).toBe('5');
  expect(headers.get('x-ratelimit-remaining')).toBe('3');
  expect(headers.get('x-ratelimit-reset')).toBe(`${NOW + 5}`);
  expect(headers.get('x-ratelimit-reset-after')).toBe('3.123');
  expect(headers.get('x-ratelimit-bucket')).toMatch(/^[0-9a-f]{32}$/);
  for (const name of ['x-ratelimit-scope', 'x-ratelimit-global', 'retry-after']) expect(headers.has(name)).toBe(false);
});

it('keeps a bucket for each route', async () => {
  const { send } = await open();
  const [messages, members] = [await send(MESSAGES), await send('/api/v10/guilds/1/members')];

  expect(members.headers.get('x-ratelimit-bucket')).not.toBe(messages.headers.get('x-ratelimit-bucket'));
  expect(members.headers.get('x-ratelimit-remaining')).toBe('9');
});

it('throttles a bucket: whole seconds in the header, a fraction in the body', async () => {
  const { send, clock } = await open();
  for (let call = 0; call < 5; call += 1) await send(MESSAGES);
  clock.advance(430);
  const { status, headers, body } = await send(MESSAGES);

  expect(status).toBe(429);
  expect(body).toEqual({ message: 'You are being rate limited.', retry_after: 4.57, global: false });
  expect(headers.get('retry-after')).toBe('5');
  expect(headers.get('x-ratelimit-scope')).toBe('user');
  expect(headers.get('x-ratelimit-limit')).toBe('5');
  expect(headers.get('x-ratelimit-remaining')).toBe('0');
  expect(headers.get('x-ratelimit-reset-after')).toBe('4.57');
  expect(headers.has('x-ratelimit-global')).toBe(false);
});

it('throttles the whole bot, and speaks of no bucket then', async () => {
  const { send } = await open();
  for (let call = 0; call < 50; call += 1) await send('/api/v10/channels/1/messages/none');
  for (let call = 0; call < 50; call += 1) await send('/api/v10/guilds/1/members/none');
  const { send: other } = await open({
    limits: [
      { kind: 'fixed-window', name: 'messages', with: { limit: 9, windowSeconds: 60 } },
      { kind: 'fixed-window', name: 'global', announced: false, with: { limit: 1, windowSeconds: 60 } },
    ],
  });
  await other(MESSAGES);
  const { status, headers, body } = await other(MESSAGES);

  expect(status).toBe(429);
  expect(body).toEqual({ message: 'You are being rate limited.', retry_after: 60, global: true });
  expect(headers.get('x-ratelimit-global')).toBe('true');
  expect(headers.get('x-ratelimit-scope')).toBe('global');
  expect(headers.get('retry-after')).toBe('60');
  for (const name of ['bucket', 'limit', 'remaining', 'reset', 'reset-after']) {
    expect(headers.has(`x-ratelimit-${name}`)).toBe(false);
  }
});

it('throttles what everybody shares, though the bucket has some left', async () => {
  const { send } = await open({
    limits: [
      { kind: 'fixed-window', name: 'messages', with: { limit: 10, windowSeconds: 60 } },
      {
        kind: 'fixed-window',
        name: 'shared',
        announced: false,
        per: 'everyone',
        with: { limit: 1, windowSeconds: 60 },
      },
    ],
  });
  await send(MESSAGES);
  const { headers, body } = await send(MESSAGES);

  expect(body).toEqual({ message: 'The resource is being rate limited.', retry_after: 60, global: false });
  expect(headers.get('x-ratelimit-scope')).toBe('shared');
  expect(headers.get('x-ratelimit-remaining')).toBe('9');
});

it('lists a bare array after an id, and ends with fewer than the limit', async () => {
  const { send } = await open({ resources: { messages: { records: 3 } } });
  const first = (await send(`${MESSAGES}?limit=2`)).body;
  const last = (await send(`${MESSAGES}?limit=2&after=${first[1].id}`)).body;

  expect([first.length, last.length]).toEqual([2, 1]);
});

it('refuses a token, a parameter and a path', async () => {
  const { send } = await open();

  expect(await send(MESSAGES, { headers: credentials('nonsense') })).toMatchObject({
    status: 401,
    body: { message: '401: Unauthorized', code: 0 },
  });
  expect(await send(`${MESSAGES}?limit=101`)).toMatchObject({
    status: 400,
    body: {
      code: 50_035,
      message: 'Invalid Form Body',
      errors: { limit: { _errors: [{ message: expect.any(String) }] } },
    },
  });
  expect(await send('/api/v10/nothing')).toMatchObject({ status: 404, body: { message: '404: Not Found', code: 0 } });
});

const PROFILE = 'discord';
const TOKEN_PATH = '/api/oauth2/token';
const TOKEN_REQUEST = {
  method: 'POST',
  body: new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: 'demo-client',
    client_secret: 'demo-secret',
  }),
};
const credentials = (token: string): Record<string, string> => ({ authorization: `Bot ${token}` });

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
