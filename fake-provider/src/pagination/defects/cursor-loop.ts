import { z } from 'zod';
import { defineDefect } from '../defect.ts';

/** Leads back: from some page on, the next one is the second again, and the listing never ends. */
export const cursorLoop = defineDefect({
  name: 'cursor-loop',
  summary: 'from the n-th page on, the cursor leads back to the second page',
  options: z.strictObject({
    /** The page, from 1, whose cursor leads back; the last one, if there are fewer. */
    fromPage: z.int().min(2).max(1_000_000).default(3),
  }),
  paginations: ['cursor', 'link'],
  apply({ fromPage }, read) {
    const page = read();
    const { next } = read({ cursor: undefined });
    const isThere = page.offset >= (fromPage - 1) * page.limit || (!page.more && page.offset > 0);
    return isThere && next !== undefined ? { ...page, more: true, next } : page;
  },
});
