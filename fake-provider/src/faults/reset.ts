import { z } from 'zod';
import { defineFault, when } from '../fault.ts';

/** Resets the connection: the client cannot tell whether its request was carried out. */
export const reset = defineFault({
  name: 'reset',
  summary: 'TCP RST instead of an answer, before or after the request took effect',
  options: z.strictObject({ when }),
  apply(options, next) {
    if (options.when === 'after') next();
    return { status: 0, headers: {}, body: '', wire: { kind: 'reset' } };
  },
});
