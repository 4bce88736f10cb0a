import { z } from 'zod';
import { countPerWindow, type Window } from './count-per-window.ts';
import { defineLimit, type Limiter } from './limit.ts';
import { slidingWindow } from './sliding-window.ts';

/** So much for an hour, a day or a month of the calendar, or for any 24 hours on end. */
export const quota = defineLimit({
  name: 'quota',
  summary: 'an allowance for an hour, day or month of the calendar, or for any 24 hours',
  purpose: 'quota',
  options: z.strictObject({
    /** Units per period. */
    limit: z.int().min(1).max(1_000_000_000),
    /** `rolling-24-hours` counts back from each request, as Salesforce does; the others begin anew by the calendar. */
    period: z.enum(['hour', 'day', 'month', 'rolling-24-hours']).default('day'),
    /** The account's time zone, as minutes east of UTC: its midnight begins days and months. Knows no summer time. */
    utcOffsetMinutes: z.int().min(-720).max(840).default(0),
  }),
  create({ limit, period, utcOffsetMinutes }, identity): Limiter {
    if (period === 'rolling-24-hours') return slidingWindow.create({ limit, windowSeconds: DAY_SECONDS }, identity);
    const offsetMs = utcOffsetMinutes * 60_000;
    return countPerWindow(limit, identity, (nowMs) => {
      const { startMs, endMs } = calendar[period](new Date(nowMs + offsetMs));
      return { startMs: startMs - offsetMs, endMs: endMs - offsetMs };
    });
  },
});

/** The period that holds an instant, with the account's own time read as if it were UTC. */
const calendar: Readonly<Record<'hour' | 'day' | 'month', (local: Date) => Window>> = {
  hour: (local) => ({ startMs: startOfHour(local, 0), endMs: startOfHour(local, 1) }),
  day: (local) => ({ startMs: startOfDay(local, 0), endMs: startOfDay(local, 1) }),
  month: (local) => ({ startMs: startOfMonth(local, 0), endMs: startOfMonth(local, 1) }),
};

const startOfHour = (local: Date, later: number): number =>
  Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate(), local.getUTCHours() + later);
const startOfDay = (local: Date, later: number): number =>
  Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate() + later);
const startOfMonth = (local: Date, later: number): number =>
  Date.UTC(local.getUTCFullYear(), local.getUTCMonth() + later);

const DAY_SECONDS = 86_400;
