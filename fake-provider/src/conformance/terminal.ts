import { styleText } from 'node:util';
import { byArea, type CaseResult, type ConformanceReport, countOfVerdicts, isBlocking } from './report.ts';

/** A report for people, by area: what did not pass with what was expected, what was seen, and how to see it again. */
export function terminalReport(report: ConformanceReport): string {
  const areas = byArea(report.cases).map(([area, cases]) => `${bold(area)}\n${cases.map(caseText).join('')}`);
  const { notRun, passed, client, seed, durationMs } = report;
  const rest = notRun.length > 0 ? [`Not run, since interrupted: ${notRun.join(', ')}\n`] : [];
  const blocking = report.cases.filter(isBlocking).length;
  const outcome = passed ? 'all musts kept' : blocking > 0 ? `${blocking} in the way` : 'not finished';
  const summary = `${client}, seed ${seed}: ${countOfVerdicts(report)} in ${seconds(durationMs)}; ${outcome}\n`;
  return [...areas, ...rest, bold(summary)].join('\n');
}

/** One case in one line, as it ends. */
export function caseLine(result: CaseResult): string {
  const { id, verdict, weight, durationMs } = result;
  const said = verdict === 'pass' ? '' : `  ${verdict}${weight === 'should' ? ' (should)' : ''}`;
  return `${mark(result)} ${id}${said}  ${quiet(seconds(durationMs))}${known(result)}\n`;
}

function caseText(result: CaseResult): string {
  const { verdict, requirement, reference, level, findings, replay, isKnownFailing } = result;
  const shown = findings.map(({ rule, weight, expected, actual, why, requests }) =>
    [
      `    ${weight === 'note' ? quiet(`${rule} (noted)`) : rule}`,
      `      expected  ${expected}`,
      `      actual    ${actual}`,
      ...(requests === undefined ? [] : [`      requests  ${requests.join(', ')}`]),
      ...(why === undefined ? [] : [quiet(`      ${why}`)]),
    ].join('\n'),
  );
  const about = `    ${level}: ${requirement} ${quiet(`(${reference})`)}`;
  const again = `    again: ${replay}`;
  const isPlain = verdict === 'pass' && !isKnownFailing;
  const lines = isPlain ? shown : [about, ...shown, again];
  return `  ${caseLine(result)}${lines.map((line) => `${line}\n`).join('')}`;
}

function known({ isKnownFailing, verdict }: CaseResult): string {
  if (!isKnownFailing) return '';
  return verdict === 'pass' ? '  listed as failing, but passes: take it off the list' : quiet('  known');
}

function mark(result: CaseResult): string {
  if (isBlocking(result)) return styleText('red', '✗');
  return result.verdict === 'pass' ? styleText('green', '✓') : styleText('yellow', '!');
}

const bold = (text: string): string => styleText('bold', text);
const quiet = (text: string): string => styleText('dim', text);
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
