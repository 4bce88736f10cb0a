import { expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import type { ConfigInput } from '../config.ts';
import { createProvider } from '../provider.ts';

const TICKETS = '/api/v2/tickets.json';

it('tells of the account twice, and of the endpoint once', async () => {
  const { send, clock } = await open();
  clock.advance(19_000);
  const { headers } = await send(`${TICKETS}?page[size]=1`);

  expect(headers.get('x-rate-limit')).toBe('700');
  expect(headers.get('x-rate-limit-remaining')).toBe('699');
  expect(headers.get('ratelimit-limit')).toBe('700');
  expect(headers.get('ratelimit-remaining')).toBe('699');
  expect(headers.get('ratelimit-reset')).toBe('41');
  expect(headers.get('zendesk-ratelimit-tickets-index')).toBe('total=100; remaining=99; resets=41');
});

it('pages by page[after], with meta and links, until there is no next', async () => {
  const { send } = await open({ resources: { tickets: { records: 3 } } });
  const first = (await send(`${TICKETS}?page[size]=2`)).body;

  expect(first).toEqual({
    tickets: [expect.anything(), expect.anything()],
    meta: { has_more: true, after_cursor: expect.any(String), before_cursor: null },
    links: { next: expect.any(String), prev: null },
  });
  expect(decodeURIComponent(first.links.next)).toBe(
    `https://api.test${TICKETS}?page[size]=2&page[after]=${first.meta.after_cursor}`,
  );
  const last = (await send(first.links.next.replace('https://api.test', ''))).body;
  expect(last).toEqual({
    tickets: [expect.anything()],
    meta: { has_more: false, after_cursor: null, before_cursor: null },
    links: { next: null, prev: null },
  });
});

it('pages by number, with absolute links and a count', async () => {
  const { send } = await open({ resources: { users: { records: 250 } } });

  expect((await send('/api/v2/users.json?page=2')).body).toEqual({
    users: expect.any(Array),
    next_page: 'https://api.test/api/v2/users.json?page=3&per_page=100',
    previous_page: 'https://api.test/api/v2/users.json?page=1&per_page=100',
    count: 250,
  });
  expect((await send('/api/v2/users?page=3')).body).toMatchObject({ next_page: null });
});

it('gets one ticket under its singular, with and without .json', async () => {
  const { send } = await open();
  const { id } = (await send(TICKETS)).body.tickets[0];

  for (const ending of ['', '.json']) {
    expect((await send(`/api/v2/tickets/${id}${ending}`)).body).toEqual({ ticket: expect.objectContaining({ id }) });
  }
});

it('says at an endpoint in JSON, and at the account in plain text, that it is too much', async () => {
  const { send } = await open();
  for (let call = 0; call < 100; call += 1) await send(`${TICKETS}?page[size]=1`);
  const endpoint = await send(TICKETS);

  expect(endpoint).toMatchObject({
    status: 429,
    body: { error: 'APIRateLimitExceeded', description: expect.any(String) },
  });
  expect(endpoint.headers.get('retry-after')).toBe('60');
  expect(endpoint.headers.get('zendesk-ratelimit-tickets-index')).toBe('total=100; remaining=0; resets=60');

  for (let call = 0; call < 600; call += 1) await send('/api/v2/users/none');
  const account = await send('/api/v2/users.json');
  expect(account).toMatchObject({ status: 429, body: 'Number of allowed API requests per minute exceeded' });
  expect(account.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(account.headers.get('retry-after')).toBe('60');
  expect(account.headers.get('x-rate-limit-remaining')).toBe('0');
});

it('takes an API token as a password too, and refuses the rest', async () => {
  const { send, token } = await open();
  const basic = (text: string) => ({ headers: { authorization: `Basic ${btoa(text)}` } });

  expect((await send(TICKETS, basic(`agent@example.com/token:${token}`))).status).toBe(200);
  expect(await send(TICKETS, basic('agent@example.com:password'))).toMatchObject({
    status: 401,
    body: { error: "Couldn't authenticate you" },
  });
  expect(await send(TICKETS, { headers: credentials('nonsense') })).toMatchObject({
    status: 401,
    body: { error: 'invalid_token', error_description: 'the access token is unknown' },
  });
  expect(await send('/api/v2/tickets/none.json')).toMatchObject({
    status: 404,
    body: { error: 'RecordNotFound', description: 'Not found' },
  });
});

it('makes a ticket once for a key, and says which time it was', async () => {
  const { send } = await open();
  const post = (name: string) => send(TICKETS, json('POST', { ticket: { name } }, { 'idempotency-key': 'one' }));
  const [first, again, other] = [await post('teal'), await post('teal'), await post('rust')];

  expect(first).toMatchObject({ status: 201, body: { ticket: { name: 'teal' } } });
  expect(first.headers.get('x-idempotency-lookup')).toBe('miss');
  expect(again.headers.get('x-idempotency-lookup')).toBe('hit');
  expect(again.body).toEqual(first.body);
  expect(other).toMatchObject({
    status: 400,
    body: {
      error: 'IdempotentRequestError',
      description: "Request parameters don't match the given idempotency key",
    },
  });
});

it('makes many, and says of each what became of it', async () => {
  const { send } = await open();
  const tickets = [{ name: 'teal' }, {}];
  const { status, body } = await send('/api/v2/tickets/create_many.json', json('POST', { tickets }));

  expect(status).toBe(200);
  expect(body.job_status).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{32}$/),
    url: `https://api.test/api/v2/job_statuses/${body.job_status.id}.json`,
    status: 'completed',
    total: 2,
    results: [
      { index: 0, id: expect.any(String) },
      { index: 1, error: 'invalid_parameter', details: 'name is missing' },
    ],
  });
});

const KEY = 'demo-api-token';
const json = (method: string, body: unknown, more: Record<string, string> = {}, token = KEY): RequestInit => ({
  method,
  headers: { ...credentials(token), 'content-type': 'application/json', ...more },
  body: JSON.stringify(body),
});
const PROFILE = 'zendesk';
const TOKEN_PATH = '/oauth/tokens';
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
