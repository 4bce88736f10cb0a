import { defineScenario } from '../../scenario.ts';

export const offsetDrift = defineScenario({
  id: 'pagination/offset-drift',
  requirement: 'Every record that existed throughout is delivered once, while others are inserted and deleted.',
  level: 'must',
  reference: 'RFC 9110, section 9.2.1: a list may change between two safe requests',
  config: {
    auth: false,
    resources: {
      items: {
        records: 2_000,
        pagination: 'offset',
        order: 'newest-first',
        churn: { insertsPerRequest: 2, deletesPerRequest: 3, insertAt: 'anywhere' },
      },
    },
  },
});
