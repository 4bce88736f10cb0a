/** Writes the registry that the command line brings with it. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { readCatalog } from './catalog.ts';
import { REPOSITORY } from './front-matter.ts';
import { BASE_URL, filesOf } from './generate.ts';

const folder = new URL('cli/registry/', REPOSITORY);
rmSync(folder, { recursive: true, force: true });
for (const [file, content] of filesOf(readCatalog(), BASE_URL, REPOSITORY)) {
  if (!file.startsWith('r/')) continue;
  const place = new URL(file.replace('r/', ''), folder);
  mkdirSync(new URL('.', place), { recursive: true });
  writeFileSync(place, content);
}
