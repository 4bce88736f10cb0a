import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, chromium as browsers } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convert } from 'xmlbuilder2';
import { findChromium } from '../../../scripts/chromium.ts';
import { matrixReport } from './html.ts';
import { junitReport } from './junit.ts';
import { type CaseResult, type ConformanceReport, parseReport } from './report.ts';
import { terminalReport } from './terminal.ts';

const chromium = findChromium('nobody looks at the matrix');
const PASSED: CaseResult = {
  ...{ id: 'auth/one', requirement: 'It works.', level: 'must', reference: 'RFC 1', verdict: 'pass' },
  ...{
    isKnownFailing: false,
    findings: [],
    seed: 1,
    replay: 'again auth/one',
    durationMs: 1_234,
    delivered: 9,
    log: [],
  },
  requests: { requests: 3, throttled: 0, failed: 0, tokenRequests: 0 },
};
const LOST = { rule: 'data', weight: 'must', expected: '9 <b>', actual: 'lost 3 & \u0001', why: '"]]>"' } as const;
const FAILED: CaseResult = {
  ...PASSED,
  id: 'auth/two',
  verdict: 'fail',
  weight: 'must',
  findings: [LOST],
  log: ['</x>'],
};
const KNOWN: CaseResult = { ...FAILED, id: 'wire/known', isKnownFailing: true };
const CURED: CaseResult = { ...PASSED, id: 'wire/cured', isKnownFailing: true };
const SHOULD: CaseResult = { ...FAILED, id: 'wire/should', verdict: 'honest-fail', weight: 'should', level: 'should' };
const UNSURE: CaseResult = { ...FAILED, id: 'wire/unsure', verdict: 'inconclusive' };

const REPORT: ConformanceReport = {
  ...{ format: 1, client: 'client <script>alert(1)</script>', command: ['node', 'client.js'], seed: 1 },
  ...{ startedAt: '2026-01-02T03:04:05.678Z', durationMs: 5_000, deadlineMs: 30_000, passed: false, interrupted: true },
  notRun: ['writes/late'],
  cases: [PASSED, FAILED, KNOWN, CURED, SHOULD, UNSURE],
};

describe('JUnit', () => {
  const xml = junitReport(REPORT);
  const { testsuites } = convert(xml, { format: 'object' }) as unknown as { testsuites: Suites };

  it('escapes whatever a client said, and what no XML may hold', () => {
    expect(xml).toContain('message="fail: data: expected 9 &lt;b&gt;, actual lost 3 &amp; \ufffd"');
    expect(xml).toContain('&lt;/x&gt;');
  });

  it('counts tests, failures and what was skipped, in all and by area', () => {
    const counts = (suite: Counts) => [suite['@tests'], suite['@failures'], suite['@skipped'], suite['@errors']];

    expect(counts(testsuites)).toEqual(['7', '3', '3', '0']);
    expect(testsuites.testsuite.map((suite) => [suite['@name'], ...counts(suite)])).toEqual([
      ['auth', '2', '1', '0', '0'],
      ['wire', '4', '2', '2', '0'],
      ['not run', '1', '0', '1', '0'],
    ]);
  });

  it('makes a failure of what stands in the way, and skips the rest', () => {
    const tests = testsuites.testsuite.flatMap(({ testcase }) => testcase);
    const kinds = tests.map((test) => [test['@name'], test.failure ? 'failure' : test.skipped ? 'skipped' : 'passed']);

    expect(kinds).toEqual([
      ['auth/one', 'passed'],
      ['auth/two', 'failure'],
      ['wire/known', 'skipped'],
      ['wire/cured', 'failure'],
      ['wire/should', 'skipped'],
      ['wire/unsure', 'failure'],
      ['writes/late', 'skipped'],
    ]);
    expect(tests[1]).toMatchObject({
      '@classname': 'conformance.auth',
      '@time': '1.234',
      failure: { '@type': 'fail' },
    });
  });

  interface Counts {
    readonly '@tests': string;
    readonly '@failures': string;
    readonly '@skipped': string;
    readonly '@errors': string;
  }
  interface Suites extends Counts {
    readonly testsuite: readonly (Counts & { readonly '@name': string; readonly testcase: Test | readonly Test[] })[];
  }
  type Test = Readonly<Record<string, unknown>>;
});

it('tells people what was expected, what was seen, and how to see it again', () => {
  const text = terminalReport(REPORT);

  expect(text).toContain('✓ auth/one  1.2 s\n');
  expect(text).toContain('✗ auth/two  fail  1.2 s\n    must: It works. (RFC 1)\n    data\n');
  expect(text).toContain('      expected  9 <b>\n      actual    lost 3 & \u0001\n');
  expect(text).toContain('    again: again auth/one\n');
  expect(text).toContain('✗ wire/cured  1.2 s  listed as failing, but passes: take it off the list\n');
  expect(text).toContain('! wire/should  honest-fail (should)');
  expect(text).toContain('Not run, since interrupted: writes/late\n');
  expect(text).toContain('2 pass, 2 fail, 1 honest-fail, 1 inconclusive, 1 not run in 5.0 s; 3 in the way\n');
});

it('reads back what it wrote, and names the field that is wrong', () => {
  expect(parseReport(JSON.stringify(REPORT))).toEqual(REPORT);
  expect(() => parseReport('{')).toThrow('is not JSON');
  expect(() => parseReport(JSON.stringify({ ...REPORT, seed: 'x' }))).toThrow(/^seed: /);
});

it('escapes whatever a client brought into the matrix', () => {
  const page = matrixReport([REPORT]);

  expect(page).not.toContain('<script');
  expect(page).not.toContain('9 <b>');
  expect(page).toContain('9 &lt;b&gt;');
});

describe.skipIf(chromium.isSkipped)('the matrix', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
  const file = join(folder, 'matrix.html');
  const other = { ...REPORT, client: 'other', cases: [{ ...PASSED, id: 'auth/two' }], notRun: [] };
  writeFileSync(file, matrixReport([REPORT, other]));
  let browser: Browser;
  beforeAll(async () => {
    browser = await browsers.launch(chromium.options());
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });

  it.each([
    ['light', 1_280],
    ['dark', 320],
  ] as const)('is accessible in %s at %i px, and asks nobody for anything', async (colorScheme, width) => {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
    const page = await context.newPage();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(pathToFileURL(file).href);

    // There are no frames here, and axe's way with frames opens a page of its own each time.
    const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    expect(asked.filter((url) => !url.startsWith('data:'))).toEqual([pathToFileURL(file).href]);
    expect(await page.getByRole('row', { name: /^two/ }).locator('td').allTextContents()).toEqual(['✗ fail', '✓ pass']);
    expect(await page.getByRole('row', { name: /^one/ }).locator('td').allTextContents()).toEqual([
      '✓ pass',
      'not run',
    ]);
    await page.getByRole('link', { name: '✗ fail' }).first().click();
    expect(new URL(page.url()).hash).toBe('#case-0-auth-two');
    expect(await page.locator('#case-0-auth-two').textContent()).toContain('lost 3 &');
    if (process.env.STEADFETCH_SCREENSHOTS) {
      await page.screenshot({
        path: join(process.env.STEADFETCH_SCREENSHOTS, `matrix-${colorScheme}-${width}.png`),
        fullPage: true,
      });
    }
    await context.close();
  });
});
