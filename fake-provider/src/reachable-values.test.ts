import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { readConfigFile } from './config-file.ts';
import { configJsonSchema } from './json-schema.ts';
import { createProvider } from './provider.ts';
import { type RunningServer, serve } from './transports/express.ts';

const BACK = 'https://app.test/back';
const VERIFIER = 'v'.repeat(43);
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');

/** What is asked over HTTP of a provider that a file configures, and what shows that it does as the file says. */
type Case = readonly [yaml: string, see: (ask: Ask, url: string) => Promise<void>];

/** Every value of every field that takes one of several, apart from those in {@link ELSEWHERE}. */
const CASES: Readonly<Record<string, Readonly<Record<string, Case>>>> = {
  clock: {
    real: [
      'auth: false\nclock: real\n',
      async (ask) => {
        const before = Math.floor(Date.now() / 1_000) * 1_000;
        const date = Date.parse((await ask('/items')).headers.date!);
        expect(date).toBeGreaterThanOrEqual(before);
        expect(date).toBeLessThanOrEqual(Date.now());
      },
    ],
    manual: [
      'auth: false\nclock: manual\n',
      async (ask) => {
        await advance(ask, 5);
        expect((await ask('/items')).headers.date).toBe('Thu, 01 Jan 2026 00:00:05 GMT');
      },
    ],
  },
  'auth.grants': {
    client_credentials: ['', async (ask) => expect(await token(ask)).toMatchObject({ token_type: 'Bearer' })],
    refresh_token: [
      refreshing('strict'),
      async (ask) => expect(await refresh(ask, 'ref_0')).toMatchObject({ token_type: 'Bearer' }),
    ],
    authorization_code: [
      coding('required'),
      async (ask) => {
        const challenge = { code_challenge: CHALLENGE, code_challenge_method: 'S256' };
        const exchanged = await exchange(ask, await consent(ask, challenge), { code_verifier: VERIFIER });
        expect(exchanged).toMatchObject({ token_type: 'Bearer' });
      },
    ],
  },
  'auth.expiresIn': {
    stated: [lifetime('stated'), told(60)],
    omitted: [lifetime('omitted'), told(undefined)],
    string: [lifetime('string'), told('60')],
    zero: [lifetime('zero'), told(0)],
    negative: [lifetime('negative'), told(-1)],
    wrong: [lifetime('wrong'), told(600)],
  },
  'auth.refresh.rotation': {
    none: [
      refreshing('none'),
      async (ask) => {
        const answers = [await refresh(ask, 'ref_0'), await refresh(ask, 'ref_0')];
        for (const answer of answers) {
          expect(answer).not.toHaveProperty('refresh_token');
          expect((await ask('/items', bearing(answer.access_token))).status).toBe(200);
        }
      },
    ],
    strict: [
      refreshing('strict'),
      async (ask) => {
        const first = await refresh(ask, 'ref_0');
        expect(await refresh(ask, 'ref_0')).toMatchObject({ error: 'invalid_grant' });
        expect(await refresh(ask, first.refresh_token)).toMatchObject({ error: 'invalid_grant' });
        expect((await ask('/items', bearing(first.access_token))).status).toBe(401);
      },
    ],
    grace: [
      refreshing('grace', 'graceSeconds: 10'),
      async (ask) => {
        await refresh(ask, 'ref_0');
        await advance(ask, 9);
        const again = await refresh(ask, 'ref_0');
        expect((await ask('/items', bearing(again.access_token))).status).toBe(200);
        await advance(ask, 1);
        expect(await refresh(ask, 'ref_0')).toMatchObject({ error: 'invalid_grant' });
        expect((await ask('/items', bearing(again.access_token))).status).toBe(401);
      },
    ],
  },
  'auth.pkce': {
    required: [
      coding('required'),
      async (ask) => expect((await consent(ask)).searchParams.get('error')).toBe('invalid_request'),
    ],
    optional: [
      coding('optional'),
      async (ask) => expect(await exchange(ask, await consent(ask))).toMatchObject({ token_type: 'Bearer' }),
    ],
  },
  dialect: {
    neutral: speaking('neutral', 429, { 'ratelimit-remaining': '0', 'retry-after': '60' }, 'error.code: rate_limited'),
    ietf: speaking('ietf', 429, { ratelimit: '"limit";r=0;t=60' }, 'violated-policies.0: limit'),
    github: speaking('github', 403, { 'x-ratelimit-used': '1' }, 'message: API rate limit exceeded for user ID 1.'),
    stripe: speaking('stripe', 429, { 'stripe-rate-limited-reason': 'global-rate' }, 'error.code: rate_limit'),
    hubspot: speaking('hubspot', 429, { 'x-hubspot-ratelimit-remaining': '0' }, 'errorType: RATE_LIMIT'),
    salesforce: speaking(
      'salesforce',
      403,
      { 'sforce-limit-info': 'api-usage=1/1' },
      '0.errorCode: REQUEST_LIMIT_EXCEEDED',
    ),
    slack: speaking('slack', 429, { 'retry-after': '60' }, 'error: ratelimited'),
    shopify: speaking('shopify', 429, { 'x-shopify-shop-api-call-limit': '1/1' }),
    zendesk: speaking('zendesk', 429, { 'x-rate-limit-remaining': '0' }, 'error: APIRateLimitExceeded'),
    discord: speaking('discord', 429, { 'x-ratelimit-scope': 'user' }, 'global: false'),
    x: speaking('x', 429, { 'x-rate-limit-remaining': '0' }, 'title: Too Many Requests'),
    mixpanel: speaking('mixpanel', 429, {}, 'status: Too Many Requests'),
    notion: speaking('notion', 429, { 'retry-after': '60' }, 'code: rate_limited'),
    openai: speaking('openai', 429, { 'x-ratelimit-reset-requests': '1m0s' }, 'error.code: rate_limit_exceeded'),
    google: speaking('google', 403, {}, 'error.errors.0.reason: rateLimitExceeded'),
  },
  'resources.order': {
    'oldest-first': [items('records: 3, order: oldest-first'), inOrder(1)],
    'newest-first': [items('records: 3, order: newest-first'), inOrder(-1)],
  },
  'resources.pageSize.overMax': {
    reject: [
      items('pageSize: { default: 5, max: 5, overMax: reject }'),
      async (ask) =>
        expect(await ask('/items?limit=6')).toMatchObject({ status: 400, json: { error: { field: 'limit' } } }),
    ],
    cap: [
      items('pageSize: { default: 5, max: 5, overMax: cap }'),
      async (ask) => expect(await recordsOf(ask, '?limit=6')).toHaveLength(5),
    ],
  },
  'resources.churn.insertAt': {
    newest: [
      items('records: 10, churn: { insertsPerRequest: 1, insertAt: newest }'),
      async (ask) => {
        const [before, after] = [await idsOf(ask), await idsOf(ask)];
        expect(after).toEqual([...before, after.at(-1)]);
      },
    ],
    anywhere: [
      items('records: 10, churn: { insertsPerRequest: 5, insertAt: anywhere }'),
      async (ask) => {
        const [before, after] = [await idsOf(ask), await idsOf(ask)];
        expect(after).toEqual(expect.arrayContaining(before));
        expect(after.slice(0, before.length)).not.toEqual(before);
      },
    ],
  },
  'idempotency.methods': {
    POST: keyed('POST'),
    PATCH: keyed('PATCH'),
    DELETE: keyed('DELETE'),
  },
  'limits.per': {
    client: [sharedBy('client'), statuses({ one: 200, two: 429, three: 200, four: 200 })],
    token: [sharedBy('token'), statuses({ one: 200, two: 200, three: 200, four: 200, 'one again': 429 })],
    organisation: [sharedBy('organisation'), statuses({ one: 200, two: 429, three: 429, four: 200 })],
    ip: [
      sharedBy('ip'),
      async (ask, url) => {
        await statuses({ one: 200, four: 429 })(ask, url);
        expect(await statusFrom('127.0.0.2', url)).toBe(200);
      },
    ],
    everyone: [
      sharedBy('everyone'),
      async (ask, url) => {
        await statuses({ one: 200, four: 429 })(ask, url);
        expect(await statusFrom('127.0.0.2', url)).toBe(429);
      },
    ],
  },
  'limits.classes': {
    auth: counted('auth', 'POST /oauth/v1/token'),
    read: counted('read', 'GET /items'),
    search: counted('search', 'POST /items/search'),
    write: counted('write', 'POST /items'),
  },
  'limits.purpose': {
    rate: meaning('rate', 'google', 'error.errors.0.reason: rateLimitExceeded'),
    quota: meaning('quota', 'google', 'error.errors.0.reason: dailyLimitExceeded'),
    concurrency: meaning(
      'concurrency',
      'salesforce',
      '0.message: ConcurrentRequests (Concurrent API Requests) Limit exceeded.',
    ),
    secondary: meaning('secondary', 'google', 'error.status: RESOURCE_EXHAUSTED'),
  },
  'limits.with.begins': {
    clock: [
      limited('fixed-window', '{ limit: 1, windowSeconds: 60, begins: clock }'),
      // Ten seconds before a minute of the clock ends.
      async (ask) => {
        await advance(ask, 50);
        expect(await afterwards(ask, [0, 10])).toEqual([200, 200]);
      },
    ],
    'first-request': [
      limited('fixed-window', '{ limit: 1, windowSeconds: 60, begins: first-request }'),
      async (ask) => {
        await advance(ask, 50);
        expect(await afterwards(ask, [0, 10, 50])).toEqual([200, 429, 200]);
      },
    ],
  },
  'limits.with.period': {
    hour: [limited('quota', '{ limit: 1, period: hour }'), renewedAfter(3_600)],
    day: [limited('quota', '{ limit: 1, period: day }'), renewedAfter(86_400)],
    month: [limited('quota', '{ limit: 1, period: month }'), renewedAfter(31 * 86_400)],
    'rolling-24-hours': [
      limited('quota', '{ limit: 1, period: rolling-24-hours }'),
      async (ask, url) => {
        await advance(ask, 43_200);
        await renewedAfter(86_400)(ask, url);
      },
    ],
  },
  'faults.with.retryAfterAs': {
    seconds: spelt('seconds', '7'),
    'http-date': spelt('http-date', 'Thu, 01 Jan 2026 00:00:07 GMT'),
    'http-date-rfc850': spelt('http-date-rfc850', 'Thursday, 01-Jan-26 00:00:07 GMT'),
    'http-date-asctime': spelt('http-date-asctime', 'Thu Jan  1 00:00:07 2026'),
    decimal: spelt('decimal', '7.0'),
    'milliseconds-by-mistake': spelt('milliseconds-by-mistake', '7000'),
    negative: spelt('negative', '-7'),
    garbage: spelt('garbage', 'soon'),
    absent: spelt('absent', undefined),
    zero: spelt('zero', '0'),
  },
  'faults.with.when': {
    before: [resetting('before'), async (ask) => expect(await idsAfterReset(ask)).toHaveLength(0)],
    after: [resetting('after'), async (ask) => expect(await idsAfterReset(ask)).toHaveLength(1)],
  },
  'faults.with.how': {
    cut: [
      'auth: false\nfaults: [{ fault: malformed-json, on: { calls: [1] }, with: { how: cut } }]\n',
      async (ask) => {
        const [broken, whole] = [await ask('/items'), await ask('/items')];
        expect(broken.json).toBeUndefined();
        expect(whole.text.startsWith(broken.text)).toBe(true);
      },
    ],
    trailing: [
      'auth: false\nfaults: [{ fault: malformed-json, on: { calls: [1] }, with: { how: trailing } }]\n',
      async (ask) => {
        const [broken, whole] = [await ask('/items'), await ask('/items')];
        expect(broken.json).toBeUndefined();
        expect(broken.text.startsWith(whole.text)).toBe(true);
      },
    ],
  },
};

/** Whose values are shown, one by one, where lists are: in `reachable.test.ts`. */
const ELSEWHERE = ['profile', 'resources.pagination'];

/** A clock that moves the timers of its own process is for no server. */
const IN_PROCESS_ONLY: Readonly<Record<string, readonly string[]>> = { clock: ['auto'] };

const folder = mkdtempSync(join(tmpdir(), 'fake-provider-values-'));
afterAll(() => rmSync(folder, { recursive: true }));

let server: RunningServer | undefined;
afterEach(() => server?.close());

it('shows every value of every field that takes one of several', () => {
  const shown = Object.entries(CASES).map(([field, cases]) => [field, Object.keys(cases).sort()]);
  const known = [...choicesOf(configJsonSchema())]
    .filter(([field]) => !ELSEWHERE.includes(field))
    .map(([field, values]) => [field, values.filter((value) => !IN_PROCESS_ONLY[field]?.includes(value)).sort()]);

  expect(shown.sort()).toEqual(known.sort());
});

describe.each(Object.entries(CASES))('%s', (_field, cases) => {
  it.each(Object.entries(cases))('%s, by a file and over HTTP', async (_value, [yaml, see]) => {
    const url = await open(yaml);

    await see((path, init) => ask(`${url}${path}`, init), url);
  });
});

it('takes client id and secret in the header of a token request, and no wrong ones', async () => {
  const url = await open('auth: { clients: { "my app": "se:cr+et" } }\n');
  const body = new URLSearchParams({ grant_type: 'client_credentials' });
  const under = (secret: string) => ({ authorization: `Basic ${btoa(`my+app:${encodeURIComponent(secret)}`)}` });
  const good = await ask(`${url}/oauth/token`, { method: 'POST', body, headers: under('se:cr+et') });
  const wrong = await ask(`${url}/oauth/token`, { method: 'POST', body, headers: under('other') });

  expect((await ask(`${url}/items`, bearing(good.json.access_token))).status).toBe(200);
  expect(wrong).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
  expect(wrong.headers['www-authenticate']).toBe('Basic realm="token"');
});

it('refuses a token in the words of RFC 6749', async () => {
  const url = await open('auth: { scopes: { GET /items: read } }\n');
  const errorOf = async (fields: Record<string, string>) =>
    (await token((path, init) => ask(`${url}${path}`, init), fields)).error;

  expect(await errorOf({ grant_type: '' })).toBe('invalid_request');
  expect(await errorOf({ grant_type: 'password' })).toBe('unsupported_grant_type');
  expect(await errorOf({ grant_type: 'client_credentials', scope: 'admin' })).toBe('invalid_scope');
  expect(await errorOf({ grant_type: 'client_credentials', client_secret: 'wrong' })).toBe('invalid_client');
});

it('keeps several limits at once, each for itself', async () => {
  const url = await open(`auth: false
clock: manual
limits:
  - { kind: fixed-window, name: second, with: { limit: 2, windowSeconds: 1 } }
  - { kind: token-bucket, name: minute, with: { ratePerSecond: 0.05, burst: 3 } }
`);
  const seen = [];
  for (const waitSeconds of [0, 0, 0, 1, 0, 19]) {
    await advance((path, init) => ask(`${url}${path}`, init), waitSeconds);
    const { status, headers } = await ask(`${url}/items`);
    seen.push([status, headers['x-fake-provider']]);
  }

  expect(seen).toEqual([
    [200, undefined],
    [200, undefined],
    [429, 'second'],
    [200, undefined],
    [429, 'minute'],
    [200, undefined],
  ]);
});

it('asks a client to stay away for too long', async () => {
  const url = await open('auth: false\nfaults: [{ fault: rate-limited, with: { retryAfterSeconds: 1000000000 } }]\n');

  expect((await ask(`${url}/items`)).headers['retry-after']).toBe('1000000000');
});

it('changes records while a client pages, and leaves the number of them', async () => {
  const url = await open(items('records: 10, churn: { updatesPerRequest: 1 }'));
  const send: Ask = (path, init) => ask(`${url}${path}`, init);
  const [before, after] = [await recordsOf(send), await recordsOf(send)];
  const changed = after.filter((record, at) => record.version !== before[at].version);

  expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
  expect(changed).toHaveLength(1);
  expect(changed[0].updated_at).not.toBe(changed[0].created_at);
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

/** The values of every field of a JSON Schema that takes one of several, by the way to the field. */
function choicesOf(schema: unknown, way: readonly string[] = []): Map<string, string[]> {
  const found = new Map<string, string[]>();
  if (typeof schema !== 'object' || schema === null) return found;
  const { enum: values } = schema as { readonly enum?: string[] };
  if (Array.isArray(values)) found.set(way.join('.'), values);
  for (const [key, part] of Object.entries(schema)) {
    const isOfTheSchema = /^(\d+|properties|additionalProperties|items|anyOf|oneOf)$/.test(key);
    for (const [field, inside] of choicesOf(part, isOfTheSchema ? way : [...way, key])) found.set(field, inside);
  }
  return found;
}

function advance(send: Ask, seconds: number): Promise<Answer> {
  return send('/__admin/clock/advance', { method: 'POST', body: JSON.stringify({ seconds }) });
}

function bearing(credential: string): RequestInit {
  return { headers: { authorization: `Bearer ${credential}` } };
}

async function token(send: Ask, fields: Record<string, string> = {}): Promise<Json> {
  const client = { client_id: 'demo-client', client_secret: 'demo-secret' };
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...client, ...fields });
  return (await send('/oauth/token', { method: 'POST', body })).json;
}

function refresh(send: Ask, refreshToken: string): Promise<Json> {
  return token(send, { grant_type: 'refresh_token', refresh_token: refreshToken });
}

function refreshing(rotation: string, more = ''): string {
  const refreshTokens = 'refreshTokens: { ref_0: demo-client }';
  return `clock: manual\nauth: { grants: [refresh_token], refresh: { rotation: ${rotation}, ${more} }, ${refreshTokens} }\n`;
}

function coding(pkce: string): string {
  const clients = `clients: { demo-client: { secret: demo-secret, redirectUris: ["${BACK}"] } }`;
  return `auth: { ${clients}, grants: [authorization_code], pkce: ${pkce} }\n`;
}

/** Where a user who consents is sent back to. */
async function consent(send: Ask, more: Record<string, string> = {}): Promise<URL> {
  const asked = new URLSearchParams({ client_id: 'demo-client', redirect_uri: BACK, response_type: 'code', ...more });
  return new URL((await send(`/oauth/authorize?${asked}`)).headers.location!);
}

function exchange(send: Ask, { searchParams }: URL, more: Record<string, string> = {}): Promise<Json> {
  const code = searchParams.get('code')!;
  return token(send, { grant_type: 'authorization_code', redirect_uri: BACK, code, ...more });
}

function lifetime(expiresIn: string): string {
  return `clock: manual\nauth: { tokenTtlSeconds: 60, expiresIn: ${expiresIn} }\n`;
}

/** Whatever the token endpoint tells of it, a token lasts a minute. */
function told(expiresIn: unknown): Case[1] {
  return async (send) => {
    const { access_token: credential, expires_in: seconds } = await token(send);
    const after = async (wait: number) => {
      await advance(send, wait);
      return (await send('/items', bearing(credential))).status;
    };
    expect([seconds, await after(59), await after(1)]).toEqual([expiresIn, 200, 401]);
  };
}

function limited(kind: string, options: string): string {
  return `auth: false\nclock: manual\nlimits: [{ kind: ${kind}, name: limit, with: ${options} }]\n`;
}

/** A dialect, and what it says of a limit of one request in a minute that is reached. */
function speaking(dialect: string, status: number, headers: Record<string, string>, said?: string): Case {
  return [
    `dialect: ${dialect}\n${limited('fixed-window', '{ limit: 1, windowSeconds: 60 }')}`,
    async (send) => {
      const [method, path] = LISTED_AT[dialect] ?? ['GET', '/items'];
      await send(path, { method });
      const answer = await send(path, { method });
      expect(answer).toMatchObject({ status, headers });
      expect(answer.headers['content-type']).toMatch(/^application\/(problem\+)?json\b/);
      if (said !== undefined) expect(saying(answer.json, said)).toBe(said);
    },
  ];
}

/** Dialects that list records elsewhere. */
const LISTED_AT: Readonly<Record<string, [method: string, path: string]>> = {
  slack: ['POST', '/items'],
  zendesk: ['GET', '/items.json'],
};

/** What a body says at the way that `said` names, told in the same form. */
function saying(body: Json, said: string): string {
  const [way = ''] = said.split(': ');
  return `${way}: ${way.split('.').reduce((part: Json, step) => part?.[step], body)}`;
}

/** A purpose, and a dialect that tells it from the others. */
function meaning(purpose: string, dialect: string, said: string): Case {
  const options = 'with: { limit: 1, windowSeconds: 60 }';
  return [
    `auth: false\ndialect: ${dialect}\nlimits: [{ kind: fixed-window, name: limit, purpose: ${purpose}, ${options} }]\n`,
    async (send) => {
      await send('/items');
      expect(saying((await send('/items')).json, said)).toBe(said);
    },
  ];
}

function items(options: string): string {
  return `auth: false\nclock: manual\nresources: { items: { ${options} } }\n`;
}

async function recordsOf(send: Ask, query = ''): Promise<Json[]> {
  return (await send(`/items${query}`)).json.data;
}

async function idsOf(send: Ask): Promise<string[]> {
  return (await recordsOf(send)).map(({ id }) => id);
}

function inOrder(direction: 1 | -1): Case[1] {
  return async (send) => {
    const [first, second, third] = (await recordsOf(send)).map(({ created_at: at }) => Date.parse(at) * direction);
    expect(first).toBeLessThan(second!);
    expect(second).toBeLessThan(third!);
  };
}

/** A method for which keys count, alone: the same request again is answered from memory, one by another method is not. */
function keyed(method: 'POST' | 'PATCH' | 'DELETE'): Case {
  const others = { POST: 'PATCH', PATCH: 'POST', DELETE: 'POST' };
  return [
    `idempotency: { methods: [${method}] }\n${items('records: 3')}`,
    async (send) => {
      const [{ id }] = await recordsOf(send);
      const twice = async (by: string) => {
        const headers = { 'content-type': 'application/json', 'idempotency-key': `key-${by}` };
        const init = { method: by, headers, body: by === 'DELETE' ? null : '{"name": "one"}' };
        const path = by === 'POST' ? '/items' : `/items/${id}`;
        await send(path, init);
        return (await send(path, init)).headers['idempotent-replayed'];
      };
      expect(await twice(method)).toBe('true');
      expect(await twice(others[method])).toBeUndefined();
    },
  ];
}

/** Four keys: two of one client, another of the same organisation, and one of another. */
function sharedBy(per: string): string {
  const clients = 'a: { secret: s, organisation: acme }, b: { secret: s, organisation: acme }, c: { secret: s }';
  const apiKeys = 'one: a, two: a, three: b, four: c';
  return `auth: { clients: { ${clients} }, apiKeys: { ${apiKeys} } }
clock: manual
limits: [{ kind: fixed-window, name: limit, per: ${per}, with: { limit: 1, windowSeconds: 60 } }]
`;
}

/** What comes of one request with each key, in this order. */
function statuses(expected: Readonly<Record<string, number>>): Case[1] {
  return async (send) => {
    const seen: Record<string, number> = {};
    for (const name of Object.keys(expected)) seen[name] = (await send('/items', bearing(name.split(' ')[0]!))).status;
    expect(seen).toEqual(expected);
  };
}

/** What comes of a request with the first key from another address of this machine. */
function statusFrom(localAddress: string, url: string): Promise<number | undefined> {
  const headers = { authorization: 'Bearer one' };
  return new Promise((resolve, reject) => {
    get(`${url}/items`, { localAddress, headers, agent: false }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    }).once('error', reject);
  });
}

/** A kind of requests that counts, alone, and the one route that is limited by it. */
function counted(routeClass: string, limitedRoute: string): Case {
  const options = 'per: everyone, with: { limit: 1, windowSeconds: 60 }';
  return [
    `dialect: hubspot
auth: { apiKeys: { key: acme } }
limits: [{ kind: fixed-window, name: limit, classes: [${routeClass}], ${options} }]
`,
    async (send) => {
      const headers = { ...bearing('key').headers, 'content-type': 'application/json' };
      const requests: Record<string, RequestInit> = {
        'POST /oauth/v1/token': { body: new URLSearchParams({ grant_type: 'client_credentials' }) },
        'GET /items': { headers },
        'POST /items/search': { headers, body: '{}' },
        'POST /items': { headers, body: '{"properties": {"name": "one"}}' },
      };
      const refused = [];
      for (const [route, init] of Object.entries(requests)) {
        const [method = '', path = ''] = route.split(' ');
        await send(path, { method, ...init });
        if ((await send(path, { method, ...init })).status === 429) refused.push(route);
      }
      expect(refused).toEqual([limitedRoute]);
    },
  ];
}

/** What comes of requests, each so many seconds after the one before. */
async function afterwards(send: Ask, waitsSeconds: readonly number[]): Promise<number[]> {
  const seen = [];
  for (const waitSeconds of waitsSeconds) {
    await advance(send, waitSeconds);
    seen.push((await send('/items')).status);
  }
  return seen;
}

function renewedAfter(seconds: number): Case[1] {
  return async (send) => expect(await afterwards(send, [0, seconds - 1, 1])).toEqual([200, 429, 200]);
}

function spelt(spelling: string, header: string | undefined): Case {
  const options = `{ retryAfterSeconds: 7, retryAfterAs: ${spelling} }`;
  return [
    `auth: false\nclock: manual\nfaults: [{ fault: rate-limited, with: ${options} }]\n`,
    async (send) => {
      const { status, headers } = await send('/items');
      expect([status, headers['retry-after']]).toEqual([429, header]);
    },
  ];
}

function resetting(when: string): string {
  const fault = `{ fault: reset, on: { route: POST /items }, with: { when: ${when} } }`;
  return `auth: false\nresources: { items: { records: 0 } }\nfaults: [${fault}]\n`;
}

/** What there is after a write whose answer was lost. */
async function idsAfterReset(send: Ask): Promise<string[]> {
  const headers = { 'content-type': 'application/json' };
  await expect(send('/items', { method: 'POST', headers, body: '{"name": "one"}' })).rejects.toThrow();
  return idsOf(send);
}
