import type { Arrival } from '../arrival.ts';
import type { Reply } from '../call.ts';
import type { Config } from '../config.ts';
import { type Dialect, secondsUntil } from '../dialects/dialect.ts';
import { fingerprint } from '../ledger/fingerprint.ts';
import { Problem } from '../problem.ts';
import { type Callers, createCallers } from './callers.ts';
import { limitKinds } from './index.ts';
import type { Demand, Limiter, LimitKind, Standing } from './limit.ts';
import { createOthers } from './others.ts';

/** All limits of a provider. */
export interface Limits {
  /** Serves the request if every limit that applies lets it through, and says in the headers where the caller stands. */
  admit(arrival: Arrival, dialect: Dialect, serve: () => Reply): Reply;
  /** Where the latest callers of each limit stand. */
  levels(nowMs: number): LimitLevel[];
}

/** Where one caller stands with one limit, for people who watch. */
export interface LimitLevel extends Standing {
  readonly kind: LimitConfig['kind'];
  readonly per: LimitConfig['per'];
  /** Whose requests are counted; absent where nobody has called. A token is told by its fingerprint. */
  readonly caller: string | undefined;
}

type LimitConfig = Config['limits'][number];

/** What a request asks of a limit that applies to it. */
interface Applied {
  readonly callers: Callers;
  readonly caller: string;
  readonly demand: Demand;
  /** Whether a request counts even if it is refused. */
  readonly countRefused: boolean;
}

/** Makes the configured limits, all unspent. Those that name no routes apply to all but the token endpoint. */
export function createLimits(configured: Config['limits'], seed: number): Limits {
  const limits = configured.map((config) => {
    const limiter = limiterOf(config);
    const { othersPerSecond, name } = config;
    const others =
      othersPerSecond === undefined ? undefined : createOthers(limiter, othersPerSecond, [seed, 'others', name]);
    return { config, callers: createCallers(limiter, others) };
  });

  /** Every limit that applies to this request. */
  function appliedTo(arrival: Arrival): Applied[] {
    const { nowMs, endsAtMs, route } = arrival;
    const routeClass = arrival.match?.route.class;
    if (routeClass === undefined) return [];
    return limits
      .filter(({ config }) => config.routes?.includes(route) ?? config.classes.includes(routeClass))
      .map(({ config, callers }) => ({
        callers,
        caller: callerOf(config, arrival),
        demand: { nowMs, endsAtMs, cost: config.cost[routeClass] ?? 1 },
        countRefused: config.countRefused,
      }));
  }

  return {
    levels: (nowMs) =>
      limits.flatMap(({ config: { kind, per }, callers }) =>
        callers.latest(nowMs, CALLERS_SHOWN).map(({ caller, standing }) => ({
          ...standing,
          kind,
          per,
          caller: per === 'token' && caller ? fingerprint(caller) : caller,
        })),
      ),
    admit(arrival, dialect, serve) {
      const { nowMs } = arrival;
      const applied = appliedTo(arrival);
      if (applied.length === 0) return serve();
      const rateHeaders = (exceeded?: Standing): Readonly<Record<string, string>> => {
        const announced = standingsAt(applied, nowMs).filter((standing) => standing.announced);
        return announced.length === 0 ? {} : dialect.rateHeaders(announced, nowMs, exceeded);
      };

      const reached = arrival.isFree ? [] : applied.filter((one) => !letsThrough(one, nowMs));
      if (reached.length > 0) {
        noteRefusal(applied, reached, nowMs);
        const last = {
          ...slowest(standingsAt(reached, nowMs)),
          allowedAtMs: firstAllowedMs(applied, nowMs, 1),
        };
        const retryAfterSeconds = secondsUntil(firstAllowedMs(applied, nowMs, 1_000), nowMs);
        const reply = dialect.problem(exceeded(last, retryAfterSeconds), arrival);
        return { ...reply, headers: { ...rateHeaders(last), ...reply.headers }, simulated: last.name };
      }

      if (!arrival.isFree) for (const { callers, caller, demand } of applied) callers.spend(caller, demand);
      const headers = rateHeaders();
      const reply = serve();
      return { ...reply, headers: { ...reply.headers, ...headers } };
    },
  };
}

/** More than anyone wants to watch. */
const CALLERS_SHOWN = 20;

/** The algorithm of a configured limit. */
export function limiterOf(config: Pick<LimitConfig, 'kind' | 'with' | 'name' | 'purpose' | 'announced'>): Limiter {
  // The schema pairs each kind with its own options, which a lookup by name cannot show the compiler.
  const kind = limitKinds[config.kind] as LimitKind;
  const { name, announced, purpose = kind.purpose } = config;
  return kind.create(config.with, { name, announced, purpose });
}

/** Where the caller of a request will stand with each limit, if nothing but others' traffic happens until then. */
function standingsAt(applied: readonly Applied[], atMs: number): Standing[] {
  return applied.map(({ callers, caller, demand }) => callers.standing(caller, { ...demand, nowMs: atMs }));
}

function letsThrough(one: Applied, atMs: number): boolean {
  return standingsAt([one], atMs).every(({ allowedAtMs }) => allowedAtMs <= atMs);
}

function noteRefusal(applied: readonly Applied[], reached: readonly Applied[], nowMs: number): void {
  for (const one of applied) {
    // Refused, it occupies nothing.
    if (one.countRefused) one.callers.spend(one.caller, { ...one.demand, endsAtMs: nowMs });
  }
  for (const { callers, caller, demand } of reached) callers.punish(caller, demand);
}

/**
 * When the same request gets through, so many steps from now. All that are spent must have recovered by then; and where
 * others share a limit they may have been quicker, which makes it later.
 */
function firstAllowedMs(applied: readonly Applied[], nowMs: number, stepMs: number): number {
  let atMs = nowMs;
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const { allowedAtMs } = slowest(standingsAt(applied, atMs));
    if (allowedAtMs <= atMs) break;
    atMs = nowMs + Math.ceil((allowedAtMs - nowMs) / stepMs) * stepMs;
  }
  return atMs;
}

/** A bound for limits that others never leave alone. */
const MOST_TRIES = 1_000;

/** The one that holds a request back longest. */
function slowest(standings: readonly Standing[]): Standing {
  return standings.reduce((one, other) => (other.allowedAtMs > one.allowedAtMs ? other : one));
}

/** Whose requests are counted together. */
function callerOf({ per }: LimitConfig, { client, organisation, credential, call }: Arrival): string {
  switch (per) {
    case 'client':
      return client;
    case 'token':
      return credential;
    case 'organisation':
      return organisation;
    case 'ip':
      return call.ip;
    case 'everyone':
      return '';
  }
}

function exceeded(standing: Standing, retryAfterSeconds: number): Problem {
  const { name, limit, windowSeconds, purpose } = standing;
  const allowance =
    purpose === 'concurrency' ? `${limit} requests at a time` : `${limit} requests in ${windowSeconds} s`;
  return new Problem(429, 'rate_limited', `limit ${name} allows ${allowance}`, {
    exceeded: standing,
    retryAfterSeconds,
  });
}
