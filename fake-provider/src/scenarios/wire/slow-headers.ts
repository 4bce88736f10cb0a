import { defineScenario } from '../../scenario.ts';

export const slowHeaders = defineScenario({
  id: 'wire/slow-headers',
  requirement: 'A client that waits for slow headers, or gives up on them and asks again, finishes.',
  level: 'must',
  reference: 'RFC 9110, section 9.2.2',
  config: {
    auth: false,
    resources: { items: { records: 500 } },
    faults: [{ fault: 'slow-headers', on: { calls: [2] }, with: { forMs: 1_500 } }],
  },
});
