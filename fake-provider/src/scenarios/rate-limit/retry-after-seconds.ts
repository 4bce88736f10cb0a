import { defineScenario } from '../../scenario.ts';

export const retryAfterSeconds = defineScenario({
  id: 'rate-limit/retry-after-seconds',
  requirement: 'After a 429 the client does not call again before Retry-After has passed.',
  level: 'must',
  reference: 'RFC 9110, section 10.2.3; RFC 6585, section 4',
  manners: ['retry-after'],
  config: {
    auth: false,
    resources: { items: { records: 1_000 } },
    faults: [{ fault: 'rate-limited', on: { calls: [2, 5] }, with: { retryAfterSeconds: 1, retryAfterAs: 'seconds' } }],
  },
});
