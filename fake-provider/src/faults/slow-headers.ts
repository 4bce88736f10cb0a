import { z } from 'zod';
import { defineFault, spoil } from '../fault.ts';

/** Sends the head line by line: a client that only times out silence waits to the end. */
export const slowHeaders = defineFault({
  name: 'slow-headers',
  summary: 'the head comes line by line, over some seconds',
  options: z.strictObject({
    /** From the first line to the last. */
    forMs: z.int().min(1).max(600_000).default(5_000),
  }),
  apply: ({ forMs }, next) => spoil(next(), (reply) => ({ ...reply, wire: { kind: 'slow-headers', forMs } })),
});
