import { defineScenario } from '../../scenario.ts';

export const hiddenLimit = defineScenario({
  id: 'rate-limit/hidden-limit',
  requirement: 'A client that no header warns slows down when it is refused, and finishes.',
  level: 'must',
  reference: 'RFC 6585, section 4: how requests are counted is not for the client to know',
  manners: ['retry-after', 'bounded-retries'],
  config: {
    auth: false,
    resources: { items: { records: 1_000 } },
    limits: [{ kind: 'fixed-window', name: 'hidden', announced: false, with: { limit: 4, windowSeconds: 1 } }],
  },
});
