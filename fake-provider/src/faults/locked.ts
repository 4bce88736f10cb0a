import { z } from 'zod';
import { defineFault } from '../fault.ts';
import { Problem } from '../problem.ts';

/** Answers that another request holds the record. It is free again in a moment. */
export const locked = defineFault({
  name: 'locked',
  summary: '423, or a 429 that is no rate limit: another request holds the record',
  options: z.strictObject({}),
  apply: (_options, _next, { answer }) => answer(new Problem(423, 'locked', 'The record is locked by another request')),
});
