import { defineScenario } from '../../scenario.ts';

export const hang = defineScenario({
  id: 'wire/hang',
  requirement: 'A client gives up on a request that is never answered, and repeats it.',
  level: 'must',
  reference: 'RFC 9110, section 9.2.2',
  config: { auth: false, resources: { items: { records: 500 } }, faults: [{ fault: 'hang', on: { calls: [2, 4] } }] },
});
