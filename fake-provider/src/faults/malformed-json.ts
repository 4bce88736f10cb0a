import { z } from 'zod';
import { defineFault, spoil } from '../fault.ts';

/** Sends a body that is no JSON under a head that says it is, with a length that is right. The request took effect. */
export const malformedJson = defineFault({
  name: 'malformed-json',
  summary: 'a body that is called JSON and is none, cut short or with more after its end',
  options: z.strictObject({
    /** `cut`: ends somewhere in the middle. `trailing`: goes on after its end, as the log line of a broken server. */
    how: z.enum(['cut', 'trailing']).default('cut'),
  }),
  apply: ({ how }, next, { chance }) =>
    spoil(next(), (reply) => {
      const { body } = reply;
      const cut = 1 + Math.floor(chance('cut') * Math.max(0, body.length - 1));
      return { ...reply, body: how === 'cut' ? body.slice(0, Math.min(cut, body.length - 1)) : `${body}Warning: gone` };
    }),
});
