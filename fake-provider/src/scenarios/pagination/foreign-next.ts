import { defineScenario } from '../../scenario.ts';

export const foreignNext = defineScenario({
  id: 'pagination/foreign-next',
  requirement:
    'A client does not follow a link to an origin it was not told to trust, and does not send its token there.',
  level: 'must',
  reference: 'RFC 6750, section 5.3; RFC 9110, section 17.1',
  manners: ['token-origin'],
  mayGiveUp: true,
  config: {
    resources: {
      items: { records: 1_000, pagination: 'link', defects: [{ defect: 'foreign-next', on: { calls: [3] } }] },
    },
  },
});
