import { z } from 'zod';
import { cursorBefore, markCursor } from '../cursor.ts';
import { defineDefect } from '../defect.ts';

/** Sends a page without records that says more follow, as one that was filtered after it was read. */
export const emptyPage = defineDefect({
  name: 'empty-page',
  summary: 'an empty page in the middle that still says more; nothing is lost to a client that goes on',
  options: z.strictObject({}),
  paginations: ['cursor', 'link', 'keyset', 'offset'],
  apply(_options, read, { resource, pagination, params, nth }) {
    const page = read();
    if (page.records.length === 0) return page;
    const hasCursor = pagination === 'cursor' || pagination === 'link';
    const own = pagination === 'offset' ? `${page.offset}` : params.text('after');
    // Marked by its request: a client that watches for repeated cursors must not take this one for a loop.
    const next = hasCursor ? markCursor(cursorBefore(resource, page), `empty${nth}`) : own;
    return { ...page, records: [], more: true, next };
  },
});
