import { defineScenario } from '../../scenario.ts';

export const okFalse = defineScenario({
  id: 'rate-limit/ok-false',
  requirement:
    'A client that is throttled by a 200 with ok: false does not take it for a page, and comes back for that page or says so.',
  level: 'must',
  reference: 'Slack Web API: errors are a 200 with ok: false',
  mayGiveUp: true,
  config: {
    auth: false,
    resources: { items: { records: 500 } },
    faults: [{ fault: 'ok-false', on: { calls: [2, 4] }, with: { error: 'ratelimited' } }],
  },
});
