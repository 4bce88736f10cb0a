import { MultiBar } from 'cli-progress';
import Table from 'cli-table3';
import type { AccountOutcome, FleetFigures } from './run.ts';

/** Progress bars and a line of figures while a fleet runs. */
export interface Board {
  show(figures: FleetFigures): void;
  stop(): void;
}

/** A board on standard error. Without a terminal it prints a line now and then. */
export function openBoard({ records, accounts }: { records: number; accounts: number }): Board {
  const bars = new MultiBar({
    format: '  {name} {bar} {percentage} %  {value} of {about}{total}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 32,
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: 2_000,
    stream: process.stderr,
  });
  const landed = bars.create(records, 0, { name: 'records ', about: 'about ' });
  const complete = bars.create(accounts, 0, { name: 'accounts', about: '' });
  const line = bars.create(1, 0, { text: '' }, { format: '  {text}' });

  return {
    show(figures) {
      const { workers, harms, takenOver, overtaken, requests, throttled } = figures;
      landed.update(figures.records);
      complete.update(figures.complete);
      line.update(0, {
        text: `${workers} workers, ${harms.kill} killed   jobs taken over ${takenOver}   late pages refused ${overtaken}   requests ${requests}   over quota ${throttled}`,
      });
    },
    stop: () => bars.stop(),
  };
}

/** What became of the accounts: the largest, all others together, and each that is not whole. */
export function summary(outcomes: readonly AccountOutcome[]): string {
  const table = tableOf('accounts', 'expected', 'delivered', 'lost', 'doubled', 'wrong');
  const [largest, ...others] = outcomes.toSorted((one, other) => other.expected - one.expected);
  const rows = [
    { ...largest!, account: `the largest, ${largest!.account}` },
    { ...total(others), account: `${others.length} others` },
    ...outcomes.filter((outcome) => !isWhole(outcome)),
  ];
  for (const row of rows) {
    table.push([row.account, ...[row.expected, row.delivered, row.lost, row.doubled, row.wrong].map(count)]);
  }
  return table.toString();
}

/** Whether each record was delivered once, as it was sent. */
export function isWhole({ lost, doubled, wrong }: AccountOutcome): boolean {
  return lost + doubled + wrong === 0;
}

/** All accounts as if they were one. */
export function total(outcomes: readonly AccountOutcome[]): AccountOutcome {
  const sum = (figure: Exclude<keyof AccountOutcome, 'account'>): number =>
    outcomes.reduce((total, outcome) => total + outcome[figure], 0);
  return {
    account: 'all',
    expected: sum('expected'),
    delivered: sum('delivered'),
    lost: sum('lost'),
    doubled: sum('doubled'),
    wrong: sum('wrong'),
  };
}

/** A table whose first column is text, and all others are figures. */
export function tableOf(...head: readonly string[]): Table.Table {
  return new Table({
    head: [...head],
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
    style: { head: [], border: [] },
  });
}

/** As people read it. */
export function count(number: number): string {
  return number.toLocaleString('en-US');
}
