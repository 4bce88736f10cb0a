import { z } from 'zod';
import { defineLimit, type Limiter } from './limit.ts';

/** Units that were spent at about the same time, and stop counting at the same time. */
interface Slot {
  readonly untilMs: number;
  readonly used: number;
}

/** Never more than so many requests in any stretch of time as long as the window. */
export const slidingWindow = defineLimit({
  name: 'sliding-window',
  summary: 'a count over the last so many seconds: each request comes back one window after it was made',
  purpose: 'rate',
  options: z.strictObject({
    /** Units per window. */
    limit: z.int().min(1).max(1_000_000_000),
    /** The window's length in seconds. A unit comes back at most a thousandth of it late, and never early. */
    windowSeconds: z.number().min(0.001).max(31_536_000),
  }),
  create({ limit, windowSeconds }, identity): Limiter<readonly Slot[]> {
    const windowMs = Math.round(windowSeconds * 1_000);
    // However many requests there are, a caller takes no more memory than this many slots.
    const slotMs = Math.ceil(windowMs / 1_000);
    const counting = (slots: readonly Slot[] = [], nowMs: number): readonly Slot[] =>
      slots.filter(({ untilMs }) => untilMs > nowMs);

    return {
      standing(state, { nowMs, cost }) {
        const slots = counting(state, nowMs);
        const remaining = limit - slots.reduce((sum, { used }) => sum + used, 0);
        let free = remaining;
        let allowedAtMs = nowMs;
        for (const { untilMs, used } of slots) {
          if (free >= cost) break;
          free += used;
          allowedAtMs = untilMs;
        }
        return {
          ...identity,
          limit,
          windowSeconds,
          remaining: Math.max(0, remaining),
          resetAtMs: slots.at(-1)?.untilMs ?? nowMs,
          allowedAtMs,
        };
      },
      spend(state, { nowMs, cost }) {
        const slots = counting(state, nowMs);
        const untilMs = Math.ceil(nowMs / slotMs) * slotMs + windowMs;
        const last = slots.at(-1);
        if (last?.untilMs !== untilMs) return [...slots, { untilMs, used: cost }];
        return slots.with(-1, { untilMs, used: last.used + cost });
      },
    };
  },
});
