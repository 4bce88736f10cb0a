import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { ConfigError } from '../config.ts';
import type { Streams } from '../serve-command.ts';
import { matrixReport } from './html.ts';
import { junitReport } from './junit.ts';
import { openProgress } from './progress.ts';
import { type ConformanceReport, parseReport } from './report.ts';
import { chooseCases, exitCodeOf, runConformance } from './run.ts';
import { terminalReport } from './terminal.ts';

/** What `conformance` can be told, as commander names it. */
export interface ConformanceFlags {
  readonly case?: readonly string[];
  readonly seed: number;
  readonly name?: string;
  readonly concurrency: number;
  readonly deadlineSeconds: number;
  readonly knownFailing?: string;
  readonly output: 'text' | 'json';
  readonly json?: string;
  readonly junit?: string;
  readonly html?: string;
}

/** Runs the suite, writes the reports that were asked for, and tells how it ended. */
export async function conformAsTold(
  client: readonly string[],
  flags: ConformanceFlags,
  { out, error, terminal, interruption }: Streams,
): Promise<0 | 1 | 3> {
  const { case: cases, seed, name, concurrency, deadlineSeconds, knownFailing, output } = flags;
  const known = knownFailing === undefined ? [] : readIds(knownFailing);
  const chosen = chooseCases(cases);
  const writers: readonly [file: string | undefined, text: (report: ConformanceReport) => string][] = [
    [flags.json, jsonReport],
    [flags.junit, junitReport],
    [flags.html, (report) => matrixReport([report])],
  ];
  // Now, rather than when all is done.
  for (const [file] of writers) if (file !== undefined) appendFileSync(file, '');

  const progress = openProgress(chosen.length, terminal, error);
  let report: ConformanceReport;
  try {
    report = await runConformance({
      ...{ client, cases, seed, name, concurrency, deadlineSeconds },
      knownFailing: known,
      signal: interruption,
      onStart: progress.started,
      onResult: progress.ended,
    });
  } finally {
    progress.stop();
  }
  for (const [file, text] of writers) if (file !== undefined) writeFileSync(file, text(report));
  out(output === 'json' ? jsonReport(report) : terminalReport(report));
  return exitCodeOf(report);
}

/** Makes one matrix of many reports. */
export function matrixAsTold(files: readonly string[], { html }: { readonly html: string }): void {
  const reports = files.map((file) => {
    try {
      return parseReport(readText(file));
    } catch (failure) {
      if (failure instanceof ConfigError) throw new ConfigError([], `${file}: ${failure.message}`);
      throw failure;
    }
  });
  writeFileSync(html, matrixReport(reports));
}

function jsonReport(report: ConformanceReport): string {
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

/** One id a line; what follows a `#` is for people. */
function readIds(file: string): string[] {
  const lines = readText(file).split('\n');
  return lines.map((line) => line.replace(/#.*/, '').trim()).filter((id) => id !== '');
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (failure) {
    throw new ConfigError([], `${file}: cannot be read (${(failure as NodeJS.ErrnoException).code})`);
  }
}
