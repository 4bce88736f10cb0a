import { defineScenario } from '../../scenario.ts';

export const windowCutOff = defineScenario({
  id: 'pagination/window-cut-off',
  requirement:
    'A client that reads by stretches of time asks again for what a page cut off, and loses none of those that share its last instant.',
  level: 'must',
  reference: 'Zendesk documentation, Search: at most 1,000 results, so a longer time is to be searched in parts',
  config: {
    auth: false,
    resources: {
      items: {
        records: 600,
        pagination: 'time-window',
        recordsPerInstant: 7,
        churn: { insertsPerRequest: 1, deletesPerRequest: 0.5 },
      },
    },
  },
});
