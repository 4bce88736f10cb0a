import { defineScenario } from '../../scenario.ts';

export const concurrency = defineScenario({
  id: 'rate-limit/concurrency',
  requirement: 'A client that knows how many requests may be in flight at once never sends one more.',
  level: 'should',
  reference: 'https://docs.stripe.com/rate-limits#concurrency-limits',
  config: {
    auth: false,
    latency: { minMs: 40, maxMs: 40 },
    resources: { items: { records: 1_000 } },
    limits: [{ kind: 'concurrency', name: 'at-once', with: { limit: 5 } }],
  },
});
