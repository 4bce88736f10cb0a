import { z } from 'zod';
import { defineLimit, type Limiter } from './limit.ts';

/** A request that is being answered. */
interface Running {
  readonly cost: number;
  readonly endsAtMs: number;
}

/** So many requests at the same time. How long one takes is the configuration's `latency` to say. */
export const concurrency = defineLimit({
  name: 'concurrency',
  summary: 'so many requests at the same time, each from its arrival until its answer',
  purpose: 'concurrency',
  options: z.strictObject({
    /** Units at the same time. */
    limit: z.int().min(1).max(100_000),
  }),
  create({ limit }, identity): Limiter<readonly Running[]> {
    /** What is not answered yet, that which ends first at the front. */
    const runningAt = (running: readonly Running[] = [], nowMs: number): readonly Running[] =>
      running.filter(({ endsAtMs }) => endsAtMs > nowMs);

    return {
      standing(state, { nowMs, cost }) {
        const running = runningAt(state, nowMs);
        const remaining = limit - running.reduce((sum, one) => sum + one.cost, 0);
        let free = remaining;
        let allowedAtMs = nowMs;
        for (const { cost: freed, endsAtMs } of running) {
          if (free >= cost) break;
          free += freed;
          allowedAtMs = endsAtMs;
        }
        return {
          ...identity,
          limit,
          windowSeconds: 0,
          remaining,
          resetAtMs: running.at(-1)?.endsAtMs ?? nowMs,
          allowedAtMs,
        };
      },
      spend(state, { nowMs, cost, endsAtMs }) {
        const running = runningAt(state, nowMs);
        // A refused request occupies nothing, and one that is answered at once has ended.
        if (endsAtMs <= nowMs) return running;
        return [...running, { cost, endsAtMs }].sort((one, other) => one.endsAtMs - other.endsAtMs);
      },
    };
  },
});
