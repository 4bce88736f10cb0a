import { defineScenario } from '../../scenario.ts';

export const linkChurn = defineScenario({
  id: 'pagination/link-churn',
  requirement: 'A client follows rel="next" until no such link comes.',
  level: 'must',
  reference: 'RFC 8288, section 3',
  config: {
    auth: false,
    resources: {
      items: {
        records: 2_000,
        pagination: 'link',
        churn: { insertsPerRequest: 2, deletesPerRequest: 5, insertAt: 'anywhere' },
      },
    },
  },
});
