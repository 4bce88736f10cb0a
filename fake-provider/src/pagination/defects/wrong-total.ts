import { z } from 'zod';
import { defineDefect } from '../defect.ts';

/** States a total that is not the number of records, as a cached or estimated count would be. */
export const wrongTotal = defineDefect({
  name: 'wrong-total',
  summary: 'a total that is off by a fixed number of records',
  options: z.strictObject({
    /** Added to the true total; may be negative. */
    by: z.int().min(-1_000_000_000).max(1_000_000_000).default(-100),
  }),
  apply({ by }, read) {
    const page = read();
    return { ...page, total: Math.max(0, page.total + by) };
  },
});
