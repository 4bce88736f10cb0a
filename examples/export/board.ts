import { MultiBar, type SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import type { SourceOutcome } from './run.ts';

/** The figures below the bars. */
export interface Counters {
  readonly requests: number;
  readonly throttled: number;
  readonly retries: number;
  readonly tokenRequests: number;
}

/** One progress bar per source, and a line of figures, while an export runs. */
export interface Board {
  /** Adds delivered records to a source's bar. */
  advance(source: string, records: number): void;
  /** Shows the figures as they stand. */
  show(counters: Counters): void;
  stop(): void;
}

/** A board for sources of the given sizes, on standard error. Without a terminal it prints a line now and then. */
export function openBoard(sizes: ReadonlyMap<string, number>): Board {
  const width = Math.max(...[...sizes.keys()].map((name) => name.length));
  const bars = new MultiBar({
    format: '  {name} {bar} {percentage} %  {value} of about {total}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 32,
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: 2_000,
    stream: process.stderr,
  });
  const bySource = new Map<string, SingleBar>();
  for (const [name, size] of sizes) bySource.set(name, bars.create(size, 0, { name: name.padEnd(width) }));
  const line = bars.create(
    1,
    0,
    { requests: 0, throttled: 0, retries: 0, tokens: 0 },
    {
      format: '  requests {requests}   throttled {throttled}   retries {retries}   tokens {tokens}',
    },
  );

  return {
    advance: (source, records) => bySource.get(source)?.increment(records),
    show: ({ requests, throttled, retries, tokenRequests }) =>
      line.update(0, { requests, throttled, retries, tokens: tokenRequests }),
    stop: () => bars.stop(),
  };
}

/** The outcome of an export as a table. */
export function summary(sources: readonly SourceOutcome[]): string {
  const table = new Table({
    head: ['source', 'expected', 'delivered', 'lost', 'duplicated', ''],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [] },
  });
  const count = (number: number): string => number.toLocaleString('en-US');
  for (const { name, expected, delivered, lost, duplicated, stoppedBy } of sources) {
    const verdict = stoppedBy ?? (lost + duplicated === 0 ? 'complete' : 'wrong');
    table.push([name, count(expected), count(delivered), count(lost), count(duplicated), verdict]);
  }
  return table.toString();
}
