import { defineScenario } from '../../scenario.ts';

export const truncatedBody = defineScenario({
  id: 'wire/truncated-body',
  requirement: 'A client notices a body that broke off, and repeats the request or says that it could not finish.',
  level: 'must',
  reference: 'RFC 9112, section 8: a message that ends before its length is incomplete',
  mayGiveUp: true,
  config: {
    auth: false,
    resources: { items: { records: 500 } },
    faults: [{ fault: 'truncated-body', on: { calls: [2, 4] } }],
  },
});
