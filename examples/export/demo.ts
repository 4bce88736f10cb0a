import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { type Board, openBoard, summary } from './board.ts';
import {
  type ExporterMessage,
  judge,
  runExporter,
  SOURCES,
  type SourceOutcome,
  type Stage,
  setStage,
  tally,
} from './run.ts';

/** What `--json` prints, and all of it. */
interface Report {
  readonly sources: readonly Pick<SourceOutcome, 'name' | 'expected' | 'delivered' | 'lost' | 'duplicated'>[];
  readonly requests: number;
  readonly throttled: number;
  readonly retries: number;
  readonly tokenRequests: number;
  /** Tokens asked for after the first. */
  readonly tokenRefreshes: number;
  /** Whether a second export, killed half-way, went on where it was and lost nothing either. */
  readonly resumedAfterKill: boolean;
  readonly seconds: number;
  readonly seed: number;
}

const { json, naive, seed } = new Command('demo')
  .description('Exports four sources at once from a hostile provider, twice: once through, once killed half-way.')
  .option('--seed <number>', 'repeats a run', toSeed, Math.floor(Math.random() * 1_000_000))
  .option('--naive', 'exports with a plain fetch loop instead, to show what is lost')
  .option('--json', 'prints one JSON object and nothing else')
  .configureOutput({ outputError: (text, write) => write(text.replace('error: ', 'demo: ')) })
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ json?: true; naive?: true; seed: number }>();

const folder = mkdtempSync(join(tmpdir(), 'steadfetch-'));
const startedMs = performance.now();
try {
  const first = await exportOnce(naive ? 'naive-exporter' : 'steady-exporter');
  const resumed = naive ? undefined : await exportKilledHalfWay();
  const report = toReport(first, resumed !== undefined && isWhole(resumed));

  if (json) console.log(JSON.stringify(report));
  else say(closingWords(report));
  process.exitCode = isWhole(first.outcomes) && report.resumedAfterKill ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}

/** One export from start to end. */
async function exportOnce(
  exporter: 'steady-exporter' | 'naive-exporter',
): Promise<{ outcomes: SourceOutcome[]; stage: Stage; retries: number }> {
  const stage = await setStage(seed, join(folder, 'first.sqlite'));
  say(`Seed ${seed}. Exporting four sources from ${stage.server.url}, a provider on a bad day:\n`);
  const board = openBoardUnlessJson();
  const stopped = new Map<string, string>();
  let retries = 0;

  const ended = await runExporter(exporter, stage, (message) => {
    if (message.type === 'page') board?.advance(message.source, message.records);
    if (message.type === 'retry') retries += 1;
    if (message.type === 'stopped') stopped.set(message.source, message.reason);
    board?.show({ ...tally(stage), retries });
  });
  board?.stop();
  const stuckAt = ended === 'killed' ? 'no answer ever came' : undefined;
  const outcomes = judge(stage, stopped).map((outcome) =>
    outcome.lost > 0 ? { ...outcome, stoppedBy: outcome.stoppedBy ?? stuckAt } : outcome,
  );
  await stage.server.close();
  say(summary(outcomes));
  return { outcomes, stage, retries };
}

/** The same export again, its process killed half-way, and another that goes on from the file. */
async function exportKilledHalfWay(): Promise<SourceOutcome[]> {
  const stage = await setStage(seed, join(folder, 'second.sqlite'));
  const half = [...SOURCES.values()].reduce((sum, records) => sum + records, 0) / 2;
  say('\nOnce more, and this time the exporter is killed (SIGKILL) half-way:\n');
  const board = openBoardUnlessJson();
  let records = 0;
  let retries = 0;
  const showMessage = (message: ExporterMessage): void => {
    if (message.type === 'page') {
      board?.advance(message.source, message.records);
      records += message.records;
    }
    if (message.type === 'retry') retries += 1;
    board?.show({ ...tally(stage), retries });
  };

  const ended = await runExporter('steady-exporter', stage, (message, child) => {
    showMessage(message);
    if (records >= half) child.kill('SIGKILL');
  });
  if (ended !== 'killed') throw new Error('the exporter ended before it could be killed');
  const killedAt = records;

  await runExporter('steady-exporter', stage, showMessage);
  board?.stop();
  const outcomes = judge(stage);
  await stage.server.close();
  say(`Killed after ${killedAt.toLocaleString('en-US')} records; a new process read the checkpoints and went on.`);
  say(summary(outcomes));
  return outcomes;
}

function toReport(
  { outcomes, stage, retries }: Awaited<ReturnType<typeof exportOnce>>,
  resumedAfterKill: boolean,
): Report {
  const { requests, throttled, tokenRequests } = tally(stage);
  return {
    sources: outcomes.map(({ name, expected, delivered, lost, duplicated }) => ({
      name,
      expected,
      delivered,
      lost,
      duplicated,
    })),
    requests,
    throttled,
    retries,
    tokenRequests,
    tokenRefreshes: Math.max(0, tokenRequests - 1),
    resumedAfterKill,
    seconds: Math.round((performance.now() - startedMs) / 100) / 10,
    seed,
  };
}

function isWhole(outcomes: readonly SourceOutcome[]): boolean {
  return outcomes.every(
    ({ lost, duplicated, wrong, stoppedBy }) => lost + duplicated + wrong === 0 && stoppedBy === undefined,
  );
}

function closingWords({ sources, requests, throttled, retries, tokenRefreshes, seconds }: Report): string {
  const lost = sources.reduce((sum, source) => sum + source.lost, 0);
  const duplicated = sources.reduce((sum, source) => sum + source.duplicated, 0);
  return [
    'Expected is what existed throughout. What came or went meanwhile may be delivered or not, but never twice.',
    '',
    `${requests} requests, ${throttled} throttled, ${retries} retries, ${tokenRefreshes} token refreshes; ${lost} lost, ${duplicated} duplicated.`,
    `${seconds} s. Same again: pnpm demo --seed ${seed}${naive ? ' --naive' : '   With a plain fetch loop: pnpm demo --naive'}`,
  ].join('\n');
}

function openBoardUnlessJson(): Board | undefined {
  return json ? undefined : openBoard(SOURCES);
}

function say(text: string): void {
  if (!json) console.log(text);
}

function toSeed(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(number)) return number;
  throw new InvalidArgumentError('It must be a whole number from 0.');
}
