import { z } from 'zod';
import { defineDefect } from '../defect.ts';

/** Sends fewer records than the page would hold, before the end. */
export const shortPage = defineDefect({
  name: 'short-page',
  summary: 'a page of fewer records than asked for, though it is not the last',
  options: z.strictObject({}),
  paginations: ['cursor', 'link', 'keyset', 'offset'],
  apply(_options, read, { chance }) {
    const page = read();
    const { length } = page.records;
    if (length < 2) return page;
    const kept = 1 + Math.floor(chance('short-page') * (length - 1));
    return { ...read({ limit: `${kept}` }), limit: page.limit };
  },
});
