/**
 * Kills a real sync again and again, and says whether anything was lost: `pnpm prove:kills [kills] [seed] [--sink sqlite]`,
 * or `ndjson`, `postgres` or `redis`.
 */
import { parseArgs } from 'node:util';
import { isWhole, type KillFigures, killSyncs } from './kills.ts';
import { openStore, STORES } from './stores.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { sink: { type: 'string', default: 'sqlite' } },
});
const [kills = 1_000, seed = Math.floor(Math.random() * 1_000_000)] = positionals.map(Number);
const kind = STORES.find((kind) => kind === values.sink);
if (kind === undefined) throw new TypeError(`--sink must be one of ${STORES.join(', ')}, got ${values.sink}`);
/** How many kills between two lines. */
const EVERY = 50;

const startMs = performance.now();
console.log(`${kills} kills of a sync into ${kind} with seed ${seed}, some half a second each`);

await using into = await openStore(kind);
let next = 1;
const figures = await killSyncs({
  kills,
  seed,
  into,
  onProcess(figures) {
    if (figures.kills < next * EVERY) return;
    next += 1;
    console.log(sentence(figures));
  },
});
console.log(sentence(figures));
process.exitCode = isWhole(figures) ? 0 : 1;

function sentence(figures: KillFigures): string {
  const { kills, failures, sources, expected, pagesSent, pagesLanded, lost, doubled, wrong } = figures;
  const seconds = Math.round((performance.now() - startMs) / 1_000);
  return `${seconds} s: ${kills} kills and ${failures} broken answers survived; ${sources} sources done, ${expected} records: ${lost} lost, ${doubled} doubled, ${wrong} wrong; ${pagesSent} pages read, ${pagesSent - pagesLanded} of them again`;
}
