import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { readCatalog } from '../generate/catalog.ts';
import { changesOf } from '../generate/changes.ts';
import { BASE_URL } from '../generate/generate.ts';
import { keptVersions } from '../generate/versions.ts';
import { show } from '../playground/markup.ts';
import { defaultsOf } from '../playground/play.ts';
import { plays } from '../playground/plays/index.ts';
import { clientsOf } from './clients.ts';
import { STAGED, type Staged, type Still } from './staged.ts';

/**
 * Reads the catalog and runs every play once, for the pages to be made from.
 *
 * @param root - The repository's folder.
 */
export async function stage(root: URL): Promise<void> {
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
  const catalog = readCatalog({ root });
  const kept = keptVersions(root);
  const changes = Object.fromEntries(catalog.patterns.map(({ name }) => [name, changesOf(name, kept)]));
  writeFileSync(STAGED, JSON.stringify({ catalog, baseUrl: BASE_URL, changes, stills } satisfies Staged));
}
