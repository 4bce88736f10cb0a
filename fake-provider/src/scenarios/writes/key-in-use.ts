import { defineScenario } from '../../scenario.ts';

export const keyInUse = defineScenario({
  id: 'writes/key-in-use',
  requirement: 'A client that is told its key is in use waits and asks again, and does not take another key.',
  level: 'must',
  reference: 'draft-ietf-httpapi-idempotency-key-header-06',
  task: { create: 3 },
  manners: ['safe-replays'],
  showsAs: 409,
  config: {
    auth: false,
    // Longer than most clients wait before they ask a second time.
    latency: { minMs: 1_500, maxMs: 1_500 },
    resources: { items: { records: 0 } },
    idempotency: { required: true },
    faults: [{ fault: 'gateway-timeout', on: { route: 'POST /items', calls: [1] } }],
  },
});
