import { defineScenario } from '../../scenario.ts';

export const cursorChurn = defineScenario({
  id: 'pagination/cursor-churn',
  requirement: 'A client follows the cursor to the end, though the record behind it may be gone by then.',
  level: 'must',
  reference: 'AIP-158: the empty cursor alone ends a listing',
  config: {
    auth: false,
    resources: {
      items: {
        records: 2_000,
        churn: { insertsPerRequest: 2, deletesPerRequest: 5, updatesPerRequest: 2, insertAt: 'anywhere' },
      },
    },
  },
});
