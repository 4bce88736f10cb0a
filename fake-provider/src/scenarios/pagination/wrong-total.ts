import { defineScenario } from '../../scenario.ts';

export const wrongTotal = defineScenario({
  id: 'pagination/wrong-total',
  requirement: 'A client reads to the end, whatever the total says.',
  level: 'must',
  reference: 'AIP-158: a total may be an estimate',
  config: {
    auth: false,
    resources: {
      items: { records: 1_000, pagination: 'offset', defects: [{ defect: 'wrong-total', with: { by: -150 } }] },
    },
  },
});
