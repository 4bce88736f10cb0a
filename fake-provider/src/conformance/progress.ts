import { SingleBar } from 'cli-progress';
import type { CaseResult } from './report.ts';
import { caseLine } from './terminal.ts';

/** Tells how far a run is, as it goes. */
export interface Progress {
  started(id: string): void;
  ended(result: CaseResult): void;
  stop(): void;
}

/** A bar on a terminal; elsewhere a line for each case that ended. */
export function openProgress(
  total: number,
  terminal: NodeJS.WriteStream | undefined,
  write: (text: string) => void,
): Progress {
  if (terminal === undefined) return { started() {}, ended: (result) => write(caseLine(result)), stop() {} };
  const running = new Set<string>();
  const bar = new SingleBar({
    format: '{bar} {value} of {total}  {running}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    stream: terminal,
  });
  bar.start(total, 0, { running: '' });
  const show = (): void => bar.update({ running: [...running].join(', ') });
  return {
    started(id) {
      running.add(id);
      show();
    },
    ended({ id }) {
      running.delete(id);
      bar.increment();
      show();
    },
    stop: () => bar.stop(),
  };
}
