import { z } from 'zod';
import { authOptions } from './auth/auth-options.ts';
import { choices } from './choices.ts';
import type { Dialect } from './dialects/dialect.ts';
import { dialects } from './dialects/index.ts';
import { faults } from './faults/index.ts';
import { limitKinds } from './limits/index.ts';
import { limiterOf } from './limits/limits.ts';
import { isFields, merge } from './merge.ts';
import type { Defect } from './pagination/defect.ts';
import { defects } from './pagination/defects/index.ts';
import { paginations } from './pagination/index.ts';
import { profiles } from './profiles/index.ts';
import { type Route, route } from './routes.ts';

const names = <Name extends string>(index: Readonly<Record<Name, unknown>>): [Name, ...Name[]] =>
  Object.keys(index) as [Name, ...Name[]];

/** `GET /users`, or `GET /users/:id`. */
const routeName = z
  .string()
  .regex(/^(GET|POST|PUT|PATCH|DELETE) \/\S*$/, 'must be a method and a path, such as "GET /users"');

/** When something strikes. With neither `calls` nor `ratio` it always does. */
const on = z.strictObject({
  route: routeName.optional(),
  /** The n-th requests of a client on a route, from 1. */
  calls: z.array(z.int().min(1)).optional(),
  /** The share of requests, 0 to 1. */
  ratio: z.number().min(0).max(1).optional(),
});

/** When something configured for some requests strikes. */
export type On = z.output<typeof on>;

const churn = z.strictObject({
  insertsPerRequest: z.number().min(0).max(100).default(0),
  deletesPerRequest: z.number().min(0).max(100).default(0),
  updatesPerRequest: z.number().min(0).max(100).default(0),
  insertAt: z.enum(['newest', 'anywhere']).default('newest'),
});

const pageSize = z
  .strictObject({
    default: z.int().min(1).default(100),
    max: z.int().min(1).max(100_000).default(100),
    overMax: z.enum(['reject', 'cap']).default('reject'),
  })
  .refine((size) => size.default <= size.max, { path: ['default'], error: 'must not exceed max' });

const batch = z.strictObject({
  maxItems: z.int().min(1).max(100_000).default(100),
  tooManyStatus: z.union([z.literal(413), z.literal(400)], 'must be 413 or 400').default(413),
  /** The answer's status where some items failed. */
  status: z.union([z.literal(207), z.literal(200)], 'must be 207 or 200').default(207),
  /** `true` carries out all items or none. */
  atomic: z.boolean().default(false),
  /** A share of items that fail, and may succeed when they are sent again. */
  failures: z
    .strictObject({ ratio: z.number().min(0).max(1).default(0), status: z.int().min(400).max(599).default(503) })
    .prefault({}),
  /** Items that make the whole batch fail, whenever they are sent: a share by what they say, and those of a name. */
  poison: z
    .strictObject({
      ratio: z.number().min(0).max(1).default(0),
      names: z.array(z.string()).default([]),
      status: z.int().min(400).max(599).default(400),
    })
    .prefault({}),
});

const headerName = z.string().regex(/^[a-z][a-z0-9-]*$/, 'must be the name of a header, in lower case');

const idempotency = z.strictObject({
  header: headerName.default('idempotency-key'),
  /** `true` refuses a write without a key. */
  required: z.boolean().default(false),
  /** The methods that a key counts for. */
  methods: z.array(z.enum(['POST', 'PATCH', 'DELETE'])).default(['POST']),
  /** How long an answer is kept. */
  ttlSeconds: z.number().positive().default(86_400),
  /** The answer to a key that was used for another request: 422 by the draft, 400 with many platforms. */
  mismatchStatus: z.int().min(400).max(499).default(422),
  /** The answer while the first request is under way. */
  inProgressStatus: z.int().min(400).max(499).default(409),
  /** The header that tells an answer that is given again. */
  replayHeader: headerName.default('idempotent-replayed'),
  replayValue: z
    .string()
    .regex(/^[ -~]+$/)
    .default('true'),
  /** What it says of the first answer; left out, nothing. */
  firstValue: z
    .string()
    .regex(/^[ -~]+$/)
    .optional(),
});

const BY_TIME: readonly string[] = ['keyset', 'time-window'];

const resource = z
  .strictObject({
    /** Where it is; `/<name>`, if left out. */
    path: z
      .string()
      .regex(/^(\/[\w.:-]+)+$/, 'must be a path, such as "/v1/customers"')
      .optional(),
    records: z.int().min(0).max(10_000_000).default(1_000),
    pagination: z.enum(names(paginations)).default('cursor'),
    order: z.enum(['oldest-first', 'newest-first']).default('oldest-first'),
    recordsPerInstant: z.int().min(1).max(10_000_000).default(1),
    pageSize: pageSize.prefault({}),
    churn: churn.prefault({}),
    /** `false` has no routes that write. */
    writable: z.boolean().default(true),
    /** The fields that a client must give a new record. */
    required: z.array(z.string().regex(/^[A-Za-z][\w.-]{0,63}$/, 'must be the name of a field')).default(['name']),
    batch: batch.prefault({}),
    defects: z.array(choices('defect', defects, { on: on.prefault({}) })).default([]),
  })
  .refine(({ pagination, order }) => !BY_TIME.includes(pagination) || order === 'oldest-first', {
    path: ['order'],
    error: 'must be oldest-first where pagination is keyset or time-window',
  })
  .superRefine(({ pagination, defects: configured }, { addIssue }) => {
    for (const [index, { defect }] of configured.entries()) {
      const shown = (defects[defect] as Defect).paginations ?? [pagination];
      if (shown.includes(pagination)) continue;
      const message = `shows only where pagination is ${shown.join(', ')}`;
      addIssue({ code: 'custom', path: ['defects', index, 'defect'], message });
    }
  });

const resourceName = z.string().regex(/^[a-z][a-z-]{2,39}$/, 'must be 3 to 40 lower-case letters and hyphens');

const cost = z.int().min(1).max(1_000_000);

const limit = choices('kind', limitKinds, {
  name: z.string().regex(/^[a-z0-9-]{1,40}$/, 'must be 1 to 40 lower-case letters, digits and hyphens'),
  /** Whose requests are counted together. */
  per: z.enum(['client', 'token', 'organisation', 'ip', 'everyone']).default('client'),
  /** The kinds of requests that count. */
  classes: z.array(z.enum(['auth', 'read', 'search', 'write'])).default(['read', 'search', 'write']),
  /** The routes that count; overrides `classes`. */
  routes: z.array(routeName).optional(),
  /** How many units a request costs, by its kind; 1, if left out. */
  cost: z
    .strictObject({ auth: cost.optional(), read: cost.optional(), search: cost.optional(), write: cost.optional() })
    .prefault({}),
  /** What it means to a client, which some dialects word differently; as the kind has it, if left out. */
  purpose: z.enum(['rate', 'quota', 'concurrency', 'secondary']).optional(),
  /** `false` makes a limit that no header speaks of. */
  announced: z.boolean().default(true),
  /** Whether a request that was refused, by this limit or another, counts all the same. */
  countRefused: z.boolean().default(false),
  /** Units per second that other tenants take from a limit that is shared with them. */
  othersPerSecond: z.number().positive().max(1_000_000).optional(),
});

const fault = choices('fault', faults, { on: on.prefault({}) });

const latency = z
  .strictObject({ minMs: z.number().min(0).max(60_000).default(0), maxMs: z.number().min(0).max(60_000).default(0) })
  .refine(({ minMs, maxMs }) => minMs <= maxMs, { path: ['minMs'], error: 'must not exceed maxMs' });

const ledger = z.strictObject({
  /** How many of the latest entries can be looked at; what is counted and judged needs none. */
  keep: z.int().min(1).max(10_000_000).default(100_000),
});

/** Where good manners end. */
const manners = z.strictObject({
  /** How often a client may try one request, the first time included. */
  maxAttempts: z.int().min(1).default(10),
  /** How often a client may send one request in a minute. */
  maxRepeats: z.int().min(1).default(100),
  /** How long after an answer went over the wire a request still counts as sent before it. */
  underWayMs: z.number().min(0).max(60_000).default(50),
});

/** The whole configuration, from which types, checks and messages follow. */
export const configSchema = z
  .strictObject({
    /** A platform, whose values are the defaults of all that follows. */
    profile: z.enum(names(profiles)).default('default'),
    seed: z.int().min(0).default(1),
    /** `manual` stands still until it is moved; `auto`, in process only, jumps to whatever is waited for next. */
    clock: z.enum(['real', 'manual', 'auto']).default('real'),
    /** `false` serves everyone. */
    auth: z
      .union(
        [z.literal(false), authOptions],
        `must be false, or an object with ${Object.keys(authOptions.shape).join(', ')}`,
      )
      .default(authOptions.parse({})),
    /** How far the provider's clock is ahead of the client's, in seconds: its Date, its resets, its records. */
    clockSkewSeconds: z.number().min(-31_536_000).max(31_536_000).default(0),
    dialect: z.enum(names(dialects)).default('neutral'),
    resources: z.record(resourceName, resource).default({ items: resource.parse({}) }),
    /** How long the provider takes to answer, drawn evenly between the two. */
    latency: latency.prefault({}),
    /** How writes are carried out once for each key; `false` knows no keys. */
    idempotency: z
      .union(
        [z.literal(false), idempotency],
        `must be false, or an object with ${Object.keys(idempotency.shape).join(', ')}`,
      )
      .default(idempotency.parse({})),
    limits: z.array(limit).default([]),
    faults: z.array(fault).default([]),
    ledger: ledger.prefault({}),
    manners: manners.prefault({}),
    /** Where an editor finds the JSON Schema of this file; the provider does not look at it. */
    $schema: z.string().optional(),
  })
  .superRefine((config, { addIssue }) => {
    const known = routesOf(config).map(({ name }) => name);
    const named = [
      ...config.limits.flatMap(({ routes = [] }, at) =>
        routes.map((name, n) => ({ name, path: ['limits', at, 'routes', n] })),
      ),
      ...Object.keys(config.auth ? config.auth.scopes : {}).map((name) => ({ name, path: ['auth', 'scopes', name] })),
      ...config.faults.map(({ on: { route: name } }, at) => ({ name, path: ['faults', at, 'on', 'route'] })),
    ];
    for (const { name, path } of named) {
      if (name === undefined || known.includes(name)) continue;
      addIssue({ code: 'custom', path, message: `must be one of ${known.join(', ')}` });
    }
    for (const client of Object.values(config.auth ? config.auth.refreshTokens : {})) {
      if (config.auth && Object.hasOwn(config.auth.clients, client)) continue;
      const message = `must belong to one of auth.clients, not to ${client}`;
      addIssue({ code: 'custom', path: ['auth', 'refreshTokens'], message });
    }
    config.limits.forEach((each, at) => {
      const [path, message] = impossibility(each) ?? [];
      if (path !== undefined) addIssue({ code: 'custom', path: ['limits', at, ...path], message: message! });
    });
    const twice = known.find((name, at) => known.indexOf(name) !== at);
    if (twice !== undefined)
      addIssue({ code: 'custom', path: ['resources'], message: `there is ${twice} more than once` });
  });

/** The field that would make a limit one that some request can never pass, and why. */
function impossibility(config: Config['limits'][number]): [path: string[], message: string] | undefined {
  const { cost, othersPerSecond, per, kind } = config;
  const { limit: capacity, windowSeconds } = limiterOf(config).standing(undefined, NOW);
  for (const [routeClass, units = 1] of Object.entries(cost)) {
    const message = `must not exceed the limit, which is ${capacity}: no such request would ever get through`;
    if (units > capacity) return [['cost', routeClass], message];
  }
  if (othersPerSecond === undefined) return undefined;
  const field = ['othersPerSecond'];
  if (kind === 'concurrency') return [field, 'must be left out where kind is concurrency'];
  if (per !== 'everyone' && per !== 'organisation') {
    return [field, 'must be left out, unless per is everyone or organisation'];
  }
  const dearest = Math.max(...Object.values({ read: 1, ...cost }).map((units = 1) => units));
  const most = (capacity - dearest) / windowSeconds;
  return othersPerSecond > most ? [field, `must be at most ${most}: more leaves no room for a request`] : undefined;
}

const NOW = { nowMs: 0, endsAtMs: 0, cost: 1 };

/** Every route of a provider. */
export function routesOf({ auth, dialect, resources }: Pick<Config, 'auth' | 'dialect' | 'resources'>): Route[] {
  const words: Dialect = dialects[dialect];
  const { path: tokenPath, authorizePath = '/oauth/authorize' } = words.token;
  const hasCodes = auth !== false && auth.grants.includes('authorization_code');
  return [
    route(`POST ${tokenPath}`, 'token'),
    ...(hasCodes ? [route(`GET ${authorizePath}`, 'authorize')] : []),
    ...Object.entries(resources).flatMap(([name, { path = `/${name}`, writable }]) =>
      words.routes(name, path).filter((each) => writable || each.class !== 'write'),
    ),
  ];
}

/** A configuration with every default filled in. */
export type Config = z.output<typeof configSchema>;

/** A configuration as people write it. */
export type ConfigInput = z.input<typeof configSchema>;

/** Says which field of a configuration is wrong, and what it may be. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** The way to the field, such as `['limits', 0, 'with', 'limit']`. */
  readonly path: readonly PropertyKey[];
  /** What is wrong with it. */
  readonly reason: string;

  constructor(path: readonly PropertyKey[], reason: string) {
    super(path.length === 0 ? reason : `${dotted(path)}: ${reason}`);
    this.path = path;
    this.reason = reason;
  }

  /** The field as the message names it, such as `limits[0].with.limit`; `body` for the whole. */
  get field(): string {
    return this.path.length === 0 ? 'body' : dotted(this.path);
  }
}

/**
 * Checks a configuration and fills in its defaults: those of its profile, then the schema's.
 *
 * @throws {@link ConfigError} for the first field that is wrong.
 */
export function parseConfig(input: unknown): Config {
  return parseWith(configSchema, underlaid(input ?? {}));
}

/**
 * Checks something that a person wrote, and fills in its defaults.
 *
 * @throws {@link ConfigError} for the first field that is wrong.
 */
export function parseWith<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input, { error: nameFields });
  if (parsed.success) return parsed.data;
  const { path, message } = plainly(parsed.error.issues[0]!);
  throw new ConfigError(path, message);
}

/** The configuration with its profile beneath it. */
function underlaid(input: unknown): unknown {
  const name = isFields(input) ? input.profile : undefined;
  const isKnown = typeof name === 'string' && Object.hasOwn(profiles, name);
  return isKnown ? merge(profiles[name as keyof typeof profiles].config, input) : input;
}

/** Says which fields there are, where one is unknown. */
const nameFields: z.core.$ZodErrorMap = ({ code, inst }) => {
  const fields = inst instanceof z.ZodObject ? Object.keys(inst.shape) : [];
  return code === 'unrecognized_keys' ? `is unknown; there is ${fields.join(', ') || 'nothing to set'}` : undefined;
};

/** The field itself, where zod speaks of what holds it, and the reason, where zod only says that there is one. */
function plainly(issue: z.core.$ZodIssue): { path: readonly PropertyKey[]; message: string } {
  const { code, path, message } = issue;
  if (code === 'unrecognized_keys') return { path: [...path, issue.keys[0]!], message };
  if (code === 'invalid_key') return { path, message: issue.issues[0]!.message };
  if (code === 'invalid_union') {
    const [inner] = issue.errors.at(-1) ?? [];
    if (inner !== undefined && (inner.path.length > 0 || inner.code === 'unrecognized_keys')) {
      const reason = plainly(inner);
      return { path: [...path, ...reason.path], message: reason.message };
    }
  }
  return { path, message };
}

/** `limits[0].with.limit`; a name that is none is quoted, so that it stays on one line. */
function dotted(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`;
      const name = String(step);
      if (!/^[\w-]+$/.test(name)) return `[${JSON.stringify(name)}]`;
      return index > 0 ? `.${name}` : name;
    })
    .join('');
}
