import { z } from 'zod';
import { bytesOf, defineFault, spoil } from '../fault.ts';

/** Sends the body in small pieces: a client that only times out the head waits to the end. */
export const drippedBody = defineFault({
  name: 'dripped-body',
  summary: 'the body comes a few bytes at a time, over some seconds',
  options: z.strictObject({
    /** From the first piece to the last. */
    forMs: z.int().min(1).max(600_000).default(5_000),
    pieces: z.int().min(1).max(10_000).default(50),
  }),
  apply: ({ forMs, pieces }, next) =>
    spoil(next(), (reply) => {
      const bytes = Math.max(1, Math.ceil(bytesOf(reply.body) / pieces));
      return { ...reply, wire: { kind: 'dripped-body', bytes, everyMs: forMs / pieces } };
    }),
});
