import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  createProvider,
  type Provider,
  type RunningServer,
  scenario,
  serve,
  type Tally,
} from '@steadfetch/fake-provider';
import { openSink } from './sink.ts';

/** What an exporter tells the process that started it. */
export type ExporterMessage =
  | { readonly type: 'page'; readonly source: string; readonly records: number }
  | { readonly type: 'retry' }
  | { readonly type: 'stopped'; readonly source: string; readonly reason: string };

/** What became of one source. */
export interface SourceOutcome {
  readonly name: string;
  /** Records that existed from the first listing request to the last. */
  readonly expected: number;
  /** Records in the file, repeats included. */
  readonly delivered: number;
  readonly lost: number;
  readonly duplicated: number;
  /** Records that the provider never sent, or sent otherwise. */
  readonly wrong: number;
  /** Why the exporter gave up on it, if it did. */
  readonly stoppedBy: string | undefined;
}

/** A hostile provider that listens, and a file for what is exported from it. */
export interface Stage {
  readonly provider: Provider;
  readonly server: RunningServer;
  readonly database: string;
}

/** Every source of the scenario, with how many records it starts with. */
export const SOURCES: ReadonlyMap<string, number> = new Map(
  Object.entries(scenario('sync/hostile').config.resources!).map(([name, { records }]) => [name, records!]),
);

/** Starts the hostile provider with this seed. */
export async function setStage(seed: number, database: string): Promise<Stage> {
  const provider = createProvider({ ...scenario('sync/hostile').config, seed });
  return { provider, server: await serve(provider), database };
}

/**
 * Exports every source in a process of its own, until that ends, is killed, or gets nowhere any more.
 *
 * @param watch - Sees every message, and may kill the process.
 */
export async function runExporter(
  exporter: 'steady-exporter' | 'naive-exporter',
  { server, database }: Stage,
  watch: (message: ExporterMessage, child: ChildProcess) => void,
): Promise<'ended' | 'killed'> {
  const file = fileURLToPath(new URL(`./${exporter}.ts`, import.meta.url));
  const child = fork(file, [server.url, database], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const stalled = setTimeout(() => child.kill('SIGKILL'), LONGEST_SILENCE_MS);
  child.on('message', (message) => {
    stalled.refresh();
    watch(message as ExporterMessage, child);
  });
  const [code, signal] = await once(child, 'exit');
  clearTimeout(stalled);
  if (signal === 'SIGKILL') return 'killed';
  if (code !== 0) throw new Error(`the exporter ended with exit code ${code ?? signal}`);
  return 'ended';
}

/** Holds every record in the file against what the provider held while it was read. */
export function judge(
  { provider, database }: Stage,
  stopped: ReadonlyMap<string, string> = new Map(),
): SourceOutcome[] {
  const sink = openSink(database);
  const outcomes = [...SOURCES.keys()].map((name) => {
    const { expected, delivered, lost, duplicated, invented, corrupted } = provider.judge(name, sink.deliveries(name));
    return {
      name,
      expected,
      delivered,
      lost: lost.length,
      duplicated: duplicated.length,
      wrong: invented.length + corrupted.length,
      stoppedBy: stopped.get(name),
    };
  });
  sink.close();
  return outcomes;
}

/** What the provider counted so far. */
export function tally({ provider }: Stage): Tally {
  return provider.ledger.tally();
}

/** Far longer than any pause of a run that goes well. A plain `fetch` waits for ever where no answer comes. */
const LONGEST_SILENCE_MS = 10_000;
