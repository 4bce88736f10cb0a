import { defineScenario } from '../../scenario.ts';

export const unavailableNowAndThen = defineScenario({
  id: 'resilience/unavailable-now-and-then',
  requirement: 'A client repeats what may be repeated after a 503, and finishes.',
  level: 'must',
  reference: 'RFC 9110, section 15.6.4',
  manners: ['bounded-retries'],
  config: {
    auth: false,
    resources: { items: { records: 2_000 } },
    faults: [{ fault: 'unavailable', on: { ratio: 0.1 } }],
  },
});
