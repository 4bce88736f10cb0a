import { defineScenario } from '../../scenario.ts';

export const refreshTokenRotation = defineScenario({
  id: 'auth/refresh-token-rotation',
  requirement: 'A client whose refresh token is good once uses the new one that came with each access token.',
  level: 'must',
  reference: 'RFC 9700, section 4.14.2; RFC 6749, section 6',
  manners: ['single-refresh'],
  config: {
    auth: {
      grants: ['refresh_token'],
      refresh: { rotation: 'strict' },
      refreshTokens: { 'first-refresh-token': 'demo-client' },
      revokeAfterRequests: 3,
    },
    resources: { items: { records: 1_000 } },
  },
});
