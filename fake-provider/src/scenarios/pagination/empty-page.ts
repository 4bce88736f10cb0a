import { defineScenario } from '../../scenario.ts';

export const emptyPage = defineScenario({
  id: 'pagination/empty-page',
  requirement: 'A client goes on after an empty page that says more follow.',
  level: 'must',
  reference: 'AIP-158: a page may be empty before the end',
  config: {
    auth: false,
    resources: { items: { records: 1_000, defects: [{ defect: 'empty-page', on: { calls: [1, 4, 5, 8] } }] } },
  },
});
