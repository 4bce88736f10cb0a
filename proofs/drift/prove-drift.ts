/** Reads listings that move while they are read, and says what that cost: `pnpm prove:drift [runs] [seed]`. */
import { add, type DriftFigures, drift, NOTHING } from './drift.ts';

const [runs = 100_000, seed = Math.floor(Math.random() * 1_000_000)] = process.argv.slice(2).map(Number);
/** How many lines of progress. */
const LINES = 10;

const startMs = performance.now();
console.log(`${runs} runs from seed ${seed} on`);

let shares = 0;
const ways = await drift({
  runs,
  seed,
  onProgress(ways) {
    shares += 1;
    if (shares % (100 / LINES) === 0) console.log(sentence(total(ways)));
  },
});
for (const [way, figures] of ways) console.log(`by ${way}: ${sentence(figures)}`);
const all = total(ways);
console.log(`in all, after ${Math.round((performance.now() - startMs) / 1_000)} s: ${sentence(all)}`);
process.exitCode = all.lost + all.repeated === 0 ? 0 : 1;

function total(ways: ReadonlyMap<string, DriftFigures>): DriftFigures {
  return [...ways.values()].reduce(add, NOTHING);
}

function sentence({ runs, expected, lost, repeated, requests, extraRequests }: DriftFigures): string {
  return `${runs} runs, ${expected} records: ${lost} lost, ${repeated} repeated; ${requests} requests, ${extraRequests} of them without a page of new records`;
}
