import { z } from 'zod';
import { defineFault, spoil } from '../fault.ts';

/** Says that the body is something else than it is. */
export const wrongContentType = defineFault({
  name: 'wrong-content-type',
  summary: 'the right body under a Content-Type that is not its own',
  options: z.strictObject({
    contentType: z
      .string()
      .regex(/^[\w.+-]+\/[\w.+-]+(; ?[\w.+-]+=[\w.+-]+)*$/, 'must be a media type, such as "text/html"')
      .default('text/html; charset=utf-8'),
  }),
  apply: ({ contentType }, next) =>
    spoil(next(), (reply) => ({ ...reply, headers: { ...reply.headers, 'content-type': contentType } })),
});
