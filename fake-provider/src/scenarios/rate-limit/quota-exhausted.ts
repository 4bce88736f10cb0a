import { defineScenario } from '../../scenario.ts';

export const quotaExhausted = defineScenario({
  id: 'rate-limit/quota-exhausted',
  requirement: 'A client whose quota is spent until tomorrow stops asking, and says that it could not finish.',
  level: 'must',
  reference: 'Salesforce: REQUEST_LIMIT_EXCEEDED; HubSpot: daily limits',
  manners: ['quota-respect'],
  mayGiveUp: true,
  config: {
    auth: false,
    resources: { items: { records: 1_000 } },
    limits: [{ kind: 'quota', name: 'daily', with: { limit: 5, period: 'rolling-24-hours' } }],
  },
});
