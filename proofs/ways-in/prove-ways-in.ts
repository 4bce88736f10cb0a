/** Takes every pattern on every way into empty projects, checks its bytes and its types, and runs it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toJavaScript } from '../../catalog/generate/javascript.ts';
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

const sources = new Map(PATTERNS.map((name) => [name, readFileSync(`packages/${name}/src/${name}.ts`, 'utf8')]));
const javascript = toJavaScript(sources);
await using site = await openSite();

await way('shadcn add', async (project) => {
  await shadcnAdd(
    project,
    site,
    PATTERNS.flatMap((name) => [name, `${name}-js`]),
  );
  await demandCopies(project, 'src/patterns');
});

await way('steadfetch add, from its source', async (project) => {
  await steadfetchAdd(project, site, [...PATTERNS, '--dir', 'lib']);
  await steadfetchAdd(project, site, [...PATTERNS, '--dir', 'lib', '--js']);
  await demandCopies(project, 'lib');
});

await way('npm i steadfetch, then steadfetch add without a network', async (project) => {
  await npmInstall(project, ['cli']);
  await project.run(join('node_modules', '.bin', 'steadfetch'), 'add', ...PATTERNS);
  await project.run(join('node_modules', '.bin', 'steadfetch'), 'add', ...PATTERNS, '--js');
  await demandCopies(project, 'src/patterns');
});

await way('npm i of each package', async (project) => {
  await npmInstall(
    project,
    PATTERNS.map((name) => `packages/${name}`),
  );
  for (const [name, source] of sources) {
    const file = join(project.folder, `node_modules/@steadfetch/${name}/src/${name}.ts`);
    demand(readFileSync(file, 'utf8') === source, `${name}: another source was published`);
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
  }
  await demandRuns(project, programs);
}

async function demandRuns(project: Project, programs: ReadonlyMap<string, string>): Promise<void> {
  for (const [file, program] of programs) project.write(file, program);
  await typeCheck(
    project,
    [...programs.keys()].filter((file) => file.endsWith('.ts')),
  );
  for (const file of programs.keys()) {
    const printed = await project.run(file);
    demand(printed === PRINTED, `${file}: printed ${JSON.stringify(printed)}`);
  }
}

function demand(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new Error(otherwise);
}
