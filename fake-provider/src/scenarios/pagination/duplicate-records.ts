import { defineScenario } from '../../scenario.ts';

export const duplicateRecords = defineScenario({
  id: 'pagination/duplicate-records',
  requirement: 'A record that the provider repeats at the start of a page is delivered once.',
  level: 'must',
  reference: 'RFC 9110, section 9.2.1: a list may change between two safe requests',
  config: {
    auth: false,
    resources: {
      items: { records: 1_000, defects: [{ defect: 'duplicate-records', on: { calls: [3, 6] }, with: { count: 2 } }] },
    },
  },
});
