import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readCatalog } from './catalog.ts';
import { type Evidence, runsOf, testedSha256 } from './evidence.ts';

const copy = mkdtempSync(join(tmpdir(), 'evidence-'));
const root = pathToFileURL(`${copy}/`);
const evidence: Evidence = JSON.parse(readFileSync('catalog/evidence.json', 'utf8'));

beforeAll(() => {
  for (const name of ['timeout', 'backoff', 'token-bucket']) {
    cpSync(`packages/${name}`, join(copy, 'packages', name), {
      recursive: true,
      filter: (file) => !/\/(?:node_modules|dist)$|\.test\.ts$/.test(file),
    });
  }
  cpSync('catalog', join(copy, 'catalog'), {
    recursive: true,
    filter: (file) => /catalog(?:\/evidence\.json)?$/.test(file),
  });
});
afterAll(() => rmSync(copy, { recursive: true }));

it.each([
  ['timeout', 'timeout.ts'],
  ['token-bucket', 'token-bucket.ts'],
  ['token-bucket', 'redis.ts'],
])('calls the evidence of %s stale once %s is another than the one that was tested', (name, file) => {
  const source = join(copy, 'packages', name, 'src', file);
  const original = readFileSync(source, 'utf8');
  const { sample, ...shown } = evidence.patterns[name]!;
  const tested = { ...shown, sourceSha256: testedSha256(name, root) };
  writeEvidence({ ...evidence, patterns: { ...evidence.patterns, [name]: { ...tested, sample } } });

  expect(evidenceOf(name)).toEqual({ stale: false, ...tested });
  writeFileSync(source, `${original}// Changed.\n`);
  expect(evidenceOf(name)).toEqual({ stale: true, ...tested });

  writeFileSync(source, original);
  writeEvidence(evidence);
});

it.each<[string, (shown: Evidence['patterns'][string]) => object | undefined, string]>([
  [
    'failed in a test',
    (shown) => ({ ...shown, scenarios: shown.scenarios.map((run) => ({ ...run, passed: run.world !== 'HTTP' })) }),
    'got failed proofs/timeout.test.ts, "timeout over HTTP > wire/hang: ',
  ],
  ['was run by no test', (shown) => ({ ...shown, scenarios: [] }), 'got no test in catalog/evidence.json'],
  ['is in a pattern that was never run', () => undefined, 'got no test in catalog/evidence.json'],
])('refuses to call a pattern stable where a scenario it claims %s', (_what, change, reason) => {
  const { timeout, ...others } = evidence.patterns;
  writeEvidence({ ...evidence, patterns: { ...others, timeout: change(timeout!) } });

  expect(() => readCatalog({ root })).toThrow(
    `packages/timeout/README.md: pattern.status: expected evidence for wire/hang to be stable, ${reason}`,
  );
  writeEvidence(evidence);
});

it('refuses evidence that is not as it was written, naming file and field', () => {
  const { date, ...undated } = evidence.patterns.timeout!;
  writeEvidence({ ...evidence, patterns: { ...evidence.patterns, timeout: { ...undated, tests: -1 } } });

  expect(() => readCatalog({ root })).toThrow(
    /^catalog\/evidence\.json: patterns\.timeout\.date: missing\ncatalog\/evidence\.json: patterns\.timeout\.tests: /,
  );
  writeEvidence(evidence);
});

it('takes for evidence the tests that name pattern, scenario and world', () => {
  const ran = (...names: string[]) => ({ ancestorTitles: names.slice(0, -1), title: names.at(-1)!, status: 'passed' });
  const id = 'rate-limit/token-bucket';
  const tests = [
    ran('token-bucket in virtual time', `${id}: is never refused`),
    { ...ran('token-bucket over HTTP', `${id}: is never refused`), status: 'failed' },
    ran('adaptive-throttle over HTTP', `${id}: is never refused`),
    ran('token-bucket over HTTP', `${id}-of-another: is never refused`),
    ran('token-bucket over HTTP', 'is never refused'),
    ran('token-bucket', `${id}: is never refused`),
  ];

  expect(runsOf('token-bucket', [id], 'proofs/token-bucket.test.ts', tests)).toEqual([
    {
      ...{ id, world: 'virtual time', file: 'proofs/token-bucket.test.ts', passed: true },
      test: `token-bucket in virtual time > ${id}: is never refused`,
    },
    {
      ...{ id, world: 'HTTP', file: 'proofs/token-bucket.test.ts', passed: false },
      test: `token-bucket over HTTP > ${id}: is never refused`,
    },
  ]);
});

function evidenceOf(name: string) {
  return readCatalog({ root }).patterns.find((pattern) => pattern.name === name)!.evidence;
}

function writeEvidence(content: unknown): void {
  writeFileSync(join(copy, 'catalog/evidence.json'), JSON.stringify(content));
}
