import { defineScenario } from '../../scenario.ts';

export const reset = defineScenario({
  id: 'wire/reset',
  requirement: 'A client repeats a safe request whose connection was reset.',
  level: 'must',
  reference: 'RFC 9110, section 9.2.2',
  config: {
    auth: false,
    resources: { items: { records: 2_000 } },
    faults: [
      { fault: 'reset', on: { ratio: 0.05 } },
      { fault: 'reset', on: { ratio: 0.05 }, with: { when: 'after' } },
    ],
  },
});
