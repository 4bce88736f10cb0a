import { z } from 'zod';
import { defineFault, spoil } from '../fault.ts';

/** Sends more headers than most clients take: Node refuses more than 16 KiB of them. */
export const hugeHeaders = defineFault({
  name: 'huge-headers',
  summary: 'so many bytes of headers that clients refuse the answer',
  options: z.strictObject({
    bytes: z.int().min(1).max(1_000_000).default(65_536),
  }),
  apply: ({ bytes }, next) =>
    spoil(next(), (reply) => {
      const headers: Record<string, string> = { ...reply.headers };
      for (let left = bytes, index = 1; left > 0; left -= LINE, index += 1) {
        headers[`x-padding-${index}`] = 'x'.repeat(Math.min(left, LINE));
      }
      return { ...reply, headers };
    }),
});

/** Shorter than what any server or proxy takes for one line. */
const LINE = 4_096;
