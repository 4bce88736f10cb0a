import { z } from 'zod';
import { clockWindow, countPerWindow } from './count-per-window.ts';
import { defineLimit } from './limit.ts';

/** So many requests in each window; what is left over is lost when the next window begins. */
export const fixedWindow = defineLimit({
  name: 'fixed-window',
  summary: 'a count that starts again at the beginning of every window',
  purpose: 'rate',
  options: z.strictObject({
    /** Units per window. */
    limit: z.int().min(1).max(1_000_000_000),
    /** The window's length in seconds, to the millisecond. */
    windowSeconds: z.number().min(0.001).max(31_536_000),
    /** `clock`: windows begin at multiples of their length. `first-request`: each caller's begins with its first request. */
    begins: z.enum(['clock', 'first-request']).default('clock'),
  }),
  create({ limit, windowSeconds, begins }, identity) {
    const windowMs = Math.round(windowSeconds * 1_000);
    return countPerWindow(limit, identity, (nowMs) =>
      begins === 'clock' ? clockWindow(windowMs, nowMs) : { startMs: nowMs, endMs: nowMs + windowMs },
    );
  },
});
