import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import { type ConfigInput, parseConfig } from '../config.ts';
import { dialects } from '../dialects/index.ts';
import type { limitKinds } from '../limits/index.ts';
import { paginations } from '../pagination/index.ts';
import { profiles } from '../profiles/index.ts';
import { createProvider } from '../provider.ts';
import { type RunningServer, serve, performs as socketPerforms } from './express.ts';
import { performs as fetchPerforms } from './fetch.ts';
import { mswHandlers, performs as mswPerforms } from './msw.ts';

const DIALECTS = Object.keys(dialects) as (keyof typeof dialects)[];
const PROFILES = Object.keys(profiles) as (keyof typeof profiles)[];
const PAGINATIONS = Object.keys(paginations) as (keyof typeof paginations)[];

/** Every kind of limit, set to let two requests through. */
const KINDS: Readonly<Record<keyof typeof limitKinds, object>> = {
  'fixed-window': { limit: 2, windowSeconds: 60 },
  'sliding-window': { limit: 2, windowSeconds: 60 },
  'token-bucket': { ratePerSecond: 1, burst: 2 },
  'leaky-bucket': { leakPerSecond: 1, size: 2 },
  concurrency: { limit: 2 },
  quota: { limit: 2, period: 'day' },
  'penalty-box': { limit: 2, windowSeconds: 1 },
};

const overTheWire = globalThis.fetch;
const worker = setupServer();
beforeAll(() => worker.listen());
afterAll(() => worker.close());

let server: RunningServer | undefined;
afterEach(async () => {
  worker.resetHandlers();
  await server?.close();
});

it.each(PAGINATIONS)('lists by %s', async (pagination) => {
  const items = { records: 7, pagination, pageSize: { default: 3, max: 5 }, churn: { insertsPerRequest: 1 } };
  const { send } = await open({ auth: false, resources: { items } });
  const first = await send('/items');

  const [record] = first.json.data ?? first.json;
  const next = first.json.next_cursor ?? /cursor=([^&>]+)/.exec(first.headers.link ?? '')?.[1];
  for (const query of [
    '?limit=5',
    '?per_page=5',
    '?offset=6',
    '?page=3',
    `?cursor=${next}`,
    `?after_id=${record.id}`,
  ]) {
    await send(`/items${query}`);
  }
  await send('/items?limit=0');
  await send('/items?per_page=999');
  await send('/items?cursor=%00é%zz+&cursor=2');
  await send(`/items/${record.id}#fragment`);
});

it('links to pages on the origin that was called', async () => {
  const { send, url } = await open({ auth: false, resources: { items: { pagination: 'link' } } });

  expect((await send('/items')).headers.link).toContain(`<${url}/items?per_page=100&cursor=`);
});

it('gets a record by id, or none', async () => {
  const { send } = await open({ auth: false });
  const { id } = (await send('/items')).json.data[0];

  expect((await send(`/items/${id}`)).status).toBe(200);
  expect((await send(`/items/${id.slice(0, -1)}0`)).status).toBe(404);
  expect((await send('/items/%00')).status).toBe(404);
  expect((await send('/items/')).status).toBe(404);
});

it('writes, and tells what became of it', async () => {
  const { send } = await open({ auth: false, resources: { items: { batch: { maxItems: 2 } } } });
  const write = (method: string, path: string, body: unknown, key?: string) =>
    send(path, {
      method,
      headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
      body: JSON.stringify(body),
    });

  const created = await write('POST', '/items', { name: 'one', note: 'é' }, 'k-1');
  expect(created).toMatchObject({ status: 201, json: { name: 'one', note: 'é' } });
  expect(await write('POST', '/items', { name: 'one', note: 'é' }, '"k-1"')).toMatchObject({
    body: created.body,
    headers: { 'idempotent-replayed': 'true' },
  });
  expect((await write('POST', '/items', { name: 'two' }, 'k-1')).status).toBe(422);
  expect((await write('PATCH', created.headers.location!, { amount_cents: 1 })).status).toBe(200);
  expect((await write('POST', '/items/batch', [{ name: 'two' }, {}])).status).toBe(207);
  expect((await write('POST', '/items/batch', [{}, {}, {}])).status).toBe(413);
  expect(await send(created.headers.location!, { method: 'DELETE' })).toMatchObject({ status: 204, body: '' });
  expect((await send(created.headers.location!)).status).toBe(404);
});

it('makes one record, though the answer to the first attempt is lost', async () => {
  const { sendEach, sendToWorker, send } = await open({
    auth: false,
    resources: { items: { records: 0 } },
    faults: [{ fault: 'reset', on: { route: 'POST /items', calls: [1] }, with: { when: 'after' } }],
  });
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': 'k-1' },
    body: '{"name":"one"}',
  };

  for (const answer of sendEach('/items', init)) {
    await expect(answer).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
  }
  await expect(sendToWorker('/items', init)).rejects.toThrow(TypeError);
  expect(await send('/items', init)).toMatchObject({ status: 201, headers: { 'idempotent-replayed': 'true' } });
  expect((await send('/items')).json.data).toHaveLength(1);
});

it('gives out tokens, or says why not', async () => {
  const { send } = await open();
  const post = async (body: string, headers: Record<string, string> = {}) =>
    (
      await send('/oauth/token', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      })
    ).status;

  expect(await post(CREDENTIALS)).toBe(200);
  expect(await post(GRANT, { authorization: `Basic ${btoa('demo-client:demo-secret')}` })).toBe(200);
  expect(await post(GRANT)).toBe(401);
  expect(await post(CREDENTIALS.replace('client_credentials', 'é+%zz'))).toBe(400);
  expect(await post(CREDENTIALS, { 'content-type': 'application/json' })).toBe(400);
  expect(await post('')).toBe(401);
});

it('refuses a token that is missing, unknown, expired or revoked', async () => {
  const { send, wait, withToken, revokeTokens } = await open();
  expect((await send('/items')).status).toBe(401);
  expect((await send('/items', { headers: { authorization: 'Bearer nonsense' } })).status).toBe(401);

  const first = await withToken();
  expect((await send('/items', first)).status).toBe(200);
  wait(3_600_000);
  expect((await send('/items', first)).headers['www-authenticate']).toContain('expired');
  const second = await withToken();
  revokeTokens();
  expect((await send('/items', second)).headers['www-authenticate']).toContain('revoked');
});

it('gives a code, a token for it, and another for its refresh token', async () => {
  const { send } = await open({ auth: { grants: ['authorization_code', 'refresh_token'], scopes: SCOPES } });
  const asked = new URLSearchParams({
    response_type: 'code',
    client_id: 'demo-client',
    redirect_uri: 'http://localhost:9/callback',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    scope: 'one',
  });
  const exchange = async (form: Record<string, string>) => {
    const body = new URLSearchParams({ client_id: 'demo-client', client_secret: 'demo-secret', ...form });
    return (await send('/oauth/token', { method: 'POST', body })).json;
  };

  const { status, headers } = await send(`/oauth/authorize?${asked}`, { redirect: 'manual' });
  expect(status).toBe(302);
  const first = await exchange({
    grant_type: 'authorization_code',
    code: new URL(headers.location!).searchParams.get('code')!,
    code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
    redirect_uri: 'http://localhost:9/callback',
  });
  const second = await exchange({ grant_type: 'refresh_token', refresh_token: first.refresh_token });
  const list = (token: string) => send('/items', { headers: { authorization: `Bearer ${token}` } });
  expect((await list(second.access_token)).headers['www-authenticate']).toContain('insufficient_scope');

  expect(await exchange({ grant_type: 'refresh_token', refresh_token: first.refresh_token })).toMatchObject({
    error: 'invalid_grant',
  });
  expect((await list(second.access_token)).headers['www-authenticate']).toContain('the token is revoked');
  expect((await send('/oauth/authorize?client_id=nobody')).status).toBe(400);
});

it('takes API keys and HTTP Basic', async () => {
  const { send } = await open({ auth: { apiKeys: { key_1: 'acme' }, apiKeyHeader: 'Api-Key', basic: true } });
  const statusOf = async (headers: Record<string, string>) => (await send('/items', { headers })).status;

  expect(await statusOf({ 'api-key': 'key_1' })).toBe(200);
  expect(await statusOf({ authorization: `Basic ${btoa('demo-client:demo-secret')}` })).toBe(200);
  expect(await statusOf({ authorization: `Basic ${btoa('key_1:')}` })).toBe(200);
  expect(await statusOf({ 'api-key': 'key_2' })).toBe(401);
});

it('answers what has no route, and what asks for none', async () => {
  const { send } = await open({ auth: false });

  expect((await send('/nothing')).status).toBe(404);
  expect((await send('//items')).status).toBe(404);
  expect(await send('/items', { method: 'DELETE' })).toMatchObject({
    status: 405,
    headers: { allow: 'GET, POST, HEAD, OPTIONS' },
  });
  expect(await send('/oauth/token')).toMatchObject({ status: 405, headers: { allow: 'POST, OPTIONS' } });
  expect((await send('/items', { method: 'PUT', body: '{' })).status).toBe(405);
  expect(await send('/items', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  expect(await send('/nothing', { method: 'HEAD' })).toMatchObject({ status: 404, body: '' });
  expect(await send('/items', { method: 'OPTIONS' })).toMatchObject({ status: 204, body: '' });
});

it('refuses a body that is too large', async () => {
  const { send } = await open({ auth: false });
  const post = (bytes: number) => send('/items', { method: 'POST', body: 'é'.repeat(bytes / 2) });

  expect((await post(1_000_000)).status).toBe(415);
  expect(await post(1_000_002)).toMatchObject({
    status: 413,
    json: { error: { code: 'body_too_large', message: 'body must be at most 1000000 bytes', field: 'body' } },
  });
});

it.each(DIALECTS)('throttles as %s does', async (dialect) => {
  const { send, wait } = await open({ dialect, auth: false, limits: LIMITS });
  const served: boolean[] = [];
  for (const ms of [0, 0, 250, 0, 3_000, 0, 0, 60_000]) {
    wait(ms);
    // With a query, without which Salesforce lists nothing.
    served.push((await send('/items?q=all')).status === 200);
    await send('/items', { method: 'HEAD' });
  }

  expect(served).toEqual([true, true, true, false, true, false, false, true]);
});

it.each(Object.entries(KINDS))('limits by %s', async (kind, options) => {
  const limit = { kind, name: 'few', with: options } as NonNullable<ConfigInput['limits']>[number];
  const { send, wait } = await open({ auth: false, latency: { minMs: 20, maxMs: 20 }, limits: [limit] });
  const replies = [await send('/items'), await send('/items'), await send('/items')];

  expect(replies.map(({ status }) => status)).toEqual([200, 200, 429]);
  expect(replies[2]!.headers).toMatchObject({
    'x-fake-provider': 'few',
    'retry-after': expect.stringMatching(/^\d+$/),
  });
  wait(Number(replies[2]!.headers['retry-after']) * 1_000);
  expect((await send('/items')).status).toBe(200);
});

it.each(PROFILES)('behaves as the platform %s', async (profile) => {
  const { send } = await open({ profile, auth: false });
  const { resources } = parseConfig({ profile });
  for (const [name, { path = `/${name}` }] of Object.entries(resources)) {
    const at = path.replace(/:\w+/g, '7');
    for (const query of ['', '?limit=0', '?page=2', '?from_date=2026-01-01&to_date=2026-01-31'])
      await send(`${at}${query}`);
    await send(at, { method: 'POST', body: '{"page_size": 0}' });
    await send(`${at}/none`);
  }
  await send('/nothing');
});

it('answers what faults make of it', async () => {
  const { send } = await open({
    auth: false,
    faults: [
      { fault: 'rate-limited', on: { calls: [1] }, with: { retryAfterAs: 'http-date' } },
      { fault: 'unavailable', on: { calls: [2] }, with: { retryAfterSeconds: 2 } },
      { fault: 'unavailable', on: { ratio: 0.5 } },
    ],
  });
  const statuses = new Set<number>();
  for (let count = 0; count < 20; count += 1) statuses.add((await send('/items')).status);

  expect([...statuses].sort()).toEqual([200, 429, 503]);
});

it('tells of a reset as a TypeError with its cause', async () => {
  const { sendEach } = await open({ auth: false, faults: [{ fault: 'reset', on: { calls: [1] } }] });

  for (const answer of sendEach('/items')) {
    await expect(answer).rejects.toMatchObject({
      name: 'TypeError',
      message: 'fetch failed',
      cause: { code: 'ECONNRESET' },
    });
  }
  for (const answer of sendEach('/items')) expect((await answer).status).toBe(200);
});

it('tells of a connection that is closed as undici does', async () => {
  const { sendEach } = await open({ auth: false, faults: [{ fault: 'close', on: { calls: [1] } }] });

  for (const answer of sendEach('/items')) {
    await expect(answer).rejects.toMatchObject({
      name: 'TypeError',
      message: 'fetch failed',
      cause: { name: 'SocketError', code: 'UND_ERR_SOCKET' },
    });
  }
  for (const answer of sendEach('/items')) expect((await answer).status).toBe(200);
});

it.each([0, 0.5, 1])('breaks off after %s of the body, and the client is told', async (share) => {
  const { sendEach } = await open({ auth: false, faults: [{ fault: 'truncated-body', with: { share } }] });

  for (const answer of sendEach('/items?limit=50')) {
    const response = await answer;
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toMatchObject({
      name: 'TypeError',
      message: 'terminated',
      cause: { name: 'SocketError', code: 'UND_ERR_SOCKET' },
    });
  }
});

it('hands out what arrived of a body before it broke off', async () => {
  const { sendEach } = await open({ auth: false, faults: [{ fault: 'truncated-body', with: { share: 0.3 } }] });

  for (const answer of sendEach('/items?limit=50')) {
    const chunks: Uint8Array[] = [];
    const reading = (async () => {
      for await (const chunk of (await answer).body!) chunks.push(chunk);
    })();
    await expect(reading).rejects.toThrow('terminated');
    expect(Buffer.concat(chunks).toString()).toMatch(/^{"data":\[{"id":"ite_/);
  }
});

it('refuses headers that are too many, as Node does', async () => {
  const { sendEach, send, sendToWorker } = await open({
    auth: false,
    faults: [
      { fault: 'huge-headers', on: { calls: [1] } },
      { fault: 'huge-headers', on: { calls: [2] }, with: { bytes: 10_000 } },
    ],
  });

  await expect(sendToWorker('/items')).rejects.toThrow(TypeError);
  for (const answer of sendEach('/items')) {
    await expect(answer).rejects.toMatchObject({ cause: { code: 'UND_ERR_HEADERS_OVERFLOW' } });
  }
  expect((await send('/items')).headers['x-padding-3']).toHaveLength(10_000 - 2 * 4_096);
});

it.each([
  ['slow-headers', { fault: 'slow-headers', with: { forMs: 60 } }],
  ['dripped-body', { fault: 'dripped-body', with: { forMs: 60, pieces: 7 } }],
  ['close-idle', { fault: 'close-idle', with: { afterMs: 1 } }],
] as const)('delivers whole what %s delays, and what follows', async (_fault, entry) => {
  const { send } = await open({ auth: false, faults: [{ ...entry, on: { calls: [1, 2] } }] });

  for (let count = 0; count < 3; count += 1) expect((await send('/items')).json.data).toHaveLength(100);
});

it.each(['slow-headers', 'dripped-body'] as const)('hears the caller give up on %s', async (fault) => {
  const { sendEach, arrived } = await open({ auth: false, faults: [{ fault, with: { forMs: 600_000 } }] });
  const caller = new AbortController();
  const answers = sendEach('/items', { signal: caller.signal }).map((answer) => answer.then((each) => each.text()));
  await arrived(1);
  setTimeout(() => caller.abort('enough'), 20);

  for (const answer of answers) await expect(answer).rejects.toBe('enough');
});

it('spoils the body as both ways have it', async () => {
  const bodies = [
    'malformed-json',
    'wrong-content-type',
    'html-error-page',
    'internal-error',
    'overloaded',
    'ok-false',
  ];
  const { send } = await open({
    auth: false,
    faults: bodies.map((fault, index) => ({ fault: fault as 'ok-false', on: { calls: [index + 1] } })),
  });

  for (const fault of bodies) expect((await send('/items')).headers['x-fake-provider']).toBe(fault);
});

it('knows which wire faults it performs', () => {
  const kinds = ['close', 'close-idle', 'dripped-body', 'hang', 'reset', 'slow-headers', 'truncated-body'];

  expect([...socketPerforms].sort()).toEqual(kinds);
  expect([...fetchPerforms].sort()).toEqual(kinds.filter((kind) => kind !== 'close-idle'));
  expect([...mswPerforms].sort()).toEqual(['dripped-body', 'hang', 'slow-headers']);
});

it.each(['reset', 'close', 'truncated-body', 'huge-headers'] as const)(
  'tells the worker of %s as a network error',
  async (fault) => {
    const { sendToWorker } = await open({ auth: false, faults: [{ fault, on: { calls: [1] } }] });

    await expect(sendToWorker('/items')).rejects.toThrow(TypeError);
    expect((await sendToWorker('/items')).status).toBe(200);
  },
);

it('hangs behind the worker until the caller gives up', async () => {
  const { sendToWorker, behindWorker } = await open({ auth: false, faults: [{ fault: 'hang' }] });
  const caller = new AbortController();
  const answer = sendToWorker('/items', { signal: caller.signal });
  while (behindWorker.ledger.entries.length === 0) await new Promise((resolve) => setImmediate(resolve));
  caller.abort('enough');

  await expect(answer).rejects.toBe('enough');
});

it.each(['https://api.test/v1', 'api.test', ''])('takes an origin for the worker, not %j', async (baseUrl) => {
  const { behindWorker } = await open();

  expect(() => mswHandlers(behindWorker, { baseUrl })).toThrow(/^mswHandlers: baseUrl must be an origin/);
});

it('hangs until the caller gives up', async () => {
  const { sendEach, arrived } = await open({ auth: false, faults: [{ fault: 'hang' }] });
  const caller = new AbortController();
  const answers = sendEach('/items', { signal: caller.signal });
  await arrived(1);
  caller.abort('enough');

  for (const answer of answers) await expect(answer).rejects.toBe('enough');
});

it('waits as long as the provider thinks, or until the caller gives up', async () => {
  const { sendEach, arrived } = await open({ auth: false, latency: { minMs: 60_000, maxMs: 60_000 } });
  const caller = new AbortController();
  const answers = sendEach('/items', { signal: caller.signal });
  await arrived(1);
  caller.abort('enough');

  for (const answer of answers) await expect(answer).rejects.toBe('enough');
});

const SCOPES = { 'GET /items': 'all', 'GET /items/:id': 'one' };
const GRANT = 'grant_type=client_credentials';
const CREDENTIALS = `${GRANT}&client_id=demo-client&client_secret=demo-secret`;
const LIMITS: ConfigInput['limits'] = [
  { kind: 'fixed-window', name: 'window', with: { limit: 4, windowSeconds: 60 } },
  { kind: 'token-bucket', name: 'bucket', with: { ratePerSecond: 2, burst: 3 } },
];

/** Two providers, alike in everything but how they are reached. */
async function open(config: ConfigInput = {}) {
  const clocks = [manualClock(), manualClock(), manualClock()] as const;
  const [inProcess, overHttp, behindWorker] = clocks.map((clock) => createProvider(config, { clock }));
  server = await serve(overHttp!);
  const { url } = server;
  worker.use(...mswHandlers(behindWorker!, { baseUrl: url }));

  const sendEach = (path: string, init?: RequestInit): [Promise<Response>, Promise<Response>] => [
    inProcess!.fetch(`${url}${path}`, init),
    overTheWire(`${url}${path}`, init),
  ];
  const sendToWorker = (path: string, init?: RequestInit): Promise<Response> => fetch(`${url}${path}`, init);
  /** Sends the same all three ways, and gives back the answer they agree on. */
  async function send(path: string, init?: RequestInit) {
    const answers = await Promise.all([...sendEach(path, init), sendToWorker(path, init)]);
    const [one, other, third] = await Promise.all(answers.map(read));
    expect(one).toEqual(other);
    expect(third).toEqual(other);
    return {
      ...one!,
      get json() {
        return /^[{[]/.test(one!.body) ? JSON.parse(one!.body) : undefined;
      },
    };
  }

  return {
    url,
    send,
    sendEach,
    sendToWorker,
    behindWorker: behindWorker!,
    wait: (ms: number) => clocks.forEach((clock) => void clock.advance(ms)),
    revokeTokens() {
      inProcess!.revokeTokens();
      overHttp!.revokeTokens();
      behindWorker!.revokeTokens();
    },
    async withToken() {
      const body = new URLSearchParams(CREDENTIALS);
      const { json } = await send('/oauth/token', { method: 'POST', body });
      return { headers: { authorization: `Bearer ${json.access_token}` } };
    },
    /** Waits until so many requests have reached both. */
    async arrived(count: number) {
      const all = () => [inProcess!, overHttp!].every(({ ledger }) => ledger.entries.length >= count);
      while (!all()) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** What belongs to the connection, which only one of the two has. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'content-length', 'transfer-encoding'];

async function read(response: Response) {
  const headers = [...response.headers].filter(([name]) => !HOP_BY_HOP.includes(name));
  return {
    url: response.url,
    status: response.status,
    headers: Object.fromEntries(headers) as Record<string, string | undefined>,
    body: await response.text(),
  };
}
