import type { Limiter, LimitIdentity } from './limit.ts';

/** A stretch of time in which requests are counted together, from `startMs` to just before `endMs`. */
export interface Window {
  readonly startMs: number;
  readonly endMs: number;
}

/** A window, and the units that one caller spent in it. */
export interface CountedWindow extends Window {
  readonly used: number;
}

/** Counts up to a limit in windows that follow one another; `windowAt` tells which one begins with, or holds, an instant. */
export function countPerWindow(
  limit: number,
  identity: LimitIdentity,
  windowAt: (nowMs: number) => Window,
): Limiter<CountedWindow> {
  const current = (last: CountedWindow | undefined, nowMs: number): CountedWindow =>
    last !== undefined && nowMs < last.endMs ? last : { ...windowAt(nowMs), used: 0 };

  return {
    standing(state, { nowMs, cost }) {
      const { startMs, endMs, used } = current(state, nowMs);
      const remaining = Math.max(0, limit - used);
      return {
        ...identity,
        limit,
        windowSeconds: (endMs - startMs) / 1_000,
        remaining,
        resetAtMs: endMs,
        allowedAtMs: remaining >= cost ? nowMs : endMs,
      };
    },
    spend(state, { nowMs, cost }) {
      const window = current(state, nowMs);
      return { ...window, used: window.used + cost };
    },
  };
}

/** The window of this length that holds an instant, where windows begin at multiples of it. */
export function clockWindow(windowMs: number, nowMs: number): Window {
  const startMs = Math.floor(nowMs / windowMs) * windowMs;
  return { startMs, endMs: startMs + windowMs };
}
