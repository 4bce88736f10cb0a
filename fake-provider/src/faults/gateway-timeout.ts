import { z } from 'zod';
import { defineFault } from '../fault.ts';
import { Problem } from '../problem.ts';

/** Answers 504 while the request goes on behind it: a gateway that gave up sooner than the service. */
export const gatewayTimeout = defineFault({
  name: 'gateway-timeout',
  summary: '504 while the request is still under way, and takes effect; how long it takes is the latency',
  options: z.strictObject({
    /** How long the gateway waits before it gives up. */
    afterMs: z.int().min(0).max(60_000).default(0),
  }),
  apply({ afterMs }, next, { answer }) {
    next();
    return { ...answer(new Problem(504, 'gateway_timeout', 'The service did not answer in time')), delayMs: afterMs };
  },
});
