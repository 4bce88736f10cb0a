import { z } from 'zod';
import { defineFault } from '../fault.ts';
import { Problem } from '../problem.ts';

/** Answers 503, with or without a hint when to come back. */
export const unavailable = defineFault({
  name: 'unavailable',
  summary: '503, optionally with Retry-After',
  options: z.strictObject({
    /** Whole seconds; left out, the answer does not say. */
    retryAfterSeconds: z.int().min(0).max(1_000_000_000).optional(),
  }),
  apply({ retryAfterSeconds }, _next, { answer }) {
    // It was asked for, so it is sent in the dialects that know no such header too.
    const more = retryAfterSeconds === undefined ? {} : { headers: { 'retry-after': `${retryAfterSeconds}` } };
    return answer(new Problem(503, 'unavailable', 'The service is unavailable', more));
  },
});
