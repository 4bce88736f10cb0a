/** Keeps what is about to be released, so that a copied file can always be compared with its origin. */
import { readCatalog } from './catalog.ts';
import { REPOSITORY } from './front-matter.ts';
import { keepVersions } from './versions.ts';

try {
  for (const file of keepVersions(readCatalog().patterns, REPOSITORY)) console.log(`${file}: kept`);
} catch (failure) {
  console.error((failure as Error).message);
  process.exitCode = 2;
}
