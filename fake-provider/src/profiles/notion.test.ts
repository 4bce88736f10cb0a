import { expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import type { ConfigInput } from '../config.ts';
import { createProvider } from '../provider.ts';

const QUERY = '/v1/data_sources/2c9f4a6e/query';

it('says nothing of its limits until they are reached', async () => {
  const { send } = await open();
  const { headers } = await send('/v1/users');

  expect([...headers.keys()].filter((name) => /rate|retry/.test(name))).toEqual([]);
});

it('pages a query by start_cursor in the body, until next_cursor is null', async () => {
  const { send } = await open({ resources: { pages: { records: 3 } } });
  const read = async (body: unknown) => (await send(QUERY, { method: 'POST', body: JSON.stringify(body) })).body;
  const first = await read({ page_size: 2 });

  expect(first).toEqual({
    object: 'list',
    results: [expect.objectContaining({ object: 'page' }), expect.anything()],
    next_cursor: expect.any(String),
    has_more: true,
  });
  expect(await read({ page_size: 2, start_cursor: first.next_cursor })).toEqual({
    object: 'list',
    results: [expect.anything()],
    next_cursor: null,
    has_more: false,
  });
});

it('pages a listing by start_cursor in the query', async () => {
  const { send } = await open({ resources: { users: { records: 150 } } });
  const { next_cursor } = (await send('/v1/users')).body;
  const last = await send(`/v1/users?start_cursor=${encodeURIComponent(next_cursor)}`);

  expect(last.body).toMatchObject({ next_cursor: null, has_more: false });
  expect(last.body.results).toHaveLength(50);
});

it('throttles with a code, a reason and whole seconds', async () => {
  const { send, clock } = await open();
  for (let call = 0; call < 180; call += 1) await send('/v1/users/none');
  clock.advance(500);
  const { status, headers, body } = await send('/v1/users');

  expect(status).toBe(429);
  expect(headers.get('retry-after')).toBe('60');
  expect(body).toEqual({
    object: 'error',
    status: 429,
    code: 'rate_limited',
    message: expect.any(String),
    additional_data: { rate_limit_reason: 'connection' },
    request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
});

it('may stay away for longer than a minute where the workspace is the limit', async () => {
  const { send } = await open({
    limits: [{ kind: 'fixed-window', name: 'workspace', per: 'organisation', with: { limit: 1, windowSeconds: 900 } }],
  });
  await send('/v1/users');
  const { headers, body } = await send('/v1/users');

  expect(headers.get('retry-after')).toBe('900');
  expect(body.additional_data).toEqual({ rate_limit_reason: 'workspace' });
});

it('says in its own words that it is overloaded', async () => {
  const { send } = await open({ faults: [{ fault: 'overloaded', with: { retryAfterSeconds: 7 } }] });
  const { status, headers, body } = await send('/v1/users', { headers: {} });

  expect(status).toBe(529);
  expect(headers.get('retry-after')).toBe('7');
  expect(body).toMatchObject({ object: 'error', status: 529, code: 'service_overload' });
});

it.each([
  [401, 'unauthorized', '/v1/users', { headers: {} }],
  [404, 'object_not_found', '/v1/users/none', {}],
  [400, 'invalid_request_url', '/v1/nothing', {}],
  [400, 'validation_error', '/v1/users?page_size=101', {}],
  [400, 'validation_error', QUERY, { method: 'POST', body: '{"page_size":{}}' }],
  [400, 'invalid_json', QUERY, { method: 'POST', body: '{' }],
])('answers %s with the code %s', async (status, code, path, init: RequestInit) => {
  const { send } = await open();

  expect(await send(path, init)).toMatchObject({ status, body: { object: 'error', status, code } });
});

const PROFILE = 'notion';
const TOKEN_PATH = '/v1/oauth/token';
const TOKEN_REQUEST = {
  method: 'POST',
  headers: { authorization: `Basic ${btoa('demo-client:demo-secret')}`, 'content-type': 'application/json' },
  body: JSON.stringify({ grant_type: 'client_credentials' }),
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
