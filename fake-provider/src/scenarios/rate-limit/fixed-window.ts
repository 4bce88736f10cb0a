import { defineScenario } from '../../scenario.ts';

export const fixedWindow = defineScenario({
  id: 'rate-limit/fixed-window',
  requirement: 'A client that is told what is left of a window is never refused, and uses the window to the end.',
  level: 'should',
  reference: 'draft-ietf-httpapi-ratelimit-headers-10',
  refusedAtMost: 0,
  config: {
    auth: false,
    dialect: 'ietf',
    latency: { minMs: 5, maxMs: 40 },
    resources: { items: { records: 3_000 } },
    limits: [{ kind: 'fixed-window', name: 'window', with: { limit: 10, windowSeconds: 2 } }],
  },
});
