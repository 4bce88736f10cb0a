import { z } from 'zod';
import { Problem } from '../../problem.ts';
import { markCursor, marksOf } from '../cursor.ts';
import { defineDefect } from '../defect.ts';

/** Lets cursors grow old. One that is too old, or was given out while none did, is refused. */
export const cursorExpires = defineDefect({
  name: 'cursor-expires',
  summary: '410 or 400 for a cursor that is older than so many seconds or requests',
  options: z.strictObject({
    /** 0 refuses every cursor. */
    afterSeconds: z.number().min(0).max(31_536_000).default(60),
    /** How many listing requests of the client a cursor outlives. */
    afterRequests: z.int().min(1).max(1_000_000).optional(),
    status: z.union([z.literal(410), z.literal(400)], 'must be 410 or 400').default(410),
  }),
  paginations: ['cursor', 'link'],
  apply({ afterSeconds, afterRequests = Infinity, status }, read, { params, nowMs, nth }) {
    const sent = params.text('cursor');
    const page = read();
    if (sent !== undefined) {
      const made = madeOf(sent);
      if (nowMs - made.atMs >= afterSeconds * 1_000 || nth - made.nth > afterRequests) {
        const field = params.field('cursor');
        throw new Problem(status, 'expired_cursor', `${field} has expired: start again without it`, { field });
      }
    }
    const next = page.next === undefined ? undefined : markCursor(page.next, `made${nowMs}-${nth}`);
    return { ...page, next };
  },
});

/** When a cursor was given out, and by which request; long ago, if it does not say. */
function madeOf(cursor: string): { readonly atMs: number; readonly nth: number } {
  const mark = marksOf(cursor).findLast((each) => each.startsWith('made'));
  const [, atMs, nth] = /^made(\d+)-(\d+)$/.exec(mark ?? '') ?? [];
  return { atMs: Number(atMs ?? -Infinity), nth: Number(nth ?? -Infinity) };
}
