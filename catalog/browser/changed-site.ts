import { execFile } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { readCatalog } from '../generate/catalog.ts';
import { readEvidence, testedSha256 } from '../generate/evidence.ts';
import { REPOSITORY as ROOT } from '../generate/front-matter.ts';
import { keepVersions } from '../generate/versions.ts';

/** A site of this repository as if all had just been tested, and then one pattern had changed, after two releases. */
export async function buildChanged(name: string): Promise<{ readonly dist: string } & Disposable> {
  const folder = mkdtempSync(join(tmpdir(), 'changed-site-'));
  const root = pathToFileURL(`${folder}/`);
  const source = new URL(`packages/${name}/src/${name}.ts`, root);
  cpSync(new URL('packages', ROOT), new URL('packages', root), {
    recursive: true,
    filter: (path) => !/\/(?:node_modules|dist)$/.test(path),
  });
  mkdirSync(new URL('catalog', root));
  const evidence = readEvidence(ROOT);
  const { patterns } = readCatalog();
  for (const each of patterns) evidence.patterns[each.name]!.sourceSha256 = testedSha256(each.name, ROOT);
  writeFileSync(new URL('catalog/evidence.json', root), JSON.stringify(evidence));
  const pattern = patterns.find((each) => each.name === name)!;
  keepVersions([{ ...pattern, version: '1.0.0' }], root);
  keepVersions([{ ...pattern, version: '1.1.0', source: `${pattern.source}// Changed.\n` }], root);
  appendFileSync(source, '// Changed.\n');

  const build = fileURLToPath(new URL('catalog/site/build.ts', ROOT));
  const dist = join(folder, 'dist');
  const args = ['--disable-warning=ExperimentalWarning', build, '--root', folder, '--out', dist];
  await promisify(execFile)(process.execPath, args, { cwd: fileURLToPath(new URL('catalog', ROOT)) });
  return { dist, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}
