import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { main } from '../cli.ts';
import { parseReport } from './report.ts';

const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
afterAll(() => rmSync(folder, { recursive: true }));

const OUTAGE = ['--case', 'resilience/outage'];

/** Asks once, and says that it could not finish: all that can be done in an outage. */
const MODEST = [
  process.execPath,
  '-e',
  `fetch(process.env.BASE_URL + '/items').then(() => console.log('{"type":"done","complete":false}'))`,
];

it('writes every report, and one matrix of several', async () => {
  const [json, junit, html, matrix] = ['r.json', 'r.xml', 'r.html', 'm.html'].map((name) => join(folder, name));
  const flags = ['--json', json!, '--junit', junit!, '--html', html!, '--name', 'modest'];
  const { code, out, error } = await run('conformance', ...OUTAGE, ...flags, '--', ...MODEST);

  expect(code).toBe(0);
  expect(error).toMatch(/^✓ resilience\/outage {2}\d+\.\d s\n$/);
  expect(out).toMatch(/^resilience\n {2}✓ resilience\/outage .*\nmodest, seed 1: 1 pass, .*; all musts kept\n$/s);
  expect(parseReport(readFileSync(json!, 'utf8'))).toMatchObject({ client: 'modest', passed: true });
  expect(readFileSync(junit!, 'utf8')).toContain('<testcase name="resilience/outage"');
  expect(readFileSync(html!, 'utf8')).toContain('modest');

  expect(await run('conformance-matrix', json!, json!, '--html', matrix!)).toEqual({ code: 0, out: '', error: '' });
  expect(readFileSync(matrix!, 'utf8').match(/<th scope="col">modest<\/th>/g)).toHaveLength(2);
});

it('prints the same as JSON, and nothing else', async () => {
  const { out } = await run('conformance', ...OUTAGE, '--output', 'json', '--seed', '5', '--', ...MODEST);

  expect(parseReport(out)).toMatchObject({ seed: 5, passed: true });
});

it('fails a case that was said to fail, and passes', async () => {
  const known = written('cured.txt', '# They are working on it.\nresilience/outage  # since spring\n');
  const { code, out } = await run('conformance', ...OUTAGE, '--known-failing', known, '--', ...MODEST);

  expect(out).toContain('listed as failing, but passes');
  expect(code).toBe(1);
});

it.each([
  ['a client that never asked', [process.execPath, '-e', '0'], 'a request to BASE_URL'],
  ['a client that cannot be started', ['no-such-client'], 'fake-provider: no-such-client cannot be started (ENOENT)\n'],
])('tells %s apart, by exit code 3', async (_what, client, words) => {
  const { code, out, error } = await run('conformance', ...OUTAGE, '--', ...client);

  expect(code).toBe(3);
  expect(out + error).toContain(words);
});

it.each([
  [['--case', 'nothing', '--', 'x'], /--case nothing matches no case; there are auth\//],
  [['--known-failing', 'nowhere', '--', 'x'], /nowhere: cannot be read \(ENOENT\)$/m],
  [
    ['--known-failing', written('unknown.txt', 'wire/nothing\n'), '--', 'x'],
    /--known-failing names wire\/nothing, and/,
  ],
  [['--json', join(folder, 'none', 'x.json'), '--', 'x'], /ENOENT.*none/],
  [['--concurrency', '0', '--', 'x'], /It must be a whole number from 1 to 100\./],
  [['--deadline-seconds', 'soon', '--', 'x'], /It must be a whole number from 1 to 86400\./],
  [[], /missing required argument 'client'; after --: the program and its arguments/],
])('refuses %j in one line', async (flags, reason) => {
  const { code, out, error } = await run('conformance', ...flags);

  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(error).toMatch(/^fake-provider: .+\n$/);
  expect(error).toMatch(reason);
});

it('names the report that is none', async () => {
  const { code, error } = await run('conformance-matrix', written('no.json', '{"format": 2}'), '--html', 'x');

  expect(code).toBe(2);
  expect(error).toMatch(/no\.json: format: /);
});

async function run(...argv: string[]) {
  let out = '';
  let error = '';
  const { exitCode } = await main(argv, {
    out: (text) => {
      out += text;
    },
    error: (text) => {
      error += text;
    },
  });
  return { code: exitCode, out, error };
}

function written(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}
