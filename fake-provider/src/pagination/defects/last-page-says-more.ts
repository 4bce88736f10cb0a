import { z } from 'zod';
import { makeCursor } from '../cursor.ts';
import { defineDefect } from '../defect.ts';

/** Says on the last page that more follow. What follows is an empty page, which says that it is the last. */
export const lastPageSaysMore = defineDefect({
  name: 'last-page-says-more',
  summary: 'the last page says that more follow; the next one is empty',
  options: z.strictObject({}),
  paginations: ['cursor', 'link', 'keyset', 'page-number'],
  apply(_options, read, { resource, pagination }) {
    const page = read();
    const last = page.records.at(-1);
    if (page.more || last === undefined) return page;
    const number = `${Math.floor(page.offset / page.limit) + 2}`;
    const mark = pagination === 'keyset' ? last.id : makeCursor(resource, last.id);
    return { ...page, more: true, next: pagination === 'page-number' ? number : mark };
  },
});
