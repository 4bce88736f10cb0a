import { z } from 'zod';
import { json } from '../call.ts';
import { defineFault, when } from '../fault.ts';

/** Answers 200, and only the body tells that it failed. */
export const okFalse = defineFault({
  name: 'ok-false',
  summary: '200 with {"ok": false} in place of an error status',
  options: z.strictObject({
    /** The word in the body's `error`. */
    error: z.string().min(1).default('internal_error'),
    when,
  }),
  apply(options, next) {
    if (options.when === 'after') next();
    return json(200, { ok: false, error: options.error });
  },
});
