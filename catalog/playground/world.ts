import type { Config } from '../../fake-provider/src/config.ts';

type Limit = Config['limits'][number];
type Fault = Config['faults'][number];
type Resource = Config['resources'][string];
type Defect = Resource['defects'][number];
type Auth = Exclude<Config['auth'], false>;

/** What a play says of its world; all else is as the provider's schema has it, which a test compares. */
export interface Sketch {
  readonly seed: number;
  readonly auth?: Partial<Auth>;
  readonly items?: Partial<Resource>;
  readonly limits?: Config['limits'];
  readonly faults?: Config['faults'];
  /** How long an answer takes, drawn evenly. @defaultValue 60 to 140 ms */
  readonly latency?: Config['latency'];
  readonly dialect?: 'neutral';
}

/** A whole configuration, as the provider would read it from the sketch. */
export function worldOf({
  seed,
  auth,
  items,
  limits = [],
  faults = [],
  latency = { minMs: 60, maxMs: 140 },
}: Sketch): Config {
  return {
    profile: 'default',
    seed,
    clock: 'real',
    auth: auth === undefined ? false : { ...AUTH, ...auth },
    clockSkewSeconds: 0,
    dialect: 'neutral',
    resources: { items: { ...ITEMS, ...items } },
    latency,
    idempotency: {
      header: 'idempotency-key',
      required: false,
      methods: ['POST'],
      ttlSeconds: 86_400,
      mismatchStatus: 422,
      inProgressStatus: 409,
      replayHeader: 'idempotent-replayed',
      replayValue: 'true',
    },
    limits,
    faults,
    ledger: { keep: 100_000 },
    manners: { maxAttempts: 10, maxRepeats: 100, underWayMs: 50 },
  };
}

/** One limit, with what is common to all. */
export function limit<Kind extends Limit['kind']>(
  kind: Kind,
  options: Extract<Limit, { kind: Kind }>['with'],
  common: Partial<Pick<Limit, 'announced' | 'othersPerSecond' | 'per' | 'countRefused'>> = {},
): Limit {
  return {
    kind,
    name: 'limit',
    per: 'client',
    classes: ['read', 'search', 'write'],
    cost: {},
    announced: true,
    countRefused: false,
    ...common,
    with: options,
  } as Limit;
}

/** One fault, and which requests it strikes. */
export function fault<Name extends Fault['fault']>(
  name: Name,
  options: Extract<Fault, { fault: Name }>['with'],
  on: Fault['on'] = {},
): Fault {
  return { fault: name, on, with: options } as Fault;
}

/** One defect of a listing. */
export function defect<Name extends Defect['defect']>(
  name: Name,
  options: Extract<Defect, { defect: Name }>['with'],
  on: Defect['on'] = {},
): Defect {
  return { defect: name, on, with: options } as Defect;
}

const AUTH: Auth = {
  clients: { 'demo-client': { secret: 'demo-secret', organisation: 'default' } },
  tokenTtlSeconds: 3_600,
  grants: ['client_credentials'],
  expiresIn: 'stated',
  clockSkewSeconds: 0,
  refresh: { rotation: 'strict', graceSeconds: 30, ttlSeconds: 5_184_000 },
  refreshTokens: {},
  codeTtlSeconds: 60,
  pkce: 'required',
  scopes: {},
  apiKeys: {},
  apiKeyHeader: 'x-api-key',
  basic: false,
};

const ITEMS: Resource = {
  records: 1_000,
  pagination: 'cursor',
  order: 'oldest-first',
  recordsPerInstant: 1,
  pageSize: { default: 100, max: 100, overMax: 'reject' },
  churn: { insertsPerRequest: 0, deletesPerRequest: 0, updatesPerRequest: 0, insertAt: 'newest' },
  writable: true,
  required: ['name'],
  batch: {
    maxItems: 100,
    tooManyStatus: 413,
    status: 207,
    atomic: false,
    failures: { ratio: 0, status: 503 },
    poison: { ratio: 0, names: [], status: 400 },
  },
  defects: [],
};
