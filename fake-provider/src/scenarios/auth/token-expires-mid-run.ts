import { defineScenario } from '../../scenario.ts';

export const tokenExpiresMidRun = defineScenario({
  id: 'auth/token-expires-mid-run',
  requirement: 'A client whose token expires gets a new one and finishes.',
  level: 'must',
  reference: 'RFC 6749, section 5.1 (expires_in); RFC 6750, section 3.1 (invalid_token)',
  manners: ['single-refresh'],
  config: {
    auth: { tokenTtlSeconds: 2 },
    resources: { items: { records: 1_000 } },
    limits: [{ kind: 'token-bucket', name: 'pace', with: { ratePerSecond: 2, burst: 1 } }],
  },
});
