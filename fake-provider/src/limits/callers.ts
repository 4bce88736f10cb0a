import type { Demand, Limiter, Standing } from './limit.ts';
import type { Others } from './others.ts';

/** What one limit knows of everyone it counts. */
export interface Callers {
  /** How many callers are remembered. */
  readonly size: number;
  /** Where this caller stands, or will stand if nothing but others' traffic happens until `demand.nowMs`. */
  standing(caller: string, demand: Demand): Standing;
  /** Counts a request. */
  spend(caller: string, demand: Demand): void;
  /** Where those stand who called last, or anyone who never called. At most `most` of them. */
  latest(nowMs: number, most: number): readonly { readonly caller: string | undefined; readonly standing: Standing }[];
  /** Takes note that the limit refused a request. */
  punish(caller: string, demand: Demand): void;
}

/** Nobody has called yet. A caller is forgotten some time after their limit is whole again. */
export function createCallers(limiter: Limiter, others?: Others<unknown>): Callers {
  const known = new Map<string, { readonly state: unknown; readonly atMs: number }>();
  let sweepAtSize = MANY;

  function stateOf(caller: string, nowMs: number): unknown {
    const last = known.get(caller);
    return others === undefined ? last?.state : others.eat(last?.state, caller, last?.atMs, nowMs);
  }

  function remember(caller: string, state: unknown, atMs: number): void {
    if (state === undefined) return;
    // Taken out first, so that the last of the map is the one that called last.
    known.delete(caller);
    known.set(caller, { state, atMs });
    if (known.size < sweepAtSize) return;
    const demand = { nowMs: atMs, cost: 1, endsAtMs: atMs };
    for (const [name, last] of known) {
      const { remaining, limit } = limiter.standing(last.state, demand);
      if (remaining === limit) known.delete(name);
    }
    sweepAtSize = Math.max(MANY, known.size * 2);
  }

  return {
    get size() {
      return known.size;
    },
    standing: (caller, demand) => limiter.standing(stateOf(caller, demand.nowMs), demand),
    latest(nowMs, most) {
      const demand = { nowMs, endsAtMs: nowMs, cost: 1 };
      if (known.size === 0) return [{ caller: undefined, standing: limiter.standing(undefined, demand) }];
      return [...known.keys()]
        .slice(-most)
        .map((caller) => ({ caller, standing: limiter.standing(stateOf(caller, nowMs), demand) }));
    },
    spend: (caller, demand) => remember(caller, limiter.spend(stateOf(caller, demand.nowMs), demand), demand.nowMs),
    punish(caller, demand) {
      const state = stateOf(caller, demand.nowMs);
      remember(caller, limiter.punish?.(state, demand) ?? state, demand.nowMs);
    },
  };
}

/** Fewer callers than this are not worth a look. */
const MANY = 1_000;
