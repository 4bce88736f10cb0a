import { defineVerdict } from '../verdict.ts';

interface Answer {
  readonly sequence: number;
  readonly sentAtMs: number;
}

export const concurrency = defineVerdict({
  name: 'concurrency',
  summary: 'stays within the number of requests at once that the provider announces',
  begin({ limits }, find) {
    const announced = new Map(
      limits
        .filter(({ purpose, announced: isAnnounced }) => purpose === 'concurrency' && isAnnounced)
        .map((limit) => [limit.name, limit]),
    );
    const told = new Map<string, Answer>();
    return {
      observe({ sequence, client, route, sentAtMs, simulated, operation }, heard) {
        if (announced.size === 0 || operation === 'token') return;
        const first = told.get(client);
        if (simulated !== undefined && announced.has(simulated) && first !== undefined && heard(first)) {
          find({
            ...{ sequences: [first.sequence, sequence], client, route },
            expected: `at most as many requests at once as limit ${simulated} announces`,
            actual: 'one more',
            why: 'it is refused, and was sent for nothing',
          });
        }
        if (first === undefined) told.set(client, { sequence, sentAtMs });
      },
    };
  },
});
