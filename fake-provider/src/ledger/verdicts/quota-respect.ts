import { defineVerdict } from '../verdict.ts';

interface Exhaustion {
  readonly sequence: number;
  readonly sentAtMs: number;
  probes: number;
}

/** A look now and then whether there is quota again is no hammering. */
const PROBES = 3;

export const quotaRespect = defineVerdict({
  name: 'quota-respect',
  summary: 'stops when a quota is spent',
  begin({ limits }, find) {
    const quotas = new Set(limits.filter(({ purpose }) => purpose === 'quota').map(({ name }) => name));
    const spent = new Map<string, Exhaustion>();
    return {
      observe({ sequence, client, route, sentAtMs, simulated, isSilent }, heard) {
        const key = `${client} ${route}`;
        const isRefused = simulated !== undefined && (quotas.has(simulated) || simulated.startsWith('quota'));
        const first = spent.get(key);
        if (!isRefused) {
          if (simulated === undefined) spent.delete(key);
        } else if (first === undefined) {
          spent.set(key, { sequence, sentAtMs, probes: 0 });
        } else if (heard(first) && !isSilent) {
          first.probes += 1;
          if (first.probes <= PROBES) return;
          find({
            ...{ sequences: [first.sequence, sequence], client, route },
            expected: `at most ${PROBES} looks until the quota of ${simulated} is new`,
            actual: `request ${first.probes} since it was spent`,
            why: 'nothing can come of it, and some providers lock the account',
          });
        }
      },
    };
  },
});
