import { defineScenario } from '../../scenario.ts';

export const hostile = defineScenario({
  id: 'sync/hostile',
  requirement: 'Four sources are read at once, and every record that existed throughout is delivered once.',
  level: 'must',
  reference: 'all the other scenarios, on one day',
  config: {
    auth: { tokenTtlSeconds: 3, revokeAfterRequests: 90 },
    dialect: 'ietf',
    latency: { minMs: 2, maxMs: 15 },
    resources: {
      users: { records: 5_500, churn: { deletesPerRequest: 1, insertsPerRequest: 1, insertAt: 'anywhere' } },
      transactions: { records: 5_500, pagination: 'link', churn: { insertsPerRequest: 1 } },
      events: {
        records: 5_500,
        pagination: 'offset',
        order: 'newest-first',
        churn: { insertsPerRequest: 2, deletesPerRequest: 3 },
      },
      invoices: {
        records: 4_000,
        pagination: 'page-number',
        churn: { insertsPerRequest: 1, deletesPerRequest: 1, insertAt: 'anywhere' },
      },
    },
    limits: [
      { kind: 'fixed-window', name: 'window', with: { limit: 70, windowSeconds: 1 } },
      { kind: 'token-bucket', name: 'bucket', with: { ratePerSecond: 90, burst: 90 } },
    ],
    faults: [
      { fault: 'rate-limited', on: { route: 'GET /users', calls: [7] }, with: { retryAfterAs: 'http-date' } },
      { fault: 'rate-limited', on: { route: 'GET /transactions', calls: [25] } },
      { fault: 'unavailable', on: { ratio: 0.03 } },
      { fault: 'reset', on: { ratio: 0.02 } },
      { fault: 'hang', on: { route: 'GET /events', calls: [11] } },
    ],
  },
});
