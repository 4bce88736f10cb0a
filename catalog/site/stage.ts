import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { readCatalog } from '../generate/catalog.ts';
import { BASE_URL } from '../generate/generate.ts';
import { show } from '../playground/markup.ts';
import { defaultsOf } from '../playground/play.ts';
import { plays } from '../playground/plays/index.ts';
import { clientsOf } from './clients.ts';
import { STAGED, type Staged, type Still } from './staged.ts';

/** Reads the catalog and runs every play once, for the pages to be made from. */
export async function stage(): Promise<void> {
  const stills: Record<string, Still> = {};
  for (const [name, load] of Object.entries(plays)) {
    const { play } = await load();
    const { question, sliders } = play;
    const shown = await show(play, defaultsOf(play), 1);
    stills[name] = { question, sliders, shown, clients: clientsOf(name) };
  }
  const folder = new URL('.', STAGED);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(STAGED, JSON.stringify({ catalog: readCatalog(), baseUrl: BASE_URL, stills } satisfies Staged));
}
