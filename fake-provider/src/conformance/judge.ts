import type { DeliveryVerdict } from '../ledger/delivery.ts';
import type { VerdictName } from '../ledger/verdicts/index.ts';
import type { Provider } from '../provider.ts';
import type { Scenario } from '../scenario.ts';
import { isPoison } from '../writes/batch.ts';
import type { ClientEnd } from './client.ts';
import type { Words } from './protocol.ts';
import type { Occurrence } from './stage.ts';
import { taskCount, taskName } from './task.ts';

/** What becomes of a case. */
export type CaseVerdict = 'pass' | 'fail' | 'honest-fail' | 'inconclusive';

/** How much a finding weighs. A `note` fails nothing. */
export type Weight = 'must' | 'should' | 'note';

/** One thing that is not as it should be. */
export interface CaseFinding {
  /** A manner, or what else was looked at: `data`, `complete`, `deadline`, `protocol`, `connection`, `limits`, `origin`. */
  readonly rule: string;
  readonly weight: Weight;
  readonly expected: string;
  readonly actual: string;
  /** What comes of it, where the rule does not say so itself. */
  readonly why?: string | undefined;
  /** The requests it shows in, by their numbers. */
  readonly requests?: readonly number[] | undefined;
}

/** What is known of a case when its client has ended. */
export interface Evidence {
  readonly provider: Provider;
  readonly resources: readonly string[];
  readonly occurrences: readonly Occurrence[];
  readonly strays: number;
  readonly words: Words;
  readonly end: ClientEnd;
  readonly deadlineMs: number;
}

/** A case, judged. */
export interface CaseJudgement {
  readonly verdict: CaseVerdict;
  /** What the verdict weighs; absent where the case passed. */
  readonly weight: Exclude<Weight, 'note'> | undefined;
  readonly findings: readonly CaseFinding[];
}

/** Manners whose breach does harm on any day. The others count where the scenario is about them. */
const ALWAYS: ReadonlySet<string> = new Set<VerdictName>(['no-loops', 'retry-after', 'safe-replays', 'token-origin']);

/** Judges a client by what it did and by what it said. */
export function judgeCase(scenario: Scenario, evidence: Evidence): CaseJudgement {
  const { occurrences } = evidence;
  const { findings: ofData, admission } = judgeData(scenario, evidence);
  const findings = [...judgeProcess(evidence), ...ofData, ...judgeTraffic(scenario, evidence)];
  const weights = findings.map(({ weight }) => weight);
  const unmet = occurrences.filter(({ met }) => !met).map(({ what }) => what);
  const conclude = (verdict: CaseVerdict, weight: CaseJudgement['weight'], more: readonly CaseFinding[] = []) => ({
    verdict,
    weight,
    findings: [...more, ...findings],
  });

  if (weights.includes('must')) return conclude('fail', 'must');
  if (weights.includes('should')) return conclude('fail', 'should');
  const isAttempt = unmet.length < occurrences.length;
  if (admission !== undefined && isAttempt) return conclude('honest-fail', scenario.level, [admission]);
  if (unmet.length > 0) return conclude('inconclusive', scenario.level, [inconclusive(unmet)]);
  return conclude('pass', undefined);
}

function inconclusive(unmet: readonly string[]): CaseFinding {
  return {
    rule: 'occasion',
    weight: 'note',
    expected: `the client to meet ${unmet.join(', ')}`,
    actual: 'it did not, so that nothing is shown',
  };
}

/** How the client ended, and whether it kept to the protocol. */
function judgeProcess({ provider, words, end, deadlineMs }: Evidence): CaseFinding[] {
  const findings: CaseFinding[] = [];
  const find = (rule: string, weight: Weight, expected: string, actual: string, why?: string): void =>
    void findings.push({ rule, weight, expected, actual, ...(why !== undefined && { why }) });

  if (end.endedFor === 'deadline') {
    find(
      'deadline',
      'must',
      `an end within ${deadlineMs / 1_000} s`,
      'still running, and ended',
      'nobody waits for ever',
    );
  }
  if (provider.ledger.tally().requests === 0) {
    // A client that says so may leave alone what it cannot do: then nothing is shown.
    find('connection', words.complete === false ? 'note' : 'must', 'a request to BASE_URL', 'none', words.errors[0]);
  }
  if (words.malformedCount > 0) {
    const rest = words.malformedCount - 1;
    const more = rest > 0 ? ` (and ${rest} more)` : '';
    find('protocol', 'must', 'lines that say record, error or done', `${words.malformed[0]}${more}`);
  }
  if (words.complete === undefined && end.endedFor === undefined) {
    const isFailure = end.exitCode !== 0;
    const actual = isFailure ? `none, and ${spokenEnd(end)}` : 'none, and exit code 0';
    find('done', isFailure ? 'note' : 'must', 'a line that says done, and whether all is there', actual);
  }
  if (words.complete === true && end.endedFor === undefined && end.exitCode !== 0) {
    find('done', 'note', 'exit code 0 after a done that is complete', spokenEnd(end));
  }
  return findings;
}

function spokenEnd({ exitCode, signal }: ClientEnd): string {
  return exitCode === undefined ? `ended by ${signal}` : `exit code ${exitCode}`;
}

interface DataJudgement {
  readonly findings: readonly CaseFinding[];
  /** That the client says it could not finish, where it should have. */
  readonly admission: CaseFinding | undefined;
}

/** What became of the records, and whether the client tells the truth about it. */
function judgeData(scenario: Scenario, evidence: Evidence): DataJudgement {
  const { words, end } = evidence;
  const outcomes = evidence.resources.map((name) => ({ name, ...outcomeOf(scenario, evidence, name) }));
  const findings: CaseFinding[] = [];
  const claims = words.complete ?? end.exitCode === 0;
  const missing = outcomes.some(({ lost, avoidable }) => (scenario.mayGiveUp ? avoidable : lost).length > 0);

  for (const { name, expected, wrong, lost } of outcomes) {
    const faults = [...(claims && lost.length > 0 ? [`lost ${sample(lost)}`] : []), ...wrong];
    if (faults.length === 0) continue;
    const actual = `${claims ? 'says that all is there, and ' : ''}${faults.join('; ')}`;
    findings.push({
      rule: 'data',
      weight: 'must',
      expected: `${figure(expected)} of ${name}, each once, as it is`,
      actual,
    });
  }
  const isAdmitted = !claims && (missing || !scenario.mayGiveUp);
  return { findings, admission: isAdmitted ? admissionOf(outcomes, words) : undefined };
}

function admissionOf(outcomes: readonly ({ name: string } & Outcome)[], { errors }: Words): CaseFinding {
  const expected = outcomes.map((each) => `${figure(each.expected)} of ${each.name}`).join(', ');
  const lost = outcomes
    .filter((each) => each.lost.length > 0)
    .map((each) => `${figure(each.lost.length)} of ${each.name}`);
  const missing = lost.length > 0 ? `; ${lost.join(', ')} are missing` : '; nothing is missing';
  return {
    rule: 'complete',
    weight: 'note',
    expected: `${expected}, to the end`,
    actual: `says that it could not finish${missing}`,
    why: errors[0],
  };
}

/** What became of one resource. */
interface Outcome {
  readonly expected: number;
  readonly lost: readonly string[];
  /** Those of the lost that the scenario lets through. */
  readonly avoidable: readonly string[];
  /** What cannot be put right by admitting it. */
  readonly wrong: readonly string[];
}

function outcomeOf({ task }: Scenario, evidence: Evidence, name: string): Outcome {
  const delivered = evidence.words.records.get(name) ?? [];
  const count = taskCount(task);
  if (count > 0) return outcomeOfWrites(evidence, name, count);
  const { expected, lost, duplicated, invented, corrupted } = evidence.provider.judge(name, delivered);
  return { expected, lost, avoidable: [], wrong: wrongs({ duplicated, invented, corrupted }) };
}

/** By what the provider holds, not by what the client says of it. */
function outcomeOfWrites({ provider, words }: Evidence, name: string, expected: number): Outcome {
  const { config } = provider;
  const resource = provider.resource(name);
  const made = Map.groupBy(resource.slice(0, resource.size), (record) => record.name);
  const asked = Array.from({ length: expected }, (_, index) => taskName(index + 1));
  const lost = asked.filter((each) => !made.has(each));
  const { poison } = config.resources[name]!.batch;
  const claimed = (words.records.get(name) ?? []).map(({ id }) => id);
  return {
    expected,
    lost,
    avoidable: lost.filter((each) => !isPoison({ name: each }, poison, config.seed)),
    wrong: wrongs({
      duplicated: [...made].flatMap(([each, records]) => records.slice(1).map(() => each)),
      invented: [
        ...[...made.keys()].filter((each) => !asked.includes(each)),
        ...claimed.filter((id) => resource.get(id) === undefined),
      ],
      corrupted: [],
    }),
  };
}

function wrongs(ids: Pick<DeliveryVerdict, 'duplicated' | 'invented' | 'corrupted'>): string[] {
  return Object.entries(ids).flatMap(([how, which]) => (which.length > 0 ? [`${how} ${sample(which)}`] : []));
}

/** How the client behaved, by the provider's ledger. */
function judgeTraffic({ level, manners = [], refusedAtMost }: Scenario, { provider, strays }: Evidence): CaseFinding[] {
  const findings = provider.ledger.judgements().flatMap(({ verdict, found, findings: all }) => {
    const [first] = all;
    if (first === undefined) return [];
    const isAbout = (manners as readonly string[]).includes(verdict);
    const weight = ALWAYS.has(verdict) ? 'must' : isAbout ? level : 'note';
    const more = found > 1 ? ` (the first of ${found} times)` : '';
    const { sequences: requests, route, expected, actual, why } = first;
    return [{ rule: verdict, weight, expected, actual: `${actual} at ${route}${more}`, why, requests } as CaseFinding];
  });
  const { throttled } = provider.ledger.tally();
  if (refusedAtMost !== undefined && throttled > refusedAtMost) {
    findings.push({
      rule: 'limits',
      weight: level,
      expected: `at most ${refusedAtMost} requests refused for their number`,
      actual: `${throttled}`,
      why: 'each answer said how many were left',
    });
  }
  if (strays > 0) {
    findings.push({
      rule: 'origin',
      weight: level,
      expected: 'requests to BASE_URL only',
      actual: `${strays} to another origin, where a link led`,
      why: 'whoever can put a link into an answer can lead a client anywhere',
    });
  }
  return findings;
}

function sample(names: readonly string[]): string {
  const few = names.slice(0, 3).join(', ');
  return `${figure(names.length)} (${few}${names.length > 3 ? ', …' : ''})`;
}

const figure = (count: number): string => count.toLocaleString('en-US');
