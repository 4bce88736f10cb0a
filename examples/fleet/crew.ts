import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { WorkerMessage, WorkerSettings } from './worker.ts';

/** One is killed and replaced; one stands still until others have its jobs, and goes on; one comes in addition. */
export type Harm = 'kill' | 'stop' | 'join';

/** Workers, each a process of its own. */
export interface Crew {
  /** How many there are. */
  readonly size: number;
  /** Starts one, and returns when it is ready for work. */
  hire(): Promise<void>;
  /** Does this to any of them. */
  harm(harm: Harm): Promise<void>;
  /** Has all of them finish what they hold, and returns when they are gone. */
  dismiss(): Promise<void>;
  /** Ends all of them at once, whatever they hold. What did not land is read again by whoever comes next. */
  disband(): Promise<void>;
}

/** Makes a crew of nobody. `onExit` is told of whoever ended without being told to. */
export function createCrew(
  settings: WorkerSettings,
  onMessage: (message: WorkerMessage) => void,
  onExit: (error: Error) => void,
): Crew {
  const workers = new Set<ChildProcess>();
  const killed = new Set<ChildProcess>();
  const wakings = new Set<NodeJS.Timeout>();
  let isOver = false;

  async function hire(): Promise<void> {
    if (isOver) return;
    const worker = fork(join(import.meta.dirname, 'worker.ts'), {
      // Not as an argument: the URL of Redis may hold a password, and everybody sees those.
      env: { ...process.env, FLEET_WORKER: JSON.stringify(settings) },
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    workers.add(worker);
    worker.on('message', onMessage);
    worker.once('exit', (code, signal) => {
      workers.delete(worker);
      if (!isOver && !killed.has(worker)) onExit(new Error(`a worker ended with ${signal ?? code}`));
    });
    await Promise.race([once(worker, 'message'), once(worker, 'exit')]);
  }

  async function end(...signals: NodeJS.Signals[]): Promise<void> {
    isOver = true;
    for (const waking of wakings) clearTimeout(waking);
    await Promise.all(
      Array.from(workers, (worker) => {
        const exited = once(worker, 'exit');
        for (const signal of signals) worker.kill(signal);
        return exited;
      }),
    );
  }

  function anyone(): ChildProcess | undefined {
    return [...workers][Math.floor(Math.random() * workers.size)];
  }

  return {
    get size() {
      return workers.size;
    },
    hire,
    async harm(harm) {
      const worker = anyone();
      if (harm === 'kill' && worker) {
        killed.add(worker);
        worker.kill('SIGKILL');
      }
      if (harm !== 'stop') return hire();
      worker?.kill('SIGSTOP');
      wakings.add(setTimeout(() => worker?.kill('SIGCONT'), 3 * settings.lockMs));
    },
    dismiss: () => end('SIGCONT', 'SIGTERM'),
    disband: () => end('SIGKILL'),
  };
}
