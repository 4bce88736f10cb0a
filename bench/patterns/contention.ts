/** A hundred clients that all want the same row, and how they get out of each other's way. */

import { progress, report, table, verdict } from './report.ts';
import { backoffRetrier, peers, type Retry } from './retriers.ts';
import { contend, published } from './row.ts';
import { median } from './statistics.ts';

const CLIENTS = 100;
const ROUNDS = 10;
/** Nobody gives up: the model ends when all have written. */
const ATTEMPTS = 10_000;
const DAY_MS = 86_400_000;

interface Result {
  readonly name: string;
  readonly calls: number;
  readonly tookMs: number;
}

const ours = [
  backoffRetrier('**backoff**, default', {}),
  // The model doubles its base before the first wait already.
  backoffRetrier('**backoff**, base 10, cap 2,000', { baseMs: 10, capMs: 2_000 }),
];
const model = await all(Object.entries(published));
const [byDefault, likeTheirs] = (await all(ours.map(({ name, make }) => [name, () => make(ATTEMPTS)]))) as [
  Result,
  Result,
];
const others = await all(peers.map(({ name, make }) => [name, () => make(ATTEMPTS)]));
const fullJitter = model.find(({ name }) => name === 'full jitter')!;
const ahead = [...model, ...others].filter(({ tookMs, calls }) => tookMs < byDefault.tookMs && calls < byDefault.calls);

report({
  title: 'Contention',
  method: `
The model of AWS' backoff simulator, in virtual time: ${CLIENTS} clients read one row and write it under optimistic locking, each way
through the network takes N(10, 2) ms, base 5 ms, cap 2,000 ms. Published: full jitter about 800 calls in 5 s, plain
exponential 1,860 calls in 64 s. Medians of ${ROUNDS} seeded rounds. Nobody gives up: attempts are unbounded and our retry budget is
lifted, all else is as the library has it by default. Exponential waits without jitter or cap take years.`,
  findings: [
    table(
      ['', 'calls', 'time', 'calls, to full jitter', 'time, to full jitter'],
      [...model.map(theirs), byDefault, likeTheirs, ...others].map(({ name, calls, tookMs }) => [
        name,
        `${Math.round(calls)}`,
        duration(tookMs),
        (calls / fullJitter.calls).toFixed(2),
        tookMs > DAY_MS ? '' : (tookMs / fullJitter.tookMs).toFixed(2),
      ]),
    ),
    [
      noWorse('our default', byDefault),
      noWorse('our policy on their curve (which doubles its base of 5 before the first wait)', likeTheirs),
      ahead.length === 0
        ? '- Nothing here is better than our default in both calls and time.'
        : `- **Better than our default in both**: ${ahead.map(({ name }) => name).join(', ')}.`,
    ].join('\n'),
  ],
  peers: ['@smithy/core', 'cockatiel', 'p-retry', 'effect', 'axios-retry', 'ky', 'got', '@sinonjs/fake-timers'],
});

async function all(entries: readonly (readonly [string, () => Retry])[]): Promise<Result[]> {
  const results: Result[] = [];
  for (const [name, make] of entries) {
    const rounds: Awaited<ReturnType<typeof contend>>[] = [];
    for (let seed = 1; seed <= ROUNDS; seed += 1) rounds.push(await contend(CLIENTS, seed / (ROUNDS + 1), make));
    const result = {
      name,
      calls: median(rounds.map((one) => one.calls)),
      tookMs: median(rounds.map((one) => one.tookMs)),
    };
    progress(`${name}: ${result.calls} calls in ${result.tookMs} ms`);
    results.push(result);
  }
  return results;
}

function theirs(result: Result): Result {
  return { ...result, name: `AWS' model, ${result.name}` };
}

function noWorse(who: string, { calls, tookMs }: Result): string {
  const found = `${Math.round(calls)} calls to ${Math.round(fullJitter.calls)}, ${(tookMs / 1_000).toFixed(1)} s to ${(fullJitter.tookMs / 1_000).toFixed(1)} s.`;
  const isMet = calls <= fullJitter.calls && tookMs <= fullJitter.tookMs;
  return verdict(`${who} no worse than full jitter in both calls and time`, isMet, found);
}

function duration(ms: number): string {
  return ms > DAY_MS ? `${Math.round(ms / DAY_MS).toLocaleString('en')} days` : `${(ms / 1_000).toFixed(1)} s`;
}
