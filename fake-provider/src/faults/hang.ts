import { z } from 'zod';
import { defineFault } from '../fault.ts';

/** Takes the request and never answers. Only a client that limits its own patience gets away. */
export const hang = defineFault({
  name: 'hang',
  summary: 'never answers, and keeps the connection open',
  options: z.strictObject({}),
  apply: () => ({ status: 0, headers: {}, body: '', wire: { kind: 'hang' } }),
});
