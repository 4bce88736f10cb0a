import { z } from 'zod';
import { defineDefect } from '../defect.ts';

/** Links to the next page at another origin: a client that follows with its token gives the token away. */
export const foreignNext = defineDefect({
  name: 'foreign-next',
  summary: 'the link to the next page leads to another origin',
  options: z.strictObject({
    origin: z
      .string()
      .regex(/^https?:\/\/[\w.-]+(:\d+)?$/, 'must be an origin, such as "https://elsewhere.test"')
      .default('https://elsewhere.invalid'),
  }),
  apply: ({ origin }, read) => ({ ...read(), origin }),
});
