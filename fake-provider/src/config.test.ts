import fc from 'fast-check';
import { expect, it } from 'vitest';
import { authOptions } from './auth/auth-options.ts';
import { ConfigError, configSchema, parseConfig } from './config.ts';
import { dialects } from './dialects/index.ts';
import { faults } from './faults/index.ts';
import { limitKinds } from './limits/index.ts';
import { paginations } from './pagination/index.ts';
import { createProvider } from './provider.ts';

const BUCKET = { kind: 'token-bucket', name: 'bucket', with: { ratePerSecond: 1, burst: 1 } } as const;

it.each([undefined, null, {}])('takes %s for all defaults', (input) => {
  expect(parseConfig(input)).toMatchObject({
    seed: 1,
    auth: { clients: { 'demo-client': { secret: 'demo-secret' } }, tokenTtlSeconds: 3_600 },
    dialect: 'neutral',
    resources: { items: { records: 1_000, pagination: 'cursor', pageSize: { default: 100, max: 100 } } },
    limits: [],
    faults: [],
  });
});

/** All that can be set about auth. */
const AUTH_FIELDS = Object.keys(authOptions.shape).join(', ');

it('leaves a configuration that has every default as it is', () => {
  const config = parseConfig(WHOLE);

  expect(parseConfig(config)).toEqual(config);
});

it.each(Object.keys(faults))('accepts the fault %s with its defaults', (fault) => {
  expect(parseConfig({ faults: [{ fault }] }).faults[0]).toMatchObject({ fault, on: {} });
});

it.each(Object.keys(limitKinds))('knows the limit %s', (kind) => {
  expect(refusal({ limits: [{ kind }] })).not.toContain('limits[0].kind');
});

it.each(Object.keys(dialects))('accepts the dialect %s', (dialect) => {
  expect(parseConfig({ dialect }).dialect).toBe(dialect);
});

it.each(Object.keys(paginations))('accepts the pagination %s', (pagination) => {
  expect(parseConfig({ resources: { users: { pagination } } }).resources.users).toMatchObject({ pagination });
});

it.each<[string, unknown, string]>([
  ['a wrong type', { seed: 'one' }, 'seed: Invalid input: expected number, received string'],
  ['a value out of range', { latency: { maxMs: 1e9 } }, 'latency.maxMs: Too big: expected number to be <=60000'],
  ['one of few', { dialect: 'klingon' }, `dialect: Invalid option: expected one of ${quoted(Object.keys(dialects))}`],
  ['an unknown field', { limit: [] }, `limit: is unknown; there is ${Object.keys(configSchema.shape).join(', ')}`],
  ['an unknown field inside a choice', { auth: { ttl: 1 } }, `auth.ttl: is unknown; there is ${AUTH_FIELDS}`],
  [
    'an unknown field where there are none',
    { faults: [{ fault: 'hang', with: { forMs: 1 } }] },
    'faults[0].with.forMs: is unknown; there is nothing to set',
  ],
  [
    'a missing field',
    { limits: [{ kind: 'token-bucket', name: 'a', with: { burst: 1 } }] },
    'limits[0].with.ratePerSecond: Invalid input: expected number, received undefined',
  ],
  [
    'an unknown kind',
    { limits: [{ kind: 'leaky' }] },
    `limits[0].kind: Invalid discriminator value. Expected ${Object.keys(limitKinds)
      .map((kind) => `'${kind}'`)
      .join(' | ')}`,
  ],
  ['neither of two', { auth: true }, `auth: must be false, or an object with ${AUTH_FIELDS}`],
  [
    'a wrong type inside a choice',
    { auth: { tokenTtlSeconds: 'long' } },
    'auth.tokenTtlSeconds: Invalid input: expected number, received string',
  ],
  [
    'neither of two inside a choice',
    { auth: { clients: { one: 1 } } },
    'auth.clients.one: must be a secret, or an object with secret and organisation',
  ],
  [
    'a refresh token of nobody',
    { auth: { refreshTokens: { ref_1: 'nobody' } } },
    'auth.refreshTokens: must belong to one of auth.clients, not to nobody',
  ],
  [
    'a scope for a route that is not there',
    { auth: { scopes: { 'GET /nothing': 'read' } } },
    'auth.scopes["GET /nothing"]: must be one of POST /oauth/token, GET /items, GET /items/:id, POST /items, PATCH /items/:id, DELETE /items/:id, POST /items/batch',
  ],
  [
    'a scope of two words',
    { auth: { scopes: { 'GET /items': 'read write' } } },
    'auth.scopes["GET /items"]: must be one scope, without spaces, quotes, backslashes',
  ],
  ['no client at all', { auth: { clients: {} } }, 'auth.clients: must name at least one client'],
  ['a wrong name', { resources: { Users: {} } }, 'resources.Users: must be 3 to 40 lower-case letters and hyphens'],
  [
    'a name of two lines',
    { resources: { 'a\nb': {} } },
    'resources["a\\nb"]: must be 3 to 40 lower-case letters and hyphens',
  ],
  [
    'two fields that disagree',
    { resources: { users: { pageSize: { default: 200 } } } },
    'resources.users.pageSize.default: must not exceed max',
  ],
  [
    'a keyset from the newest',
    { resources: { users: { pagination: 'keyset', order: 'newest-first' } } },
    'resources.users.order: must be oldest-first where pagination is keyset or time-window',
  ],
  ['a latency that is none', { latency: { minMs: 2, maxMs: 1 } }, 'latency.minMs: must not exceed maxMs'],
  [
    'a fault on a route that is not there',
    { faults: [{ fault: 'reset', on: { route: 'GET /usres' } }] },
    'faults[0].on.route: must be one of POST /oauth/token, GET /items, GET /items/:id, POST /items, PATCH /items/:id, DELETE /items/:id, POST /items/batch',
  ],
  [
    'a limit on a route that is not there',
    { limits: [{ ...BUCKET, routes: ['GET /items', 'PUT /items'] }] },
    'limits[0].routes[1]: must be one of POST /oauth/token, GET /items, GET /items/:id, POST /items, PATCH /items/:id, DELETE /items/:id, POST /items/batch',
  ],
  [
    'a cost that no limit allows',
    { limits: [limit({ name: 'a' }), limit({ cost: { read: 5, write: 6 } })] },
    'limits[1].cost.write: must not exceed the limit, which is 5: no such request would ever get through',
  ],
  [
    'others who share a limit of one client',
    { limits: [limit({ othersPerSecond: 0.1 })] },
    'limits[0].othersPerSecond: must be left out, unless per is everyone or organisation',
  ],
  [
    'others who leave nothing',
    { limits: [limit({ per: 'everyone', cost: { read: 2 }, othersPerSecond: 0.4 })] },
    'limits[0].othersPerSecond: must be at most 0.3: more leaves no room for a request',
  ],
  [
    'others who run at the same time',
    { limits: [{ kind: 'concurrency', name: 'a', per: 'everyone', othersPerSecond: 1, with: { limit: 5 } }] },
    'limits[0].othersPerSecond: must be left out where kind is concurrency',
  ],
  ['something else entirely', 'seed', 'Invalid input: expected object, received string'],
])('refuses %s, and says what it may be', (_what, input, message) => {
  expect(refusal(input)).toBe(message);
});

it('names the field, whatever is wrong with it', () => {
  const junk = fc.constantFrom<unknown>({ nonsense: 1 }, -1.5, Number.NaN, [[]], null);
  fc.assert(
    fc.property(fc.constantFrom(...pathsOf(WHOLE)), junk, (path, value) => {
      const { message, path: named } = caught(replaced(WHOLE, path, value))!;
      expect(message).not.toContain('\n');
      const nearest = Math.min(path.length, named.length);
      expect(nearest).toBeGreaterThan(0);
      expect(named.slice(0, nearest)).toEqual(path.slice(0, nearest));
    }),
    { numRuns: 1_000 },
  );
});

it('throws nothing but a ConfigError of one line, and serves whatever it accepts', () => {
  const field = fc.constantFrom(...Object.keys(WHOLE));
  const value = fc.anything({ maxDepth: 3, withNullPrototype: true });
  const config = fc.oneof(value, fc.dictionary(fc.oneof(field, fc.string()), value, { maxKeys: 4 }));
  fc.assert(
    fc.property(config, (input) => {
      const error = caught(input);
      if (error === undefined) return void createProvider(input as object);
      expect(error.message).toMatch(/^.+$/);
    }),
    { numRuns: 1_000 },
  );
});

/** Every field there is. */
const WHOLE = {
  seed: 7,
  auth: { clients: { one: 'secret' }, tokenTtlSeconds: 60, revokeAfterRequests: 5 },
  dialect: 'ietf',
  resources: {
    users: {
      records: 10,
      pagination: 'link',
      order: 'newest-first',
      recordsPerInstant: 2,
      pageSize: { default: 5, max: 10, overMax: 'cap' },
      required: ['email'],
      batch: { maxItems: 10, status: 200, atomic: true, failures: { ratio: 0.1 }, poison: { names: ['bad'] } },
      defects: [{ defect: 'foreign-next', on: { calls: [2] }, with: { origin: 'https://other.test' } }],
      churn: { insertsPerRequest: 1, deletesPerRequest: 0.5, updatesPerRequest: 0.1, insertAt: 'anywhere' },
    },
  },
  latency: { minMs: 1, maxMs: 2 },
  idempotency: { header: 'x-key', required: true, methods: ['POST', 'PATCH'], ttlSeconds: 60, firstValue: 'miss' },
  limits: [
    {
      kind: 'fixed-window',
      name: 'window',
      per: 'everyone',
      routes: ['GET /users'],
      announced: false,
      with: { limit: 5, windowSeconds: 1, begins: 'first-request' },
    },
    BUCKET,
  ],
  faults: [
    {
      fault: 'rate-limited',
      on: { calls: [1], ratio: 0.5 },
      with: { retryAfterSeconds: 1, retryAfterAs: 'http-date' },
    },
    { fault: 'unavailable', on: { route: 'GET /users/:id' }, with: { retryAfterSeconds: 1 } },
    { fault: 'reset', with: { when: 'after' } },
    { fault: 'hang', with: {} },
  ],
};

/** As zod lists choices. */
function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join('|');
}

function caught(input: unknown): ConfigError | undefined {
  try {
    parseConfig(input);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
}

function refusal(input: unknown): string {
  return caught(input)?.message ?? 'accepted';
}

type Path = readonly (string | number)[];

/** The way to every field and to all that holds fields. */
function pathsOf(value: unknown, path: Path = []): Path[] {
  const own = path.length > 0 ? [path] : [];
  if (typeof value !== 'object' || value === null) return own;
  const steps = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return [
    ...own,
    ...steps.flatMap((step) => pathsOf((value as Record<string | number, unknown>)[step], [...path, step])),
  ];
}

function replaced(whole: unknown, path: Path, value: unknown): unknown {
  const copy = structuredClone(whole) as Record<string | number, unknown>;
  const holder = path.slice(0, -1).reduce((at, step) => at[step] as typeof copy, copy);
  holder[path.at(-1)!] = value;
  return copy;
}

/** Five units in ten seconds. */
function limit(more: object): object {
  return { kind: 'fixed-window', name: 'five', with: { limit: 5, windowSeconds: 10 }, ...more };
}
