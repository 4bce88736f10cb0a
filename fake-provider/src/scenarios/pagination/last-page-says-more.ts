import { defineScenario } from '../../scenario.ts';

export const lastPageSaysMore = defineScenario({
  id: 'pagination/last-page-says-more',
  requirement: 'A client that is sent on from the last page to an empty one ends there, with all records.',
  level: 'must',
  reference: 'AIP-158: only the empty cursor ends a listing, and a page may be empty',
  config: { auth: false, resources: { items: { records: 1_000, defects: [{ defect: 'last-page-says-more' }] } } },
});
