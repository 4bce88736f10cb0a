import { z } from 'zod';
import { type CountedWindow, clockWindow, countPerWindow } from './count-per-window.ts';
import { defineLimit, type Limiter } from './limit.ts';

/** What was spent in the window, and until when nothing gets through. */
interface Box {
  readonly counted?: CountedWindow;
  readonly lockedUntilMs?: number;
}

/** A fixed window that locks out whoever exceeds it, as Airtable does for 30 seconds. */
export const penaltyBox = defineLimit({
  name: 'penalty-box',
  summary: 'a fixed window; who exceeds it is refused everything for a while, even in the windows that follow',
  purpose: 'rate',
  options: z.strictObject({
    /** Units per window. */
    limit: z.int().min(1).max(1_000_000_000),
    /** The window's length in seconds, to the millisecond. */
    windowSeconds: z.number().min(0.001).max(31_536_000),
    /** How long nothing gets through after a refusal. More refusals do not make it longer. */
    penaltySeconds: z.number().min(0.001).max(31_536_000).default(30),
  }),
  create({ limit, windowSeconds, penaltySeconds }, identity): Limiter<Box> {
    const windowMs = Math.round(windowSeconds * 1_000);
    const penaltyMs = Math.round(penaltySeconds * 1_000);
    const counter = countPerWindow(limit, identity, (nowMs) => clockWindow(windowMs, nowMs));

    return {
      standing(box, demand) {
        const standing = counter.standing(box?.counted, demand);
        const { lockedUntilMs = 0 } = box ?? {};
        if (demand.nowMs >= lockedUntilMs) return standing;
        return { ...standing, remaining: 0, resetAtMs: lockedUntilMs, allowedAtMs: lockedUntilMs };
      },
      spend: (box = {}, demand) => ({ ...box, counted: counter.spend(box.counted, demand) }),
      punish(box, { nowMs }) {
        if (nowMs < (box?.lockedUntilMs ?? 0)) return box!;
        return { lockedUntilMs: nowMs + penaltyMs };
      },
    };
  },
});
