import { z } from 'zod';
import { ConfigError, parseWith } from '../config.ts';

const finding = z.object({
  rule: z.string(),
  weight: z.enum(['must', 'should', 'note']),
  expected: z.string(),
  actual: z.string(),
  why: z.string().optional(),
  requests: z.array(z.number()).optional(),
});

const caseResult = z.object({
  id: z.string(),
  requirement: z.string(),
  level: z.enum(['must', 'should']),
  reference: z.string(),
  verdict: z.enum(['pass', 'fail', 'honest-fail', 'inconclusive']),
  /** What the verdict weighs; absent where the case passed. */
  weight: z.enum(['must', 'should']).optional(),
  /** Whether it was said to fail before. */
  isKnownFailing: z.boolean(),
  findings: z.array(finding),
  /** The seed of this case's provider. */
  seed: z.number(),
  /** The command that runs this case alone, the same way again. */
  replay: z.string(),
  durationMs: z.number(),
  requests: z.object({
    requests: z.number(),
    throttled: z.number(),
    failed: z.number(),
    tokenRequests: z.number(),
  }),
  /** How many records the client delivered, repeats included. */
  delivered: z.number(),
  /** The last lines of the client's log. */
  log: z.array(z.string()),
});

/** The report of a run: what is written as JSON, and what the others are made from. */
const reportSchema = z.object({
  /** The version of this format. */
  format: z.literal(1),
  /** What the client is called. */
  client: z.string(),
  command: z.array(z.string()),
  seed: z.number(),
  /** RFC 3339. */
  startedAt: z.string(),
  durationMs: z.number(),
  deadlineMs: z.number(),
  /** Whether all musts were kept, and no case that was said to fail passed. */
  passed: z.boolean(),
  interrupted: z.boolean(),
  /** Cases that were to run, and did not, because the run was interrupted. */
  notRun: z.array(z.string()),
  cases: z.array(caseResult),
});

/** One case of a report. */
export type CaseResult = z.output<typeof caseResult>;

/** What a run of the conformance suite showed. */
export type ConformanceReport = z.output<typeof reportSchema>;

/**
 * Reads a report that was written as JSON.
 *
 * @throws {@link ConfigError} naming the field that is wrong.
 */
export function parseReport(text: string): ConformanceReport {
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch {
    throw new ConfigError([], 'is not JSON');
  }
  return parseWith(reportSchema, input);
}

/** Whether a case keeps a run from passing: it breaks a must that nobody spoke of, or keeps one that it was said to break. */
export function isBlocking({ verdict, weight, isKnownFailing }: CaseResult): boolean {
  return isKnownFailing ? verdict === 'pass' : weight === 'must';
}

/** The cases by area, in the order of their ids. */
export function byArea(cases: readonly CaseResult[]): [area: string, cases: CaseResult[]][] {
  return [...Map.groupBy(cases, ({ id }) => id.split('/')[0]!)];
}

/** How many cases there are of each verdict, in words. */
export function countOfVerdicts({ cases, notRun }: ConformanceReport): string {
  const counts = Map.groupBy(cases, ({ verdict }) => verdict);
  const words = (['pass', 'fail', 'honest-fail', 'inconclusive'] as const).map(
    (verdict) => `${counts.get(verdict)?.length ?? 0} ${verdict}`,
  );
  return [...words, ...(notRun.length > 0 ? [`${notRun.length} not run`] : [])].join(', ');
}
