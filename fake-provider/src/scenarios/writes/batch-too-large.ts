import { defineScenario } from '../../scenario.ts';

export const batchTooLarge = defineScenario({
  id: 'writes/batch-too-large',
  requirement: 'A client whose batch is refused for its size sends it in smaller ones.',
  level: 'must',
  reference: 'RFC 9110, section 15.5.14 (413)',
  task: { batch: 60 },
  showsAs: 413,
  config: { auth: false, resources: { items: { records: 0, batch: { maxItems: 10 } } } },
});
