import { z } from 'zod';
import { defineDefect } from '../defect.ts';

/** Says that more follow, and not where. */
export const missingCursor = defineDefect({
  name: 'missing-cursor',
  summary: 'says that more follow, and gives no cursor to ask for it',
  options: z.strictObject({}),
  paginations: ['cursor'],
  apply: (_options, read) => ({ ...read(), next: undefined }),
});
