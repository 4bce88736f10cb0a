import { defineScenario } from '../../scenario.ts';

export const tokenBucket = defineScenario({
  id: 'rate-limit/token-bucket',
  requirement: 'A client that is told what is left of a bucket is never refused, and keeps pace with its refill.',
  level: 'should',
  reference: 'draft-ietf-httpapi-ratelimit-headers-10',
  refusedAtMost: 0,
  config: {
    auth: false,
    latency: { minMs: 5, maxMs: 40 },
    resources: { items: { records: 3_000 } },
    limits: [{ kind: 'token-bucket', name: 'bucket', with: { ratePerSecond: 10, burst: 10 } }],
  },
});
