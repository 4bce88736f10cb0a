import { defineScenario } from '../../scenario.ts';

export const malformedJson = defineScenario({
  id: 'wire/malformed-json',
  requirement:
    'A client does not take a body that it cannot read for a page without records: it repeats the request or says so.',
  level: 'must',
  reference: 'RFC 8259, section 9; RFC 9110, section 9.2.2',
  mayGiveUp: true,
  config: {
    auth: false,
    resources: { items: { records: 500 } },
    faults: [{ fault: 'malformed-json', on: { calls: [2, 4] } }],
  },
});
