import { defineScenario } from '../../scenario.ts';

export const keyInUse = defineScenario({
  id: 'writes/key-in-use',
  requirement: 'A client that is told its key is in use waits and asks again, and does not take another key.',
  level: 'must',
  reference: 'draft-ietf-httpapi-idempotency-key-header-06',
  task: 'none',
  config: {
    auth: false,
    latency: { minMs: 300, maxMs: 300 },
    resources: { items: { records: 0 } },
    idempotency: { required: true },
  },
});
