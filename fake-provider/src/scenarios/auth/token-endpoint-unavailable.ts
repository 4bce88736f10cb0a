import { defineScenario } from '../../scenario.ts';

export const tokenEndpointUnavailable = defineScenario({
  id: 'auth/token-endpoint-unavailable',
  requirement: 'A client whose first request for a token fails can try again, and gets one.',
  level: 'must',
  reference: 'RFC 6749, section 5.2',
  manners: ['bounded-retries'],
  config: {
    resources: { items: { records: 100 } },
    faults: [{ fault: 'unavailable', on: { route: 'POST /oauth/token', calls: [1, 2] } }],
  },
});
