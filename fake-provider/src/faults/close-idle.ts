import { z } from 'zod';
import { defineFault, spoil } from '../fault.ts';

/** Answers well, and closes the kept connection early: the next request on it may meet the end of it. */
export const closeIdle = defineFault({
  name: 'close-idle',
  summary: 'the connection of a good answer is closed once it was idle for so long, whatever Keep-Alive said',
  options: z.strictObject({
    afterMs: z.int().min(0).max(600_000).default(50),
  }),
  apply: ({ afterMs }, next) => spoil(next(), (reply) => ({ ...reply, wire: { kind: 'close-idle', afterMs } })),
});
