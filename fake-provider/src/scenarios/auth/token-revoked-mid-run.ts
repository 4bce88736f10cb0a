import { defineScenario } from '../../scenario.ts';

export const tokenRevokedMidRun = defineScenario({
  id: 'auth/token-revoked-mid-run',
  requirement: 'A client whose token is refused before its time replaces that token once, and sends the request again.',
  level: 'must',
  reference: 'RFC 6750, section 3.1 (invalid_token)',
  manners: ['single-refresh'],
  config: { auth: { revokeAfterRequests: 4 }, resources: { items: { records: 1_000 } } },
});
