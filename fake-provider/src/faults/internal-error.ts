import { z } from 'zod';
import { defineFault, when } from '../fault.ts';
import { Problem } from '../problem.ts';

/** Answers 500. With `after`, the request was carried out all the same. */
export const internalError = defineFault({
  name: 'internal-error',
  summary: '500, before or after the request took effect',
  options: z.strictObject({ when }),
  apply(options, next, { answer }) {
    if (options.when === 'after') next();
    return answer(new Problem(500, 'internal_error', 'Something went wrong'));
  },
});
