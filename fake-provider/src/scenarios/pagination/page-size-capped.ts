import { defineScenario } from '../../scenario.ts';

export const pageSizeCapped = defineScenario({
  id: 'pagination/page-size-capped',
  requirement: 'A client that gets fewer records than it asked for goes on after those it got.',
  level: 'must',
  reference: 'AIP-158: a server may return fewer than asked',
  config: {
    auth: false,
    resources: { items: { records: 700, pagination: 'offset', pageSize: { default: 50, max: 50, overMax: 'cap' } } },
  },
});
