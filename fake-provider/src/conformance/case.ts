import type { Scenario } from '../scenario.ts';
import { type ClientEnd, runClient } from './client.ts';
import { judgeCase } from './judge.ts';
import { createListener } from './protocol.ts';
import type { CaseResult } from './report.ts';
import { openStage } from './stage.ts';

/** How a client is run through a case. */
export interface CaseOptions {
  /** The program and its arguments. */
  readonly client: readonly string[];
  /** The seed of this case's provider. */
  readonly seed: number;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
}

/** What a case showed. How it is replayed and what was known of it before is for the run to say. */
export type CaseOutcome = Omit<CaseResult, 'replay' | 'isKnownFailing'>;

/**
 * Runs a client through one scenario, against a provider of its own.
 *
 * @returns `undefined` where it was interrupted, since that shows nothing.
 * @throws `ClientStartError` if there is no such program.
 */
export async function runCase(scenario: Scenario, options: CaseOptions): Promise<CaseOutcome | undefined> {
  const { client, seed, deadlineMs, signal } = options;
  const stage = await openStage(scenario, seed);
  const words = createListener(stage.resources);
  let end: ClientEnd;
  try {
    end = await runClient(client, {
      environment: {
        ...stage.environment,
        CASE_ID: scenario.id,
        SEED: `${seed}`,
        DEADLINE_MS: `${deadlineMs}`,
        ...withoutProxy(process.env),
      },
      deadlineMs,
      signal,
      onLine: words.hear,
      onLog: words.note,
    });
  } finally {
    await stage.close();
  }
  if (end.endedFor === 'interruption') return undefined;

  const { provider, resources, strays } = stage;
  const occurrences = stage.occurrences();
  const { verdict, weight, findings } = judgeCase(scenario, {
    ...{ provider, resources, strays, occurrences },
    ...{ words, end, deadlineMs },
  });
  const { id, requirement, level, reference } = scenario;
  return {
    ...{ id, requirement, level, reference },
    ...{
      verdict,
      weight,
      findings: findings.map((each) => ({ ...each, requests: each.requests && [...each.requests] })),
    },
    ...{ seed, durationMs: Math.round(end.durationMs), requests: provider.ledger.tally() },
    delivered: [...words.records.values()].reduce((sum, records) => sum + records.length, 0),
    log: [...words.log],
  };
}

/** A proxy would keep the client from this machine. */
function withoutProxy({ NO_PROXY, no_proxy = NO_PROXY }: NodeJS.ProcessEnv): Record<string, string> {
  const hosts = [...(no_proxy ? [no_proxy] : []), '127.0.0.1'].join(',');
  return { NO_PROXY: hosts, no_proxy: hosts };
}
