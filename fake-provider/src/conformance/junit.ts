import { create } from 'xmlbuilder2';
import { byArea, type CaseResult, type ConformanceReport, isBlocking } from './report.ts';

/**
 * A report as CI systems read it: what keeps the run from passing is a `<failure>`; what else did not pass, a should or a
 * case that is known to fail, is `<skipped>`, with the reason.
 */
export function junitReport({ client, startedAt, durationMs, cases, notRun }: ConformanceReport): string {
  const document = create({ version: '1.0', encoding: 'UTF-8', invalidCharReplacement: '\ufffd' });
  const suites = document.ele('testsuites', {
    name: `conformance of ${client}`,
    ...countsOf(cases, notRun.length),
    time: seconds(durationMs),
  });
  for (const [area, ofArea] of byArea(cases)) {
    const suite = suites.ele('testsuite', {
      name: area,
      ...countsOf(ofArea, 0),
      time: seconds(ofArea.reduce((sum, each) => sum + each.durationMs, 0)),
      timestamp: startedAt.replace(/\..*$/, ''),
    });
    for (const each of ofArea) {
      const test = suite.ele('testcase', {
        name: each.id,
        classname: `conformance.${area}`,
        time: seconds(each.durationMs),
      });
      const { verdict } = each;
      if (isBlocking(each)) test.ele('failure', { type: verdict, message: messageOf(each) }).txt(textOf(each));
      else if (verdict !== 'pass') test.ele('skipped', { message: messageOf(each) });
      test.ele('system-out').txt([textOf(each), ...each.log].join('\n'));
    }
  }
  if (notRun.length > 0) {
    const suite = suites.ele('testsuite', { name: 'not run', ...countsOf([], notRun.length), time: '0.000' });
    for (const id of notRun) {
      const test = suite.ele('testcase', { name: id, classname: `conformance.${id.split('/')[0]}`, time: '0.000' });
      test.ele('skipped', { message: 'the run was interrupted' });
    }
  }
  return `${document.end({ prettyPrint: true })}\n`;
}

function countsOf(cases: readonly CaseResult[], notRun: number): Record<string, number> {
  const failures = cases.filter(isBlocking).length;
  const skipped = cases.filter((each) => !isBlocking(each) && each.verdict !== 'pass').length + notRun;
  return { tests: cases.length + notRun, failures, errors: 0, skipped };
}

function messageOf({ verdict, weight, isKnownFailing, findings }: CaseResult): string {
  if (verdict === 'pass') return 'listed as failing, but passes';
  const [first] = findings;
  const why = first === undefined ? '' : `: ${first.rule}: expected ${first.expected}, actual ${first.actual}`;
  return `${verdict}${isKnownFailing ? ' (known)' : weight === 'should' ? ' (should)' : ''}${why}`;
}

function textOf({ requirement, reference, findings, replay }: CaseResult): string {
  const found = findings.map(
    ({ rule, weight, expected, actual }) => `${rule} (${weight})\n  expected ${expected}\n  actual   ${actual}`,
  );
  return [`${requirement} (${reference})`, ...found, `again: ${replay}`].join('\n');
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(3);
