import { defineScenario } from '../../scenario.ts';

export const cursorLoop = defineScenario({
  id: 'pagination/cursor-loop',
  requirement: "A client that is led in circles by the provider's cursors stops, and says why.",
  level: 'must',
  reference: 'AIP-158: only the empty cursor ends a listing, so a circle never does',
  manners: ['no-loops'],
  mayGiveUp: true,
  config: {
    auth: false,
    resources: { items: { records: 1_000, defects: [{ defect: 'cursor-loop', with: { fromPage: 4 } }] } },
  },
});
