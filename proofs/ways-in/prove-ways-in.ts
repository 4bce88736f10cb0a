/** Takes every pattern on every way into empty projects, checks its bytes and its types, and runs it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toJavaScript } from '../../catalog/generate/javascript.ts';
import { asOneFile } from '../../catalog/generate/one-file.ts';
import { PATTERNS, PRINTED, programOf } from './programs.ts';
import {
  copied,
  emptyProject,
  npmInstall,
  openSite,
  type Project,
  shadcnAdd,
  steadfetchAdd,
  typeCheck,
} from './ways-in.ts';

const read = (file: string) => readFileSync(file, 'utf8');
const fileOf = (name: string) => `packages/${name}/src/${name}.ts`;
const sources = new Map(PATTERNS.map((name) => [name, asOneFile(fileOf(name), read)]));
/** What else the packages export, as `token-bucket/redis`. */
const entries = new Map(
  PATTERNS.flatMap((name) =>
    Object.keys(JSON.parse(read(`packages/${name}/package.json`)).exports)
      .filter((entry) => /^\.\/[a-z-]+$/.test(entry))
      .map((entry): [string, string] => [
        `${name}${entry.slice(1)}`,
        read(`packages/${name}/src/${entry.slice(2)}.ts`),
      ]),
  ),
);
const ITEMS = [...PATTERNS, ...entries.keys()];
const javascript = toJavaScript(new Map([...sources, ...entries]));
await using site = await openSite();

await way('shadcn add', async (project) => {
  await shadcnAdd(
    project,
    site,
    ITEMS.flatMap((name) => [name, `${name}-js`]),
  );
  await demandCopies(project, 'src/patterns');
});

await way('steadfetch add, from its source', async (project) => {
  await steadfetchAdd(project, site, [...ITEMS, '--dir', 'lib']);
  await steadfetchAdd(project, site, [...ITEMS, '--dir', 'lib', '--js']);
  await demandCopies(project, 'lib');
});

await way('npm i steadfetch, then steadfetch add without a network', async (project) => {
  await npmInstall(project, ['cli']);
  await project.run(join('node_modules', '.bin', 'steadfetch'), 'add', ...ITEMS);
  await project.run(join('node_modules', '.bin', 'steadfetch'), 'add', ...ITEMS, '--js');
  await demandCopies(project, 'src/patterns');
});

await way('npm i of each package', async (project) => {
  await npmInstall(
    project,
    PATTERNS.map((name) => `packages/${name}`),
  );
  for (const name of PATTERNS) {
    const published = asOneFile(fileOf(name), (file) =>
      read(join(project.folder, file.replace('packages/', 'node_modules/@steadfetch/'))),
    );
    demand(published === sources.get(name), `${name}: another source was published`);
  }
  await demandRuns(
    project,
    new Map(PATTERNS.map((name) => [`${name}.ts`, programOf(name, 'ts', `@steadfetch/${name}`)])),
  );
});

async function way(name: string, take: (project: Project) => Promise<void>): Promise<void> {
  using project = emptyProject();
  const startMs = performance.now();
  await take(project);
  console.log(`${name}: ${PATTERNS.length} patterns, in ${((performance.now() - startMs) / 1_000).toFixed(1)} s`);
}

/** All patterns in both languages, whole, typed and running. */
async function demandCopies(project: Project, folder: string): Promise<void> {
  const programs = new Map<string, string>();
  for (const language of ['ts', 'js'] as const) {
    for (const name of PATTERNS) {
      const file = `${folder}/${name}.${language}`;
      const { origin, code } = copied(project, file);
      const expected = language === 'ts' ? sources.get(name) : javascript.get(name);
      demand(code === expected && origin.startsWith(`// @steadfetch/${name} `), `${file}: is another than its source`);
      programs.set(`${name}.${language}`, programOf(name, language, `./${file}`));
    }
    for (const [name, source] of entries) {
      const file = `${folder}/${name.replace('/', '-')}.${language}`;
      const { origin, code } = copied(project, file);
      const expected = language === 'ts' ? source : javascript.get(name);
      demand(code === expected && origin.startsWith(`// @steadfetch/${name} `), `${file}: is another than its source`);
      // What it does is for the tests of its package; here it loads.
      const program = `import * as entry from './${file}';\n\nconsole.log(Object.keys(entry).length > 0 ? 200 : 0);\n`;
      programs.set(`${name.replace('/', '-')}.${language}`, program);
    }
  }
  await demandRuns(project, programs);
}

async function demandRuns(project: Project, programs: ReadonlyMap<string, string>): Promise<void> {
  for (const [file, program] of programs) project.write(file, program);
  const typed = [...programs.keys()].filter((file) => file.endsWith('.ts'));
  // An entry may be for Node alone; a pattern never is.
  const isEntry = (file: string) => [...entries.keys()].some((name) => file === `${name.replace('/', '-')}.ts`);
  const ofEntries = typed.filter(isEntry);
  await typeCheck(
    project,
    typed.filter((file) => !isEntry(file)),
    'browser',
  );
  if (ofEntries.length > 0) await typeCheck(project, ofEntries, 'node');
  for (const file of programs.keys()) {
    const printed = await project.run(file);
    demand(printed === PRINTED, `${file}: printed ${JSON.stringify(printed)}`);
  }
}

function demand(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new Error(otherwise);
}
