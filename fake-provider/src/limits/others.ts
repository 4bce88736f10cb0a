import { pick, times } from '../chance.ts';
import type { Limiter } from './limit.ts';

/** The traffic of the other tenants who share a limit. It follows from the seed and the clock alone. */
export interface Others<State> {
  /** What a limit that stood like this at `sinceMs` has come to at `nowMs`; from one window back, if it was never touched. */
  eat(state: State | undefined, caller: string, sinceMs: number | undefined, nowMs: number): State | undefined;
}

/** Other tenants who ask for so many units per second, and get what there is. */
export function createOthers<State>(
  limiter: Limiter<State>,
  perSecond: number,
  site: readonly (string | number)[],
): Others<State> {
  const { windowSeconds } = limiter.standing(undefined, { nowMs: 0, cost: 1, endsAtMs: 0 });
  const windowMs = windowSeconds * 1_000;
  // They come in batches: one a second, or fewer where a window is so long that nobody could tell.
  const batchMs = Math.ceil(Math.max(1_000, windowMs / BATCHES_PER_WINDOW));

  return {
    eat(before, caller, sinceMs = -Infinity, nowMs) {
      let state = before;
      // What is older than a window has no effect any more.
      const fromMs = Math.max(sinceMs, nowMs - windowMs - batchMs);
      for (let batch = Math.floor(fromMs / batchMs); batch * batchMs <= nowMs; batch += 1) {
        const atMs = batch * batchMs + pick(batchMs, ...site, caller, batch, 'when');
        if (atMs <= fromMs || atMs > nowMs) continue;
        const wanted = times((perSecond * batchMs) / 1_000, ...site, caller, batch, 'how many');
        const demand = { nowMs: atMs, cost: 1, endsAtMs: atMs };
        const cost = Math.min(wanted, limiter.standing(state, demand).remaining);
        if (cost > 0) state = limiter.spend(state, { ...demand, cost });
      }
      return state;
    },
  };
}

/** So that a quota of a month is not counted by the second. */
const BATCHES_PER_WINDOW = 500;
