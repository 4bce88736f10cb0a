/** Kills a real sync again and again, and says whether anything was lost: `pnpm prove:kills [kills] [seed]`. */
import { isWhole, type KillFigures, killSyncs } from './kills.ts';

const [kills = 1_000, seed = Math.floor(Math.random() * 1_000_000)] = process.argv.slice(2).map(Number);
/** How many kills between two lines. */
const EVERY = 50;

const startMs = performance.now();
console.log(`${kills} kills with seed ${seed}, some half a second each`);

let next = 1;
const figures = await killSyncs({
  kills,
  seed,
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
