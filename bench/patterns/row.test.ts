import { expect, it } from 'vitest';
import { type Contention, contend, published } from './row.ts';

/** One round is a matter of luck; the published ones are the mean of a hundred. */
const SEEDS = 4;

// aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter
it.each([
  { way: 'full jitter', calls: 800, tookMs: 5_000 },
  { way: 'plain exponential', calls: 1_860, tookMs: 64_000 },
])('the model comes to the published figures: $way', async ({ way, calls, tookMs }) => {
  const rounds: Contention[] = [];
  for (let seed = 0; seed < SEEDS; seed += 1) rounds.push(await contend(100, seed / SEEDS, published[way]!));

  const mean = (of: (round: Contention) => number) => rounds.reduce((sum, round) => sum + of(round), 0) / SEEDS;
  expect(mean((round) => round.calls) / calls).toBeCloseTo(1, 1);
  expect(Math.abs(mean((round) => round.tookMs) / tookMs - 1)).toBeLessThan(0.15);
});

it('comes to the same figures again from the same seed', async () => {
  const again = () => contend(20, 0.3, published['full jitter']!);

  expect(await again()).toEqual(await again());
});
