import { z } from 'zod';
import { defineFault, when } from '../fault.ts';

/** Closes the connection in good order and says nothing, as a process that ends does. */
export const close = defineFault({
  name: 'close',
  summary: 'TCP FIN instead of an answer, before or after the request took effect',
  options: z.strictObject({ when }),
  apply(options, next) {
    if (options.when === 'after') next();
    return { status: 0, headers: {}, body: '', wire: { kind: 'close' } };
  },
});
