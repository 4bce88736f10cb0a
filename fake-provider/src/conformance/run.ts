import { basename } from 'node:path';
import picomatch from 'picomatch';
import { pick } from '../chance.ts';
import { ConfigError } from '../config.ts';
import type { Scenario } from '../scenario.ts';
import { scenarios } from '../scenarios/index.ts';
import { runCase } from './case.ts';
import { type CaseResult, type ConformanceReport, isBlocking } from './report.ts';

/** How a client is run through the suite. */
export interface ConformanceOptions {
  /** The program and its arguments. It is started for each case, without a shell. */
  readonly client: readonly string[];
  /** What it is called in reports. @defaultValue the last argument that is a file's name, or else the program */
  readonly name?: string | undefined;
  /** The cases to run, as globs over their ids. @defaultValue all */
  readonly cases?: readonly string[] | undefined;
  /** Every case's own seed follows from it. @defaultValue 1 */
  readonly seed?: number | undefined;
  /** How many cases run at the same time. From 1. @defaultValue 4 */
  readonly concurrency?: number | undefined;
  /** How long the client has for one case, in seconds. @defaultValue 30 */
  readonly deadlineSeconds?: number | undefined;
  /** Cases that are known to fail: they fail nothing, and one that passes does. */
  readonly knownFailing?: readonly string[] | undefined;
  /** Ends the clients that run, and the run. */
  readonly signal?: AbortSignal | undefined;
  /** Hears of each case as it begins. */
  readonly onStart?: ((id: string) => void) | undefined;
  /** Hears of each case as it ends. */
  readonly onResult?: ((result: CaseResult) => void) | undefined;
}

/** The cases of the suite: every scenario that one run of a client can show something of. */
export const cases: readonly Scenario[] = (scenarios as readonly Scenario[]).filter(({ task }) => task !== 'none');

/**
 * Runs a client through the suite, each case against a provider of its own.
 *
 * @throws {@link ConfigError} if no case is meant, or an id is unknown.
 * @throws `ClientStartError` if the client cannot be started.
 */
export async function runConformance(options: ConformanceOptions): Promise<ConformanceReport> {
  const {
    client,
    seed = 1,
    concurrency = 4,
    deadlineSeconds = DEADLINE_SECONDS,
    knownFailing = [],
    onStart,
    onResult,
  } = options;
  if (client.length === 0) throw new ConfigError([], 'client must be a program and its arguments');
  const chosen = chooseCases(options.cases);
  checkKnown(knownFailing);

  const startedAt = new Date().toISOString();
  const beganMs = performance.now();
  const deadlineMs = deadlineSeconds * 1_000;
  const failure = new AbortController();
  const signal = AbortSignal.any([failure.signal, ...(options.signal ? [options.signal] : [])]);
  const results = new Map<string, CaseResult>();
  const waiting = chosen.values();

  async function runNext(): Promise<void> {
    for (const scenario of waiting) {
      if (signal.aborted) return;
      const { id } = scenario;
      onStart?.(id);
      const outcome = await runCase(scenario, { client, seed: seedOf(seed, id), deadlineMs, signal });
      if (outcome === undefined) return;
      const isKnownFailing = knownFailing.includes(id);
      const result = { ...outcome, isKnownFailing, replay: replayOf(id, seed, options) };
      results.set(id, result);
      onResult?.(result);
    }
  }

  const lanes = Array.from({ length: concurrency }, () =>
    runNext().catch((error) => {
      failure.abort();
      throw error;
    }),
  );
  const settled = await Promise.allSettled(lanes);
  for (const lane of settled) if (lane.status === 'rejected') throw lane.reason;

  const done = chosen.flatMap(({ id }) => results.get(id) ?? []);
  const notRun = chosen.map(({ id }) => id).filter((id) => !results.has(id));
  return {
    format: 1,
    client: options.name ?? nameOf(client),
    command: [...client],
    seed,
    startedAt,
    durationMs: Math.round(performance.now() - beganMs),
    deadlineMs,
    passed: notRun.length === 0 && !done.some(isBlocking),
    interrupted: options.signal?.aborted === true,
    notRun,
    cases: done,
  };
}

/** 0: all musts are kept. 1: not. 3: the client never asked for anything. */
export function exitCodeOf({ cases: results, passed, interrupted }: ConformanceReport): 0 | 1 | 3 {
  const isSilent = !interrupted && results.length > 0 && results.every(({ requests }) => requests.requests === 0);
  return isSilent ? 3 : passed ? 0 : 1;
}

/**
 * The cases whose ids match one of the globs.
 *
 * @throws {@link ConfigError} for a glob that matches none.
 */
export function chooseCases(globs: readonly string[] = ['**']): readonly Scenario[] {
  for (const glob of globs) {
    if (cases.some(({ id }) => picomatch(glob)(id))) continue;
    throw new ConfigError([], `--case ${glob} matches no case; there are ${cases.map(({ id }) => id).join(', ')}`);
  }
  return cases.filter(({ id }) => picomatch([...globs])(id));
}

function checkKnown(ids: readonly string[]): void {
  const unknown = ids.find((id) => !cases.some((each) => each.id === id));
  if (unknown !== undefined) throw new ConfigError([], `--known-failing names ${unknown}, and there is no such case`);
}

/** Far longer than a client that gets on needs for any case. */
const DEADLINE_SECONDS = 30;

/** Every case has a bad day of its own, whichever others are run. */
function seedOf(seed: number, id: string): number {
  return pick(2 ** 31, seed, 'conformance', id);
}

function replayOf(id: string, seed: number, { client, deadlineSeconds }: ConformanceOptions): string {
  const deadline =
    (deadlineSeconds ?? DEADLINE_SECONDS) === DEADLINE_SECONDS ? [] : ['--deadline-seconds', `${deadlineSeconds}`];
  const words = ['conformance', '--case', id, '--seed', `${seed}`, ...deadline, '--', ...client];
  return ['fake-provider', ...words].map(quoted).join(' ');
}

/** As a shell takes it for one word. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function nameOf(client: readonly string[]): string {
  return basename(client.findLast((word) => /\.\w+$/.test(word)) ?? client[0]!);
}
