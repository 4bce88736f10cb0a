import { z } from 'zod';
import { bytesOf, defineFault, spoil } from '../fault.ts';

/** Breaks off in the body, though the head promised all of it. The request took effect. */
export const truncatedBody = defineFault({
  name: 'truncated-body',
  summary: 'part of the body under the Content-Length of all of it; then the connection closes',
  options: z.strictObject({
    /** The share of the body that arrives. */
    share: z.number().min(0).max(1).default(0.5),
  }),
  apply: ({ share }, next) =>
    spoil(next(), (reply) => {
      const length = bytesOf(reply.body);
      if (length === 0) return { ...reply, status: 0, wire: { kind: 'close' } };
      return { ...reply, wire: { kind: 'truncated-body', bytes: Math.min(length - 1, Math.floor(length * share)) } };
    }),
});
