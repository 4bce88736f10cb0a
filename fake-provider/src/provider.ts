import { type Admin, createAdmin } from './admin/admin.ts';
import type { Arrival } from './arrival.ts';
import { createAuth } from './auth/auth.ts';
import { type Call, json, type Reply } from './call.ts';
import { chance, uuid } from './chance.ts';
import { type Clock, manualClock, realClock, type SettableClock, settableClock, skewedClock } from './clock.ts';
import { type Config, ConfigError, type ConfigInput, parseConfig, routesOf } from './config.ts';
import { createResource, type Resource } from './data/resource.ts';
import type { Dialect, Exchange } from './dialects/dialect.ts';
import { dialects } from './dialects/index.ts';
import { createHttpDate } from './http-date.ts';
import { type DeliveryVerdict, isFaultless, judgeDelivery } from './ledger/delivery.ts';
import { type LedgerEntry, observe } from './ledger/entry.ts';
import { createLedger, type Ledger } from './ledger/ledger.ts';
import { createRedactor } from './ledger/redact.ts';
import type { Report } from './ledger/report.ts';
import { createLimits, type LimitLevel } from './limits/limits.ts';
import { createListings, type ListingsOptions } from './listings.ts';
import { merge } from './merge.ts';
import { Problem } from './problem.ts';
import { createRouter } from './routes.ts';
import { type AddedFault, createScript, type FaultEntry, type ScriptOptions } from './script.ts';
import { toFetch } from './transports/fetch.ts';
import { createWrites } from './writes/writes.ts';

/** A provider: everything but the transport. */
export interface Provider {
  readonly config: Config;
  readonly clock: SettableClock;
  /** What was asked and answered so far. */
  readonly ledger: Ledger;
  /** Answers one request. All that changes does so before this returns. */
  handle(call: Call): Reply;
  /** Words the refusal of a request that a transport could not read. The ledger does not hold it. */
  refuse(problem: Problem): Reply;
  /** The provider as a `fetch`, without a socket. Any origin will do. */
  readonly fetch: typeof globalThis.fetch;
  /** What is under `/__admin`, for people and programs that steer the provider instead of using it. */
  readonly admin: Admin;
  /**
   * The resource of this name.
   *
   * @throws `RangeError` if there is none.
   */
  resource(name: string): Resource;
  /** Judges what a client delivered of a resource, by its requests after the given ledger sequence number. */
  judge(name: string, delivered: Delivered, after?: number): DeliveryVerdict;
  /** What the verdicts make of the client so far, and of what it delivered of each resource, where that is given. */
  report(delivered?: Readonly<Record<string, Delivered>>): Report;
  /** Revokes every token issued so far. */
  revokeTokens(): void;
  /** Keeps a text out of the ledger and the log for good, as it does with every secret of a client. */
  hide(secret: string): void;
  /** Where the latest callers of each limit stand. */
  levels(): readonly LimitLevel[];
  /** The faults that were added while it runs, and still strike. */
  addedFaults(): readonly AddedFault[];
  /**
   * Adds a fault for so many milliseconds of the provider's clock. It strikes before those of the configuration.
   *
   * @throws {@link ConfigError} naming the field that is wrong.
   */
  addFault(fault: FaultInput, forMs: number): AddedFault;
  /** Takes an added fault back; `false` where there is none of this id. */
  removeFault(id: string): boolean;
  /**
   * Changes what can change in the middle of a run: limits, which begin unspent, faults and latency. All else stays.
   *
   * @throws {@link ConfigError} naming the field that is wrong; then nothing has changed.
   */
  change(settings: Settings): void;
  /**
   * Begins again, as if nothing had ever been asked; as another configuration says, where one is given.
   *
   * @throws {@link ConfigError} naming the field that is wrong; then nothing has changed.
   */
  reset(input?: ConfigInput): void;
}

/** What can change in the middle of a run. */
export type Settings = Pick<ConfigInput, 'limits' | 'faults' | 'latency'>;

/** A fault as a configuration has it. */
export type FaultInput = NonNullable<ConfigInput['faults']>[number];

/** What a client delivered of a resource. */
export type Delivered = Parameters<typeof judgeDelivery>[1];

/** What is not a matter of configuration. */
export interface ProviderOptions extends ScriptOptions, ListingsOptions {
  /** Where the time comes from, if not from where the configuration says. */
  readonly clock?: Clock;
}

/** What every reply carries: for browsers, and so that no cache keeps an answer. */
const COMMON_HEADERS = {
  'cache-control': 'no-store',
  'access-control-allow-origin': '*',
  'access-control-expose-headers': '*',
} as const;

/** What a browser asks before it sends a token to another origin. */
const PREFLIGHT: Reply = {
  status: 204,
  headers: {
    'access-control-allow-methods': '*',
    'access-control-allow-headers': 'authorization, *',
    'access-control-max-age': '600',
  },
  body: '',
};

/**
 * Makes a provider from a configuration.
 *
 * @throws {@link ConfigError} naming the field that is wrong.
 */
export function createProvider(input: ConfigInput = {}, options: ProviderOptions = {}): Provider {
  let written = input;
  let config = parseConfig(written);
  let clock = settableClock(options.clock ?? clockOf(config));
  const hidden = new Set<string>();
  let run = begin(config, clock, options, hidden);

  const handle = (call: Call): Reply => run.handle(call);
  const refuse = (problem: Problem): Reply => run.refuse(problem);
  const provider: Omit<Provider, 'fetch' | 'admin'> = {
    get config() {
      return config;
    },
    get clock() {
      return clock;
    },
    get ledger() {
      return run.ledger;
    },
    handle,
    refuse,
    resource: (name) => run.resource(name),
    judge: (name, delivered, after) => run.judge(name, delivered, after),
    report: (delivered) => run.report(delivered),
    revokeTokens: () => run.revokeTokens(),
    hide: (secret) => void hidden.add(secret),
    levels: () => run.levels(),
    addedFaults: () => run.addedFaults(),
    addFault(fault, forMs) {
      const { faults } = checked(['faults', 0], () => parseConfig({ ...written, faults: [fault] }));
      return run.addFault(faults[0]!, forMs);
    },
    removeFault: (id) => run.removeFault(id),
    change(settings) {
      const next = merge(written, settings) as ConfigInput;
      config = parseConfig(next);
      written = next;
      run.change(config, settings);
    },
    reset(other) {
      if (other !== undefined) {
        const next = parseConfig(other);
        clock = options.clock === undefined ? settableClock(clockOf(next)) : clock;
        config = next;
        written = other;
      }
      clock.reset();
      run = begin(config, clock, options, hidden);
    },
  };
  const admin = createAdmin(provider);
  return Object.assign(provider, { admin, fetch: toFetch(Object.assign(provider, { admin })) });
}

function clockOf({ clock }: Config): Clock {
  if (clock === 'auto')
    throw new ConfigError(['clock'], 'auto moves the timers too: pass { clock: await autoClock() }');
  return clock === 'manual' ? manualClock() : realClock;
}

/** Names fields as the caller knows them, who wrote only what stands at the end of this way. */
function checked<Value>(way: readonly PropertyKey[], attempt: () => Value): Value {
  try {
    return attempt();
  } catch (error) {
    if (!(error instanceof ConfigError) || error.path.length < way.length) throw error;
    throw new ConfigError(error.path.slice(way.length), error.reason);
  }
}

/** Everything that is new after a reset. */
interface Run
  extends Omit<Provider, 'config' | 'clock' | 'fetch' | 'admin' | 'reset' | 'hide' | 'addFault' | 'change'> {
  addFault(entry: FaultEntry, forMs: number): AddedFault;
  change(config: Config, changed: Settings): void;
}

function begin(
  config: Config,
  trueClock: SettableClock,
  options: ScriptOptions & ListingsOptions,
  hidden: ReadonlySet<string>,
): Run {
  const { seed, clockSkewSeconds } = config;
  let { latency } = config;
  const clock = skewedClock(trueClock, clockSkewSeconds * 1_000);
  const dialect: Dialect = dialects[config.dialect];
  const routes = routesOf(config);
  const router = createRouter(routes);
  const resources = new Map(
    Object.entries(config.resources).map(([name, options]) => [name, createResource(name, options, seed, clock)]),
  );
  const listings = createListings(config, dialect, options);
  const writes = createWrites(config, dialect);
  const auth = createAuth(config.auth, { seed, clock, dialect });
  let limits = createLimits(config.limits, seed);
  let script = createScript(config.faults, seed, options);
  const ledger = createLedger(config);
  const redactor = createRedactor(auth.secrets, auth.isToken, hidden);
  const arrivals = new Map<string, number>();
  const httpDate = createHttpDate();

  function handle(call: Call): Reply {
    const { match, refusal } = router.find(call.method, call.path);
    const arrival = arrive(call, match);
    const serveThis = (): Reply => worded(arrival, () => serve(arrival, refusal));
    const say = (problem: Problem): Reply => inWords(problem, arrival);
    const reply = arrival.isFree ? serveThis() : script.play(arrival, { ...arrival, answer: say }, serveThis);
    const { delayMs = arrival.endsAtMs - arrival.nowMs } = reply;
    const { sequence } = record(arrival, reply);
    return { ...finish(call.method, reply, arrival), delayMs, sequence };
  }

  /** Says who is calling, which of their requests this is, and what time it is. */
  function arrive(call: Call, match: Arrival['match']): Arrival {
    const nowMs = clock.now();
    const route = match?.route.name ?? 'unknown';
    const credential = auth.credential(call);
    const client = auth.clientOf(call, match?.route.operation, credential);
    const isFree = call.method === 'HEAD' || call.method === 'OPTIONS';
    const site = `${client} ${route}`;
    const nth = isFree ? 0 : (arrivals.get(site) ?? 0) + 1;
    if (!isFree) arrivals.set(site, nth);
    const organisation = auth.organisationOf(client);
    const ofThis = (label: string): number => chance(seed, label, client, route, nth);
    const { minMs, maxMs } = latency;
    const endsAtMs = nowMs + (maxMs > 0 ? minMs + ofThis('latency') * (maxMs - minMs) : 0);
    const requestId = (): string => uuid(seed, 'request', client, route, nth);
    return {
      call,
      match,
      route,
      nowMs,
      endsAtMs,
      client,
      organisation,
      credential,
      nth,
      isFree,
      chance: ofThis,
      requestId,
    };
  }

  function serve(arrival: Arrival, refusal: Problem | undefined): Reply {
    const { call, match } = arrival;
    if (call.method === 'OPTIONS') return PREFLIGHT;
    if (match === undefined) throw refusal;
    if (match.route.class !== 'auth') auth.authenticate(arrival);
    return limits.admit(arrival, dialect, () => worded(arrival, () => answer(arrival, match)));
  }

  function answer(arrival: Arrival, { route, id }: NonNullable<Arrival['match']>): Reply {
    if (route.operation === 'token') return auth.token(arrival);
    if (route.operation === 'authorize') return auth.authorize(arrival.call, arrival.isFree);
    const resource = findResource(route.resource!);
    if (route.operation === 'list' || route.operation === 'search') return listings.answer(resource, arrival);
    if (route.class === 'write') return writes.answer(resource, arrival);
    const found = resource.get(id!);
    if (found === undefined) throw new Problem(404, 'not_found', `no such record in ${resource.name}`, { field: 'id' });
    return json(200, dialect.record(found, resource.name));
  }

  /** Turns a thrown {@link Problem} into the dialect's words for it. */
  function worded(exchange: Exchange, attempt: () => Reply): Reply {
    try {
      return attempt();
    } catch (error) {
      if (error instanceof Problem) return inWords(error, exchange);
      throw error;
    }
  }

  function inWords(problem: Problem, exchange: Exchange): Reply {
    const reply = dialect.problem(problem, exchange);
    return problem.status === 401 ? { ...reply, isUnauthorized: true } : reply;
  }

  function finish(method: string, reply: Reply, exchange: Exchange): Reply {
    const headers: Record<string, string> = { ...COMMON_HEADERS, date: httpDate(exchange.nowMs) };
    if (reply.simulated !== undefined) headers['x-fake-provider'] = reply.simulated;
    Object.assign(headers, dialect.headers?.(exchange), reply.headers);
    return { ...reply, headers, body: method === 'HEAD' ? '' : reply.body };
  }

  function record(arrival: Arrival, reply: Reply): LedgerEntry {
    const { resource, operation } = arrival.match?.route ?? {};
    const isListed = (operation === 'list' || operation === 'search') && reply.status === 200;
    const listed = isListed
      ? { resource: resource!, revision: findResource(resource!).collection.revision }
      : undefined;
    return ledger.record(observe(arrival, reply, redactor, listed), arrival.call.issuedAt);
  }

  function findResource(name: string): Resource {
    const resource = resources.get(name);
    if (resource === undefined) {
      throw new RangeError(`no resource ${name}: there are ${[...resources.keys()].join(', ')}`);
    }
    return resource;
  }

  function refuse(problem: Problem): Reply {
    const nowMs = clock.now();
    const exchange = { nowMs, requestId: () => uuid(seed, 'refused', nowMs) };
    return finish('', dialect.problem(problem, exchange), exchange);
  }

  function judge(name: string, delivered: Delivered, after = 0): DeliveryVerdict {
    const resource = findResource(name);
    const { revision } = resource.collection;
    return judgeDelivery(resource, delivered, ledger.readingsAfter(after, name) ?? { from: revision, to: revision });
  }

  return {
    ledger,
    handle,
    refuse,
    resource: findResource,
    judge,
    report(delivered = {}) {
      const manners = ledger.judgements();
      const data = Object.fromEntries(Object.entries(delivered).map(([name, records]) => [name, judge(name, records)]));
      const isWhole = Object.values(data).every(isFaultless);
      const passed = isWhole && manners.every((judgement) => judgement.passed);
      return { seed, passed, requests: ledger.tally(), manners, data };
    },
    revokeTokens: auth.revokeTokens,
    levels: () => limits.levels(clock.now()),
    addedFaults: () => script.added(clock.now()),
    addFault: (entry, forMs) => script.add(entry, clock.now() + forMs),
    removeFault: (id) => script.remove(id),
    change(next, changed) {
      latency = next.latency;
      if (changed.limits !== undefined) limits = createLimits(next.limits, seed);
      if (changed.faults !== undefined) script = createScript(next.faults, seed, options);
    },
  };
}
