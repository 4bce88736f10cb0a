import { defineScenario } from '../../scenario.ts';

export const pageNumberDrift = defineScenario({
  id: 'pagination/page-number-drift',
  requirement: 'Every record that existed throughout is delivered once, though only pages can be asked for.',
  level: 'must',
  reference: 'RFC 9110, section 9.2.1: a list may change between two safe requests',
  config: {
    auth: false,
    resources: {
      items: {
        records: 2_000,
        pagination: 'page-number',
        churn: { insertsPerRequest: 1, deletesPerRequest: 2, insertAt: 'anywhere' },
      },
    },
  },
});
