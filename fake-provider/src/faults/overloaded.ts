import { z } from 'zod';
import { defineFault } from '../fault.ts';
import { Problem } from '../problem.ts';

/** Answers 529, which is in no standard and means the same as 503. */
export const overloaded = defineFault({
  name: 'overloaded',
  summary: '529, as some platforms say that all of them together are too busy',
  options: z.strictObject({
    /** Whole seconds; left out, the answer does not say. */
    retryAfterSeconds: z.int().min(0).max(1_000_000_000).optional(),
  }),
  apply({ retryAfterSeconds }, _next, { answer }) {
    // It was asked for, so it is sent in the dialects that know no such header too.
    const more = retryAfterSeconds === undefined ? {} : { headers: { 'retry-after': `${retryAfterSeconds}` } };
    return answer(new Problem(529, 'overloaded', 'The service is overloaded', more));
  },
});
