import { z } from 'zod';
import { defineDefect } from '../defect.ts';

/** Begins a page with the last records of the page before. */
export const duplicateRecords = defineDefect({
  name: 'duplicate-records',
  summary: 'a page begins with the last records of the page before, once more',
  options: z.strictObject({
    count: z.int().min(1).max(1_000).default(1),
  }),
  // By offset a longer page would push the next one on, and lose what a client cannot know of; drift repeats there.
  paginations: ['cursor', 'link', 'keyset', 'page-number'],
  apply({ count }, read, { resource }) {
    const page = read();
    const start = Math.max(0, page.offset - count);
    return { ...page, records: [...resource.slice(start, page.offset - start), ...page.records] };
  },
});
