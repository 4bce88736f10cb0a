import { defineScenario } from '../../scenario.ts';

export const concurrency = defineScenario({
  id: 'rate-limit/concurrency',
  requirement: 'A client that reads four sources at once stays within the requests at a time that it is told of.',
  level: 'should',
  reference: 'https://docs.stripe.com/rate-limits#concurrency-limits',
  manners: ['concurrency'],
  config: {
    auth: false,
    latency: { minMs: 40, maxMs: 40 },
    resources: {
      users: { records: 500 },
      orders: { records: 500 },
      events: { records: 500 },
      invoices: { records: 500 },
    },
    limits: [{ kind: 'concurrency', name: 'at-once', with: { limit: 3 } }],
  },
});
