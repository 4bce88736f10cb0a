import { expect, it } from 'vitest';
import { drift } from './drift.ts';

const RUNS = 800;

// `pnpm prove:drift` does a hundred thousand, at seeds that nobody picked.
it(`loses and repeats nothing in ${RUNS} runs of random churn, by whatever way to page`, async () => {
  const ways = await drift({ runs: RUNS, seed: 1 });

  for (const [way, { runs, expected, lost, repeated }] of ways) {
    expect({ way, lost, repeated }).toEqual({ way, lost: 0, repeated: 0 });
    expect(runs).toBe(RUNS / ways.size);
    expect(expected).toBeGreaterThan(runs);
  }
});
