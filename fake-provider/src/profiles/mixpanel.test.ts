import { expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import type { ConfigInput } from '../config.ts';
import { createProvider } from '../provider.ts';

const ENGAGE = '/api/query/engage';
const EXPORT = '/api/2.0/export?from_date=2026-01-01&to_date=2026-01-31';

it('says nothing of its limits, before or after they are reached', async () => {
  const { send } = await open();
  const answers = [];
  for (let call = 0; call < 61; call += 1) answers.push(await send(ENGAGE));
  const { status, body } = answers.at(-1)!;

  expect(answers.slice(0, 60).every((answer) => answer.status === 200)).toBe(true);
  expect(status).toBe(429);
  expect(body).toEqual({
    code: 429,
    error: 'Project exceeded rate limits. Please retry the request with exponential backoff.',
    status: 'Too Many Requests',
  });
  for (const { headers } of [answers[0]!, answers[60]!]) {
    expect([...headers.keys()].filter((name) => /rate|retry/.test(name))).toEqual([]);
  }
});

it('throttles too many at one time by the same words', async () => {
  const { send } = await open({ latency: { minMs: 50, maxMs: 50 } });
  const answers = await Promise.all(Array.from({ length: 6 }, () => send(ENGAGE)));

  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 429]);
});

it.each(['GET', 'POST'])('pages from 0 within a session, until a page is not full, by %s', async (method) => {
  const { send } = await open({ resources: { profiles: { records: 3, pageSize: { default: 2 } } } });
  const read = (parameters: Record<string, string>) => {
    const fields = new URLSearchParams(parameters);
    return method === 'GET' ? send(`${ENGAGE}?${fields}`) : send(ENGAGE, { method, body: fields });
  };
  const first = (await read({})).body;

  expect(first).toEqual({
    page: 0,
    page_size: 2,
    session_id: expect.stringMatching(/^\d{10}-[A-Z]{6}$/),
    status: 'ok',
    total: 3,
    results: [
      { $distinct_id: expect.any(String), $properties: expect.anything() },
      { $distinct_id: expect.any(String), $properties: expect.anything() },
    ],
  });
  const { session_id } = first;
  expect((await read({ page: '1', session_id })).body).toMatchObject({ page: 1, session_id, results: [{}] });
  expect(await read({ page: '1' })).toMatchObject({
    status: 400,
    body: { code: 400, error: 'session_id must be the one that came with page 0', status: 'Bad Request' },
  });
});

it('exports a line for each event, all in one answer', async () => {
  const { send } = await open({ resources: { events: { records: 1_500 } } });
  const { headers, body } = await send(EXPORT);
  const lines = body.trimEnd().split('\n');

  expect(headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(lines).toHaveLength(1_500);
  expect(JSON.parse(lines[0])).toMatchObject({
    event: 'Recorded',
    properties: { time: expect.any(Number), distinct_id: expect.any(String), $insert_id: expect.any(String) },
  });
  expect((await send(`${EXPORT}&limit=10`)).body.trimEnd().split('\n')).toHaveLength(10);
});

it.each(['from_date', 'to_date'])('exports nothing without %s', async (field) => {
  const { send } = await open();

  expect(await send(EXPORT.replace(field, 'date'))).toMatchObject({
    status: 400,
    body: { code: 400, error: `${field} must be a date, such as "2026-01-31"`, status: 'Bad Request' },
  });
});

it('takes the secret of an account or a project, and refuses the rest', async () => {
  const { send, token } = await open();
  const basic = (text: string) => ({ headers: { authorization: `Basic ${btoa(text)}` } });

  expect((await send(ENGAGE, basic(`account:${token}`))).status).toBe(200);
  expect((await send(ENGAGE, basic(`${token}:`))).status).toBe(200);
  for (const init of [basic('account:wrong'), { headers: {} }]) {
    expect(await send(ENGAGE, init)).toMatchObject({
      status: 401,
      body: { code: 401, error: 'Invalid credentials', status: 'Unauthorized' },
    });
  }
});

it('imports what is good of a batch, and answers 400 for the rest', async () => {
  const { send, provider } = await open();
  const event = (name: unknown, $insert_id: string) => ({ event: name, properties: { time: 1, $insert_id } });
  const good = [event('Opened', '13c0'), event('Closed', '13c1')];

  expect(await send('/import?strict=1', json('POST', good))).toMatchObject({
    status: 200,
    body: { code: 200, num_records_imported: 2, status: 'OK' },
  });
  expect(await send('/import?strict=1', json('POST', [event(7, '13c2'), ...good]))).toMatchObject({
    status: 400,
    body: {
      code: 400,
      num_records_imported: 2,
      status: 'Bad Request',
      failed_records: [{ index: 0, insert_id: '13c2', field: 'event', message: expect.any(String) }],
    },
  });
  expect(provider.resource('imports').size).toBe(4);
});

const KEY = 'demo-secret';
const json = (method: string, body: unknown, more: Record<string, string> = {}, token = KEY): RequestInit => ({
  method,
  headers: { ...credentials(token), 'content-type': 'application/json', ...more },
  body: JSON.stringify(body),
});
const PROFILE = 'mixpanel';
const TOKEN_PATH = '/oauth/token';
const TOKEN_REQUEST = {
  method: 'POST',
  body: new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: 'demo-client',
    client_secret: 'demo-secret',
  }),
};
const credentials = (token: string): Record<string, string> => ({ authorization: `Basic ${btoa(`account:${token}`)}` });

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
