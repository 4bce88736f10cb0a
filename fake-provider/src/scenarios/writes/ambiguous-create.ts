import { defineScenario } from '../../scenario.ts';

export const ambiguousCreate = defineScenario({
  id: 'writes/ambiguous-create',
  requirement:
    'A client whose create got no answer sends it again with the same key and the same bytes, and there is one record.',
  level: 'must',
  reference: 'draft-ietf-httpapi-idempotency-key-header-06',
  task: { create: 8 },
  manners: ['safe-replays'],
  config: {
    auth: false,
    resources: { items: { records: 0 } },
    faults: [
      { fault: 'reset', on: { route: 'POST /items', calls: [1, 4] }, with: { when: 'after' } },
      { fault: 'internal-error', on: { route: 'POST /items', calls: [6] }, with: { when: 'after' } },
    ],
  },
});
