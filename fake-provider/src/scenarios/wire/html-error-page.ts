import { defineScenario } from '../../scenario.ts';

export const htmlErrorPage = defineScenario({
  id: 'wire/html-error-page',
  requirement: 'A client repeats a safe request that a gateway answered with a page of its own, and finishes.',
  level: 'must',
  reference: 'RFC 9110, sections 9.2.2 and 15.6.3 (502)',
  config: {
    auth: false,
    resources: { items: { records: 500 } },
    faults: [{ fault: 'html-error-page', on: { calls: [2, 4] } }],
  },
});
