import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PYTHON = spawnSync('python3', ['--version']).status === 0;
const isRequired = process.env.STEADFETCH_REQUIRE_ALL === '1';
if (!PYTHON && !isRequired) {
  console.warn(
    'SKIPPED: no python3, so no client in another language is run (STEADFETCH_REQUIRE_ALL=1 makes this fail).',
  );
}

const PATTERNS = [process.execPath, pathOf('patterns-client.ts')];
const NAIVE = [process.execPath, pathOf('naive-client.ts')];
const HONEST = ['python3', pathOf('honest_client.py')];

/** Quick ones, of every area that a client can get wrong in its own way. */
const CASES = [
  'auth/token-revoked-mid-run',
  'pagination/{foreign-next,offset-drift,window-cut-off,wrong-total}',
  'rate-limit/{ok-false,retry-after-seconds}',
  'wire/html-error-page',
  'writes/{ambiguous-create,key-in-use,poison-item}',
];

// Every case is a process of its own, which takes its time where others want the machine too.
describe('the conformance suite, as a command', { timeout: 120_000 }, () => {
  it.concurrent('passes a client made of the patterns', async () => {
    const { code, report, error } = await conformance(PATTERNS, ...asCases(CASES));

    expect(report.cases.map(({ id, verdict }) => `${id} ${verdict}`)).toEqual(
      [
        'auth/token-revoked-mid-run',
        'pagination/foreign-next',
        'pagination/offset-drift',
        'pagination/window-cut-off',
        'pagination/wrong-total',
        'rate-limit/ok-false',
        'rate-limit/retry-after-seconds',
        'wire/html-error-page',
        'writes/ambiguous-create',
        'writes/key-in-use',
        'writes/poison-item',
      ].map((id) => `${id} pass`),
    );
    expect({ code, passed: report.passed }).toEqual({ code: 0, passed: true });
    expect(error.match(/✓/g)).toHaveLength(11);
  });

  it.concurrent('fails the loop that everybody writes first, for what it does wrong', async () => {
    const junit = join(folder, 'naive.xml');
    const { code, report } = await conformance(NAIVE, ...asCases(CASES), '--junit', junit);
    const rules = report.cases.map(({ id, findings }) => [
      id,
      ...findings.filter(({ weight }) => weight === 'must').map(({ rule, actual }) => `${rule}: ${actual}`),
    ]);

    expect(rules).toEqual([
      ['auth/token-revoked-mid-run', claims(/lost 600/)],
      ['pagination/foreign-next', matching(/^token-origin: credentials for/), matching(/^origin: 7 to another origin/)],
      ['pagination/offset-drift', claims(/lost \d+ .*; duplicated/)],
      ['pagination/window-cut-off', claims(/lost \d+ .*; duplicated/)],
      ['pagination/wrong-total', claims(/lost 100/)],
      ['rate-limit/ok-false', claims(/lost 400/)],
      ['rate-limit/retry-after-seconds', matching(/^retry-after: /)],
      ['wire/html-error-page'],
      ['writes/ambiguous-create', claims(/duplicated 3/), matching(/^safe-replays: a replay without a key/)],
      ['writes/key-in-use', claims(/lost 3/), matching(/^safe-replays: a replay without a key/)],
      ['writes/poison-item', claims(/lost 30/)],
    ]);
    expect({ code, passed: report.passed }).toEqual({ code: 1, passed: false });
    expect(readFileSync(junit, 'utf8').match(/<failure /g)).toHaveLength(10);
  });

  it.skipIf(!PYTHON && !isRequired)('judges a client in another language, and takes it at its word', async () => {
    const list = join(folder, 'known.txt');
    writeFileSync(
      list,
      '# Tokens are fetched once.\nauth/token-revoked-mid-run\n\nwrites/ambiguous-create # only lists\n',
    );
    const globs = ['auth/token-revoked-*', 'pagination/{link-churn,wrong-total}', 'writes/ambiguous-create'];
    const { code, report } = await conformance(HONEST, ...asCases(globs), '--known-failing', list);

    expect(report.cases.map(({ id, verdict }) => `${id} ${verdict}`)).toEqual([
      'auth/token-revoked-mid-run honest-fail',
      'pagination/link-churn pass',
      'pagination/wrong-total pass',
      'writes/ambiguous-create inconclusive',
    ]);
    expect({ code, passed: report.passed }).toEqual({ code: 0, passed: true });
  });

  it('ends its clients when it is interrupted, and reports what there is', async () => {
    const child = start('--case', 'wire/h*', '--', process.execPath, '-e', STUBBORN);
    const ended = outcomeOf(child);
    await once(child.stderr.setEncoding('utf8'), 'data');
    child.kill('SIGINT');

    const { code, out } = await ended;
    expect(out).toMatch(/Not run, since interrupted: (wire\/\S+, )*wire\/html-error-page\n/);
    expect(code).toBe(1);
  });
});

/** Ends one case at once, which is a sign of life; in the other it waits for ever. */
const STUBBORN = "if (process.env.CASE_ID === 'wire/html-error-page') setInterval(() => {}, 1000)";

const matching = (pattern: RegExp) => expect.stringMatching(pattern);
const claims = ({ source }: RegExp) => matching(new RegExp(`^data: says that all is there, and ${source}`));
const asCases = (globs: readonly string[]) => globs.flatMap((glob) => ['--case', glob]);

interface Report {
  readonly passed: boolean;
  readonly cases: readonly {
    readonly id: string;
    readonly verdict: string;
    readonly findings: readonly { readonly rule: string; readonly weight: string; readonly actual: string }[];
  }[];
}

async function conformance(client: readonly string[], ...flags: string[]) {
  const outcome = await run(
    '--output',
    'json',
    '--concurrency',
    '4',
    '--deadline-seconds',
    '100',
    ...flags,
    '--',
    ...client,
  );
  return { ...outcome, report: JSON.parse(outcome.out) as Report };
}

function run(...argv: string[]) {
  return outcomeOf(start(...argv));
}

function start(...argv: string[]) {
  const bin = fileURLToPath(new URL('../../fake-provider/src/bin.ts', import.meta.url));
  return spawn(process.execPath, [bin, 'conformance', ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
}

async function outcomeOf(child: ReturnType<typeof start>) {
  const [out, error, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: code as number, out, error };
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}
