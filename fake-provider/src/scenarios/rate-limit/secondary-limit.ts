import { defineScenario } from '../../scenario.ts';

export const secondaryLimit = defineScenario({
  id: 'rate-limit/secondary-limit',
  requirement: 'A client that is throttled by a 403 waits as long as it is told, and finishes.',
  level: 'must',
  reference: 'GitHub REST API: rate limits, on exceeding a secondary limit',
  manners: ['retry-after'],
  config: {
    auth: false,
    dialect: 'github',
    resources: { items: { records: 1_000, pagination: 'link' } },
    limits: [
      {
        kind: 'fixed-window',
        name: 'points',
        purpose: 'secondary',
        announced: false,
        with: { limit: 4, windowSeconds: 1 },
      },
    ],
  },
});
