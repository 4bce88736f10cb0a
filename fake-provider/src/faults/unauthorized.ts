import { z } from 'zod';
import { defineFault } from '../fault.ts';
import { Problem } from '../problem.ts';

/** Refuses a token that is good: as a replica does that has not heard of it yet. */
export const unauthorized = defineFault({
  name: 'unauthorized',
  summary: '401 though the token is good',
  options: z.strictObject({}),
  apply: (_options, _next, { answer }) =>
    answer(
      new Problem(401, 'invalid_token', 'the access token is unknown', {
        field: 'authorization',
        headers: { 'www-authenticate': 'Bearer error="invalid_token", error_description="the token is unknown"' },
      }),
    ),
});
