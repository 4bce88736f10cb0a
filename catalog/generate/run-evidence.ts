/** Runs the proofs, the packages' tests and the conformance suite, and writes down what they have shown. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EVIDENCE_FILE, type Evidence, evidenceSchema, type ReportedTest, runsOf, testedSha256 } from './evidence.ts';
import { REPOSITORY, readReadme } from './front-matter.ts';

interface Client {
  readonly name: string;
  readonly summary: string;
  readonly command: readonly string[];
}

const CLIENTS: readonly Client[] = [
  {
    name: 'steadfetch',
    summary: 'made of the patterns, in the order we recommend',
    command: [process.execPath, 'proofs/conformance/patterns-client.ts'],
  },
  {
    name: 'naive',
    summary: 'the loop that everybody writes first',
    command: [process.execPath, 'proofs/conformance/naive-client.ts'],
  },
  {
    name: 'honest',
    summary: 'in Python: tries little, and says where it could not finish',
    command: ['python3', 'proofs/conformance/honest_client.py'],
  },
  ...['ky', 'got', 'axios-retry', 'p-retry'].map(peer),
];

const root = fileURLToPath(REPOSITORY);
const folder = mkdtempSync(join(tmpdir(), 'evidence-'));
process.chdir(root);
try {
  const changed = git('status', '--porcelain', '--', 'packages', 'proofs', 'fake-provider', 'catalog/samples');
  if (changed !== '') fail(`commit these first, since evidence names a commit:\n${changed}`);
  const run = {
    date: new Date().toISOString().slice(0, 10),
    commit: git('rev-parse', 'HEAD'),
    runtime: `Node ${process.versions.node}`,
  };

  const files = testedFiles();
  const patterns = readdirSync('packages').map((name) => [name, { ...run, ...shownOf(name, files) }] as const);
  const evidence = { patterns: Object.fromEntries(patterns), conformance: { ...run, ...conformance() } };
  writeFileSync(EVIDENCE_FILE, `${JSON.stringify(evidenceSchema.parse(evidence), undefined, 2)}\n`);
  console.log(`${EVIDENCE_FILE}: written`);
} finally {
  rmSync(folder, { recursive: true });
}

interface ReportedFile {
  readonly file: string;
  readonly tests: readonly ReportedTest[];
}

/** Every test of the packages and of the proofs, by its file. What failed is evidence too. */
function testedFiles(): ReportedFile[] {
  console.log('catalog:evidence: the tests of the packages, and the proofs');
  const report = join(folder, 'tests.json');
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', 'packages/', ...proofs(), '--reporter=dot'];
  spawnSync(process.execPath, [...vitest, '--reporter=json', `--outputFile.json=${report}`], { stdio: 'inherit' });
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
    testResults: { name: string; assertionResults: ReportedTest[] }[];
  };
  if (testResults.length === 0) fail('no test was run');
  return testResults
    .map(({ name, assertionResults }) => ({ file: relative(root, name), tests: assertionResults }))
    .sort((one, other) => (one.file < other.file ? -1 : 1));
}

function proofs(): string[] {
  return readdirSync('proofs')
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => `proofs/${file}`);
}

function shownOf(name: string, files: readonly ReportedFile[]) {
  const claimed = readReadme(name).frontMatter.pattern.failureModes.map(({ scenario }) => scenario);
  const own = files.filter(({ file }) => file.startsWith(`packages/${name}/`)).flatMap(({ tests }) => tests);
  return {
    sourceSha256: testedSha256(name, REPOSITORY),
    tests: own.filter(({ status }) => status === 'passed').length,
    scenarios: files
      .filter(({ file }) => file.startsWith('proofs/'))
      .flatMap(({ file, tests }) => runsOf(name, [...new Set(claimed)], file, tests)),
    sample: sampleOf(name),
  };
}

/** What the pattern's program of `catalog/samples` prints. */
function sampleOf(name: string) {
  const file = `catalog/samples/${name}.ts`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', file], {
    encoding: 'utf8',
  });
  if (status !== 0) fail(`${file}: ended with ${status}\n${stderr}`);
  return { input: readFileSync(file, 'utf8'), output: stdout };
}

/** A client made of a library, as its README has it, in the version we depend on. */
function peer(library: string): Client {
  const { devDependencies } = JSON.parse(readFileSync(new URL('proofs/package.json', REPOSITORY), 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  const version = devDependencies[library];
  if (version === undefined) fail(`proofs/package.json: devDependencies.${library}: missing`);
  return {
    name: `${library} ${version}`,
    summary: `${library} as its README has it, in the loop of the documentation`,
    command: [process.execPath, 'proofs/conformance/peer-client.ts', library],
  };
}

/** Every case by every client. */
function conformance(): Pick<NonNullable<Evidence['conformance']>, 'clients' | 'cases'> {
  const reports = CLIENTS.map(({ name, command }, index) => {
    console.log(`catalog:evidence: conformance of ${name}, client ${index + 1} of ${CLIENTS.length}`);
    return { name, cases: casesOf(name, command) };
  });
  const [first] = reports;
  return {
    clients: CLIENTS.map(({ name, summary }) => ({ name, summary })),
    cases: first!.cases.map(({ id, requirement, level, reference }) => ({
      ...{ id, requirement, level, reference },
      results: reports.map(({ name, cases }) => {
        const { verdict, findings } = cases.find((each) => each.id === id)!;
        return { client: name, verdict, findings: findings.map(({ actual }) => actual) };
      }),
    })),
  };
}

interface ReportedCase {
  readonly id: string;
  readonly requirement: string;
  readonly level: 'must' | 'should';
  readonly reference: string;
  readonly verdict: 'pass' | 'fail' | 'honest-fail' | 'inconclusive';
  readonly findings: readonly { readonly actual: string }[];
}

function casesOf(name: string, command: readonly string[]): ReportedCase[] {
  const json = join(folder, 'conformance.json');
  const suite = ['fake-provider/src/bin.ts', 'conformance', '--name', name, '--json', json];
  // Its progress, and not its report.
  const { status } = spawnSync(process.execPath, [...suite, '--', ...command], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0 && status !== 1) fail(`${command.join(' ')}: could not be run`);
  return (JSON.parse(readFileSync(json, 'utf8')) as { cases: ReportedCase[] }).cases;
}

function git(...args: string[]): string {
  return execFileSync('git', args, { encoding: 'utf8' }).trim();
}

function fail(reason: string): never {
  console.error(`catalog:evidence: ${reason}`);
  process.exit(2);
}
