import { defineScenario } from '../../scenario.ts';

export const batchPartialFailure = defineScenario({
  id: 'writes/batch-partial-failure',
  requirement: 'A client sends again those items of a batch that failed for now, and no others.',
  level: 'must',
  reference: 'RFC 4918, section 13 (207): the status of the whole says nothing of its parts',
  task: { batch: 60 },
  showsAs: 207,
  config: {
    auth: false,
    resources: { items: { records: 0, batch: { failures: { ratio: 0.1, status: 503 } } } },
  },
});
