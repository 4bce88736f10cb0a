import { defineScenario } from '../../scenario.ts';

export const shortPage = defineScenario({
  id: 'pagination/short-page',
  requirement: 'A client goes on after a page that holds fewer records than it asked for.',
  level: 'must',
  reference: 'AIP-158: a server may return fewer than asked',
  config: {
    auth: false,
    resources: { items: { records: 1_000, defects: [{ defect: 'short-page', on: { calls: [2, 5] } }] } },
  },
});
