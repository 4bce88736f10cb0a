import { defineScenario } from '../../scenario.ts';

export const outage = defineScenario({
  id: 'resilience/outage',
  requirement: 'While every request fails, a client sends few more than it would if all were well.',
  level: 'should',
  reference: 'RFC 9110, section 15.6.4',
  manners: ['bounded-retries', 'spread-retries'],
  mayGiveUp: true,
  config: { auth: false, resources: { items: { records: 100 } }, faults: [{ fault: 'unavailable' }] },
});
