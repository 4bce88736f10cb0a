import { z } from 'zod';
import { cursorBefore } from '../cursor.ts';
import { defineDefect } from '../defect.ts';

/** Gives the cursor that was sent as the next one, so that the same page comes again. */
export const repeatedCursor = defineDefect({
  name: 'repeated-cursor',
  summary: 'the next cursor is the one that was sent, and leads to the same page again',
  options: z.strictObject({}),
  paginations: ['cursor', 'link'],
  apply(_options, read, { resource, params }) {
    const page = read();
    return page.more ? { ...page, next: params.text('cursor') ?? cursorBefore(resource, page) } : page;
  },
});
