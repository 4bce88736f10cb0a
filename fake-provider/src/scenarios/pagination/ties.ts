import { defineScenario } from '../../scenario.ts';

export const ties = defineScenario({
  id: 'pagination/ties',
  requirement: 'Records that share one instant are neither lost nor repeated where a page ends among them.',
  level: 'must',
  reference: 'SQL: an ORDER BY that is not unique leaves the rest of the order open',
  config: {
    auth: false,
    resources: {
      items: { records: 1_000, pagination: 'keyset', recordsPerInstant: 150, pageSize: { default: 50, max: 200 } },
    },
  },
});
