import { defineScenario } from '../../scenario.ts';

export const cursorExpires = defineScenario({
  id: 'pagination/cursor-expires',
  requirement: 'A client whose cursor has expired says so, or starts again, and does not take it for the end.',
  level: 'must',
  reference: 'AIP-158, on expiring page tokens; RFC 9110, section 15.5.11 (410)',
  mayGiveUp: true,
  config: {
    auth: false,
    resources: {
      items: {
        records: 1_000,
        defects: [{ defect: 'cursor-expires', on: { calls: [5] }, with: { afterSeconds: 0 } }],
      },
    },
  },
});
