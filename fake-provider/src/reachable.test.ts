import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { readConfigFile } from './config-file.ts';
import { lists } from './lists.ts';
import { createProvider } from './provider.ts';
import { type RunningServer, serve } from './transports/express.ts';

/** What is asked over HTTP of a provider that a file configures, and what shows that it does as the file says. */
type Case = readonly [yaml: string, see: (ask: Ask, url: string) => Promise<void>];

const CASES: Readonly<Record<string, Readonly<Record<string, Case>>>> = {
  faults: {
    'rate-limited': [
      fault('rate-limited, with: { retryAfterSeconds: 2, retryAfterAs: milliseconds-by-mistake }'),
      async (ask) => expect(await ask('/items')).toMatchObject({ status: 429, headers: { 'retry-after': '2000' } }),
    ],
    unavailable: [fault('unavailable'), expectStatus(503)],
    overloaded: [fault('overloaded'), expectStatus(529)],
    'internal-error': [fault('internal-error'), expectStatus(500)],
    'gateway-timeout': [fault('gateway-timeout'), expectStatus(504)],
    unauthorized: [fault('unauthorized'), expectStatus(401)],
    locked: [fault('locked'), expectStatus(423)],
    'ok-false': [fault('ok-false'), async (ask) => expect((await ask('/items')).json).toMatchObject({ ok: false })],
    'html-error-page': [
      fault('html-error-page'),
      async (ask) => expect((await ask('/items')).text).toMatch(/^<!DOCTYPE html>/),
    ],
    'malformed-json': [
      fault('malformed-json'),
      async (ask) => expect(await ask('/items')).toMatchObject({ status: 200, json: undefined }),
    ],
    'wrong-content-type': [
      fault('wrong-content-type, with: { contentType: text/plain }'),
      async (ask) => expect((await ask('/items')).headers['content-type']).toBe('text/plain'),
    ],
    'huge-headers': [fault('huge-headers'), expectFailure(/Header overflow|HPE_HEADER_OVERFLOW|Headers Overflow/i)],
    reset: [fault('reset'), expectFailure(/ECONNRESET/)],
    close: [fault('close'), expectFailure(/other side closed|UND_ERR_SOCKET/)],
    hang: [
      fault('hang'),
      async (_ask, url) => {
        const answer = fetch(`${url}/items`, { signal: AbortSignal.timeout(100) });
        await expect(answer).rejects.toMatchObject({ name: 'TimeoutError' });
      },
    ],
    'slow-headers': [
      fault('slow-headers, with: { forMs: 60000 }'),
      async (_ask, url) => {
        const answer = fetch(`${url}/items`, { signal: AbortSignal.timeout(200) });
        await expect(answer).rejects.toMatchObject({ name: 'TimeoutError' });
      },
    ],
    'dripped-body': [
      fault('dripped-body, with: { forMs: 60000 }'),
      async (_ask, url) => {
        const answer = await fetch(`${url}/items`, { signal: AbortSignal.timeout(300) });
        expect(answer.status).toBe(200);
        await expect(answer.text()).rejects.toMatchObject({ name: 'TimeoutError' });
      },
    ],
    'truncated-body': [fault('truncated-body'), expectFailure(/terminated/)],
    'close-idle': [
      fault('close-idle, with: { afterMs: 10 }'),
      (_ask, url) =>
        new Promise((resolve) => {
          get(`${url}/items`, (response) => response.resume().socket.once('close', () => resolve()));
        }),
    ],
  },
  limits: {
    'fixed-window': [limit('fixed-window', '{ limit: 2, windowSeconds: 60 }'), expectTwo],
    'sliding-window': [limit('sliding-window', '{ limit: 2, windowSeconds: 60 }'), expectTwo],
    'token-bucket': [limit('token-bucket', '{ ratePerSecond: 0.01, burst: 2 }'), expectTwo],
    'leaky-bucket': [limit('leaky-bucket', '{ leakPerSecond: 0.01, size: 2 }'), expectTwo],
    quota: [limit('quota', '{ limit: 2, period: day }'), expectTwo],
    'penalty-box': [limit('penalty-box', '{ limit: 2, windowSeconds: 60 }'), expectTwo],
    concurrency: [
      `${limit('concurrency', '{ limit: 2 }')}latency: { minMs: 200, maxMs: 200 }\n`,
      async (ask) => {
        const answers = await Promise.all(['/items', '/items', '/items'].map((path) => ask(path)));
        expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 429]);
      },
    ],
  },
  paginations: {
    offset: [listing('offset'), async (ask) => expect(await idsOf(ask, '?offset=8')).toHaveLength(2)],
    'page-number': [listing('page-number'), async (ask) => expect(await idsOf(ask, '?page=3')).toHaveLength(2)],
    cursor: [
      listing('cursor'),
      async (ask) => {
        const cursor = (await ask('/items')).json.next_cursor;
        expect(await idsOf(ask, `?cursor=${cursor}`)).toHaveLength(4);
      },
    ],
    link: [
      listing('link'),
      async (ask, url) => {
        const next = /<([^>]+)>; rel="next"/.exec((await ask('/items')).headers.link!)![1]!;
        expect((await ask(next.replace(url, ''))).json).toHaveLength(4);
      },
    ],
    keyset: [
      listing('keyset'),
      async (ask) => {
        const [, , , last] = await idsOf(ask);
        expect(await idsOf(ask, `?after_id=${last}&limit=10`)).toHaveLength(6);
      },
    ],
    'time-window': [
      listing('time-window'),
      async (ask) => {
        const [first, , third] = (await ask('/items')).json.data.map((record: Json) => record.created_at);
        expect(await idsOf(ask, `?created_from=${first}&created_to=${third}`)).toHaveLength(2);
      },
    ],
  },
  defects: {
    'empty-page': [
      listing('cursor', 'empty-page'),
      async (ask) => expect((await ask('/items')).json).toMatchObject({ data: [], has_more: true }),
    ],
    'short-page': [listing('cursor', 'short-page'), async (ask) => expect((await idsOf(ask)).length).toBeLessThan(4)],
    'last-page-says-more': [
      listing('cursor', 'last-page-says-more'),
      async (ask) => expect((await ask('/items?limit=10')).json.has_more).toBe(true),
    ],
    'missing-cursor': [
      listing('cursor', 'missing-cursor'),
      async (ask) => expect((await ask('/items')).json).toMatchObject({ has_more: true, next_cursor: null }),
    ],
    'repeated-cursor': [
      listing('cursor', 'repeated-cursor, on: { calls: [2] }'),
      async (ask) => {
        const cursor = (await ask('/items')).json.next_cursor;
        expect((await ask(`/items?cursor=${cursor}`)).json.next_cursor).toBe(cursor);
      },
    ],
    'cursor-loop': [
      listing('cursor', 'cursor-loop'),
      async (ask) => {
        const pages: string[][] = [];
        for (let query = ''; pages.length < 4; ) {
          const { data, next_cursor: next } = (await ask(`/items?limit=3${query}`)).json;
          pages.push(data.map(({ id }: Json) => id));
          query = `&cursor=${next}`;
        }
        expect(pages[3]).toEqual(pages[1]);
      },
    ],
    'cursor-expires': [
      listing('cursor', 'cursor-expires, with: { afterRequests: 1 }'),
      async (ask) => {
        const cursor = (await ask('/items')).json.next_cursor;
        await ask('/items');
        expect((await ask(`/items?cursor=${cursor}`)).status).toBe(410);
      },
    ],
    'foreign-next': [
      listing('link', 'foreign-next, with: { origin: "https://elsewhere.test" }'),
      async (ask) => expect((await ask('/items')).headers.link).toMatch(/^<https:\/\/elsewhere\.test\//),
    ],
    'duplicate-records': [
      listing('cursor', 'duplicate-records, on: { calls: [2] }'),
      async (ask) => {
        const { data, next_cursor: next } = (await ask('/items')).json;
        expect((await idsOf(ask, `?cursor=${next}`))[0]).toBe(data.at(-1).id);
      },
    ],
    'late-commits': [
      listing('keyset', 'late-commits, on: { calls: [2] }, with: { recordsPerRequest: 1, behind: 5 }'),
      async (ask) => {
        const [before, after] = [await idsOf(ask, '?limit=10'), await idsOf(ask, '?limit=20')];
        expect(after).toHaveLength(11);
        expect(after.at(-1)).toBe(before.at(-1));
      },
    ],
    'wrong-total': [
      listing('offset', 'wrong-total, with: { by: 5 }'),
      async (ask) => expect((await ask('/items')).json.total).toBe(15),
    ],
  },
  settings: {
    'auth.tokenTtlSeconds': [
      'auth: { tokenTtlSeconds: 60 }\nclock: manual\n',
      async (ask) => {
        const headers = bearer((await token(ask)).access_token);
        expect((await ask('/items', { headers })).status).toBe(200);
        await ask('/__admin/clock/advance', { method: 'POST', body: '{"seconds": 60}' });
        expect((await ask('/items', { headers })).status).toBe(401);
      },
    ],
    'auth.revokeAfterRequests': [
      'auth: { revokeAfterRequests: 1 }\n',
      async (ask) => {
        const headers = bearer((await token(ask)).access_token);
        expect([(await ask('/items', { headers })).status, (await ask('/items', { headers })).status]).toEqual([
          200, 401,
        ]);
      },
    ],
    'auth.expiresIn': [
      'auth: { expiresIn: omitted }\n',
      async (ask) => expect(await token(ask)).not.toHaveProperty('expires_in'),
    ],
    'auth.clockSkewSeconds': [
      'auth: { tokenTtlSeconds: 60, clockSkewSeconds: 59 }\nclock: manual\n',
      async (ask) => {
        const { access_token: access, expires_in: lives } = await token(ask);
        await ask('/__admin/clock/advance', { method: 'POST', body: '{"seconds": 1}' });
        expect([lives, (await ask('/items', { headers: bearer(access) })).status]).toEqual([60, 401]);
      },
    ],
    'auth.grants': [
      'auth: { clients: { app: { redirectUris: ["https://app.test/back"] } }, grants: [authorization_code] }\n',
      async (ask) => {
        const access = (await ask('/oauth/token', await codeExchange(ask, VERIFIER))).json.access_token;
        expect((await ask('/items', { headers: bearer(access) })).status).toBe(200);
      },
    ],
    'auth.pkce': [
      'auth: { clients: { app: { redirectUris: ["https://app.test/back"] } }, grants: [authorization_code] }\n',
      async (ask) => {
        const answer = await ask('/oauth/token', await codeExchange(ask, 'w'.repeat(43)));
        expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
      },
    ],
    'auth.refresh': [
      'auth: { grants: [refresh_token], refresh: { rotation: strict }, refreshTokens: { ref_0: demo-client } }\n',
      async (ask) => {
        const fields = { grant_type: 'refresh_token', refresh_token: 'ref_0' };
        expect((await token(ask, fields)).refresh_token).not.toBe('ref_0');
        expect(await token(ask, fields)).toMatchObject({ error: 'invalid_grant' });
      },
    ],
    'auth.scopes': [
      'auth: { clients: { demo-client: { secret: demo-secret, scopes: [other] } }, scopes: { GET /items: read } }\n',
      async (ask) => {
        const headers = bearer((await token(ask)).access_token);
        expect((await ask('/items', { headers })).status).toBe(403);
      },
    ],
    'auth.apiKeys': [
      'auth: { apiKeys: { my-key: acme } }\n',
      async (ask) => {
        expect((await ask('/items', { headers: { 'x-api-key': 'my-key' } })).status).toBe(200);
        expect((await ask('/items', { headers: { 'x-api-key': 'no-key' } })).status).toBe(401);
      },
    ],
    'auth.basic': [
      'auth: { basic: true }\n',
      async (ask) => {
        const headers = { authorization: `Basic ${btoa('demo-client:demo-secret')}` };
        expect((await ask('/items', { headers })).status).toBe(200);
      },
    ],
    clockSkewSeconds: [
      'clock: manual\nauth: false\nclockSkewSeconds: 90\n',
      async (ask) => expect((await ask('/items')).headers.date).toBe('Thu, 01 Jan 2026 00:01:30 GMT'),
    ],
    latency: [
      'auth: false\nlatency: { minMs: 60000, maxMs: 60000 }\n',
      async (_ask, url) => {
        const answer = fetch(`${url}/items`, { signal: AbortSignal.timeout(100) });
        await expect(answer).rejects.toMatchObject({ name: 'TimeoutError' });
      },
    ],
    'limits.per': [
      `auth: { apiKeys: { one: a, two: b } }\n${rule('per: client, with: { limit: 1, windowSeconds: 60 }')}`,
      async (ask) => {
        const statuses = [];
        for (const key of ['one', 'two', 'one']) statuses.push((await ask('/items', { headers: bearer(key) })).status);
        expect(statuses).toEqual([200, 200, 429]);
      },
    ],
    'limits.classes': [
      `auth: false\n${rule('classes: [write], with: { limit: 1, windowSeconds: 60 }')}`,
      async (ask) => {
        expect([(await create(ask)).status, (await create(ask)).status]).toEqual([201, 429]);
        expect((await ask('/items')).status).toBe(200);
      },
    ],
    'limits.cost': [
      `auth: false\n${rule('cost: { read: 3 }, with: { limit: 5, windowSeconds: 60 }')}`,
      async (ask) => expect((await ask('/items')).headers['ratelimit-remaining']).toBe('2'),
    ],
    'limits.announced': [
      `auth: false\n${rule('announced: false, with: { limit: 1, windowSeconds: 60 }')}`,
      async (ask) => {
        expect((await ask('/items')).headers).not.toHaveProperty('ratelimit-remaining');
        expect((await ask('/items')).status).toBe(429);
      },
    ],
    'limits.countRefused': [
      `auth: false\nclock: manual\n${rule('countRefused: true, with: { limit: 1, windowSeconds: 60 }', 'sliding-window')}`,
      async (ask) => {
        const statuses = [];
        for (let call = 0; call < 3; call += 1) {
          statuses.push((await ask('/items')).status);
          await ask('/__admin/clock/advance', { method: 'POST', body: '{"seconds": 45}' });
        }
        expect(statuses).toEqual([200, 429, 429]);
      },
    ],
    'limits.othersPerSecond': [
      `auth: false\nclock: manual\n${rule('per: everyone, othersPerSecond: 1, with: { limit: 100, windowSeconds: 60 }')}`,
      async (ask) => {
        await ask('/__admin/clock/advance', { method: 'POST', body: '{"seconds": 50}' });
        expect(Number((await ask('/items')).headers['ratelimit-remaining'])).toBeLessThan(80);
      },
    ],
    'resources.churn': [
      'auth: false\nresources: { items: { records: 10, churn: { deletesPerRequest: 1 } } }\n',
      async (ask) => expect(await idsOf(ask)).toHaveLength(9),
    ],
    'resources.pageSize': [
      'auth: false\nresources: { items: { pageSize: { default: 5, max: 5, overMax: cap } } }\n',
      async (ask) => expect(await idsOf(ask, '?limit=50')).toHaveLength(5),
    ],
    'resources.recordsPerInstant': [
      'auth: false\nresources: { items: { records: 10, recordsPerInstant: 5 } }\n',
      async (ask) => {
        const instants = (await ask('/items')).json.data.map((record: Json) => record.created_at);
        expect(new Set(instants).size).toBe(2);
      },
    ],
    'resources.batch': [
      'auth: false\nresources: { items: { batch: { maxItems: 2, poison: { names: [bad] } } } }\n',
      async (ask) => {
        const batch = async (...names: string[]) =>
          (await ask('/items/batch', post(names.map((name) => ({ name }))))).status;
        expect([await batch('a', 'b'), await batch('a', 'bad'), await batch('a', 'b', 'c')]).toEqual([200, 400, 413]);
        expect((await ask('/items/batch', post([{ name: 'a' }, {}]))).status).toBe(207);
      },
    ],
    idempotency: [
      'auth: false\nlatency: { minMs: 150, maxMs: 150 }\n',
      async (ask) => {
        const [first, meanwhile] = await Promise.all([create(ask, 'k-1'), create(ask, 'k-1')]);
        expect([first.status, meanwhile.status].sort()).toEqual([201, 409]);
        expect((await create(ask, 'k-1')).headers['idempotent-replayed']).toBe('true');
        expect((await create(ask, 'k-1', 'another')).status).toBe(422);
      },
    ],
  },
};

const folder = mkdtempSync(join(tmpdir(), 'fake-provider-reachable-'));
afterAll(() => rmSync(folder, { recursive: true }));

let server: RunningServer | undefined;
afterEach(() => server?.close());

describe.each(Object.entries(CASES))('%s', (list, cases) => {
  it('are shown one by one, as they are listed', () => {
    expect(Object.keys(cases).sort()).toEqual(lists[list]!.entries.map(({ name }) => name).sort());
  });

  it.each(Object.entries(cases))('%s, by a file and over HTTP', async (_name, [yaml, see]) => {
    const url = await open(yaml);

    await see((path, init) => ask(`${url}${path}`, init), url);
  });
});

it.each(lists.profiles!.entries.map(({ name }) => name))('behaves as %s, by a file and over HTTP', async (profile) => {
  const url = await open(`profile: ${profile}\n`);

  expect((await ask(`${url}/__admin/health`)).json).toMatchObject({ profile });
  expect((await ask(`${url}/nowhere`)).json).toBeTypeOf('object');
});

it('slows or fails the token endpoint, as any other', async () => {
  const url = await open(`faults:
  - { fault: unavailable, on: { route: POST /oauth/token, calls: [1] } }
  - { fault: hang, on: { route: POST /oauth/token, calls: [2] } }
`);
  const form = new URLSearchParams({ ...CLIENT, grant_type: 'client_credentials' });
  const again = () => fetch(`${url}/oauth/token`, { method: 'POST', body: form, signal: AbortSignal.timeout(500) });

  expect((await again()).status).toBe(503);
  await expect(again()).rejects.toMatchObject({ name: 'TimeoutError' });
  expect((await again()).status).toBe(200);
});

it('loses the answer to a write that happened', async () => {
  const url = await open(
    'auth: false\nresources: { items: { records: 0 } }\nfaults: [{ fault: reset, on: { route: POST /items, calls: [1] }, with: { when: after } }]\n',
  );
  const send = (path: string, init?: RequestInit) => ask(`${url}${path}`, init);

  await expect(create(send, 'k-1')).rejects.toThrow();
  expect((await create(send, 'k-1')).headers['idempotent-replayed']).toBe('true');
  expect(await idsOf(send)).toHaveLength(1);
});

/** As it comes from JSON. */
// biome-ignore lint/suspicious/noExplicitAny: what is not as expected is what the test would show
type Json = any;

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly json: Json;
}

type Ask = (path: string, init?: RequestInit) => Promise<Answer>;

const CLIENT = { client_id: 'demo-client', client_secret: 'demo-secret' };
const VERIFIER = 'v'.repeat(43);

async function open(yaml: string): Promise<string> {
  const file = join(folder, 'config.yaml');
  writeFileSync(file, yaml);
  server = await serve(createProvider(readConfigFile(file)));
  return server.url;
}

async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { redirect: 'manual', ...init });
  const text = await response.text();
  return { status: response.status, headers: Object.fromEntries(response.headers), text, json: parsed(text) };
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function idsOf(send: Ask, query = ''): Promise<string[]> {
  return (await send(`/items${query}`)).json.data.map(({ id }: Json) => id);
}

async function token(send: Ask, fields: Record<string, string> = { grant_type: 'client_credentials' }): Promise<Json> {
  const body = new URLSearchParams({ ...CLIENT, ...fields });
  return (await send('/oauth/token', { method: 'POST', body })).json;
}

/** Has a user consent, and says what a client sends for the code. */
async function codeExchange(send: Ask, verifier: string): Promise<RequestInit> {
  const client = { client_id: 'app', redirect_uri: 'https://app.test/back' };
  const challenge = createHash('sha256').update(VERIFIER).digest('base64url');
  const asked = { ...client, response_type: 'code', code_challenge: challenge, code_challenge_method: 'S256' };
  const { headers } = await send(`/oauth/authorize?${new URLSearchParams(asked)}`);
  const code = new URL(headers.location!).searchParams.get('code')!;
  const body = new URLSearchParams({ ...client, grant_type: 'authorization_code', code, code_verifier: verifier });
  return { method: 'POST', body };
}

function bearer(text: string): Record<string, string> {
  return { authorization: `Bearer ${text}` };
}

function post(body: unknown, headers: Record<string, string> = {}): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}

function create(send: Ask, key?: string, name = 'one'): Promise<Answer> {
  return send('/items', post({ name }, key === undefined ? {} : { 'idempotency-key': key }));
}

function fault(entry: string): string {
  return `auth: false\nfaults: [{ fault: ${entry} }]\n`;
}

function rule(entry: string, kind = 'fixed-window'): string {
  return `limits: [{ kind: ${kind}, name: limit, ${entry} }]\n`;
}

function limit(kind: string, options: string): string {
  return `auth: false\n${rule(`with: ${options}`, kind)}`;
}

/** Ten records, four to a page. */
function listing(pagination: string, defect?: string): string {
  const defects = defect === undefined ? '' : `, defects: [{ defect: ${defect} }]`;
  const size = 'pageSize: { default: 4, max: 20 }';
  return `auth: false\nresources: { items: { records: 10, ${size}, pagination: ${pagination}${defects} } }\n`;
}

function expectStatus(status: number): Case[1] {
  return async (send) => expect((await send('/items')).status).toBe(status);
}

function expectFailure(reason: RegExp): Case[1] {
  return async (send) => {
    const error = (await send('/items').catch((failure: unknown) => failure)) as Error & { cause?: Error };
    const cause = error.cause as (Error & { code?: string }) | undefined;
    expect(`${error.message} ${cause?.code} ${cause?.message}`).toMatch(reason);
  };
}

async function expectTwo(send: Ask): Promise<void> {
  const statuses = [];
  for (let call = 0; call < 3; call += 1) statuses.push((await send('/items')).status);
  expect(statuses).toEqual([200, 200, 429]);
}
