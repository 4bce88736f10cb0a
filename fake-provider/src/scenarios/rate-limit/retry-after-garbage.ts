import { defineScenario } from '../../scenario.ts';

export const retryAfterGarbage = defineScenario({
  id: 'rate-limit/retry-after-garbage',
  requirement:
    'A client that cannot read Retry-After is not stopped by it: it tries again, though not for ever, and finishes.',
  level: 'must',
  reference: 'RFC 9110, section 10.2.3, has no such value; RFC 6585, section 4',
  manners: ['bounded-retries'],
  config: {
    auth: false,
    resources: { items: { records: 500 } },
    faults: [{ fault: 'rate-limited', on: { calls: [2, 3, 6] }, with: { retryAfterAs: 'garbage' } }],
  },
});
