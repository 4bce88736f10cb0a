import { defineScenario } from '../../scenario.ts';

export const poisonItem = defineScenario({
  id: 'writes/poison-item',
  requirement: 'A client whose batch fails for one item finds that item and delivers the others.',
  level: 'should',
  reference: 'Amazon SQS developer guide, on messages that cannot be consumed and dead-letter queues',
  task: { batch: 30 },
  mayGiveUp: true,
  showsAs: 400,
  config: {
    auth: false,
    resources: { items: { records: 0, batch: { poison: { ratio: 0.02, names: ['item 7', 'item 23'], status: 400 } } } },
  },
});
