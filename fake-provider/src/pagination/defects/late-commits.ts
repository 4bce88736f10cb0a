import { z } from 'zod';
import { GAP } from '../../data/collection.ts';
import { defineDefect } from '../defect.ts';

/** Records become visible late: they stand before others that a reader may have passed already. */
export const lateCommits = defineDefect({
  name: 'late-commits',
  summary: 'records that become visible late, with an earlier created_at than others before them',
  options: z.strictObject({
    /** How many become visible with a request, on average. */
    recordsPerRequest: z.number().min(0).max(100).default(1),
    /** Before how many newer ones a record may stand, at most. */
    behind: z.int().min(1).max(1_000_000).default(50),
  }),
  apply({ recordsPerRequest, behind }, read, { resource: { collection }, chance }) {
    const whole = Math.floor(recordsPerRequest);
    const count = whole + (chance('late-commits') < recordsPerRequest - whole ? 1 : 0);
    for (let index = 0; index < count; index += 1) {
      const newer = 1 + Math.floor(chance(`late-commit-place-${index}`) * Math.min(behind, collection.size));
      const [above] = collection.slice(collection.size - newer, 1);
      if (above === undefined) break;
      const below = collection.slice(collection.size - newer - 1, 1)[0] ?? above - GAP;
      collection.insert(below + 1 + Math.floor(chance(`late-commit-key-${index}`) * (above - below - 1)));
    }
    return read();
  },
});
