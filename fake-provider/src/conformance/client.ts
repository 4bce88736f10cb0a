import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

/** How a client ended. */
export interface ClientEnd {
  /** Absent where a signal ended it. */
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** Why it was ended from outside, if it was. */
  readonly endedFor: 'deadline' | 'interruption' | undefined;
  readonly durationMs: number;
}

/** How a client is started, and who listens. */
export interface ClientOptions {
  /** Added to the environment of this process. */
  readonly environment: Readonly<Record<string, string>>;
  readonly deadlineMs: number;
  /** Ends the client at once. */
  readonly signal: AbortSignal | undefined;
  /** Hears each line of its standard output. */
  readonly onLine: (line: string) => void;
  /** Hears each line of its standard error. */
  readonly onLog: (line: string) => void;
}

/** The client could not even be started. */
export class ClientStartError extends Error {
  override readonly name = 'ClientStartError';
}

/** How long a client that was asked to end has to do so. */
const GRACE_MS = 500;

/**
 * How long to read what a client wrote before it ended. All of it is there by then; only somebody who left the group and
 * holds on to the output can keep it open.
 */
const LAST_WORDS_MS = 10_000;

const HAS_GROUPS = process.platform !== 'win32';

/**
 * Runs a client to its end, and ends it where it does not end in time. No shell stands between, and nothing that it
 * started is left behind.
 *
 * @throws {@link ClientStartError} if there is no such program, or it must not be run.
 */
export async function runClient(command: readonly string[], options: ClientOptions): Promise<ClientEnd> {
  const { environment, deadlineMs, signal, onLine, onLog } = options;
  const [program = '', ...args] = command;
  const beganMs = performance.now();
  const child = spawn(program, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that all of it can be ended.
    detached: HAS_GROUPS,
  });
  const heard = Promise.all([hearLines(child.stdout, onLine), hearLines(child.stderr, onLog)]);
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;

  try {
    await once(child, 'spawn');
  } catch (error) {
    exited.catch(() => {});
    throw new ClientStartError(`${program} cannot be started (${(error as NodeJS.ErrnoException).code})`);
  }

  let endedFor: ClientEnd['endedFor'];
  const end = (reason: NonNullable<ClientEnd['endedFor']>): void => {
    endedFor ??= reason;
    kill(child.pid!, 'SIGTERM');
    killing ??= setTimeout(() => kill(child.pid!, 'SIGKILL'), GRACE_MS);
  };
  let killing: NodeJS.Timeout | undefined;
  const interrupt = (): void => end('interruption');
  // In a group of its own it would outlive this process, and ask a provider that is gone for ever.
  const endWithUs = (): void => kill(child.pid!, 'SIGKILL');
  process.once('exit', endWithUs);
  const deadline = setTimeout(end, deadlineMs, 'deadline');
  signal?.addEventListener('abort', interrupt, { once: true });
  if (signal?.aborted) interrupt();

  const [exitCode, endSignal] = await exited;
  clearTimeout(deadline);
  clearTimeout(killing);
  signal?.removeEventListener('abort', interrupt);
  process.off('exit', endWithUs);
  const durationMs = performance.now() - beganMs;
  // Whatever it left behind, which would hold on to its output too.
  kill(child.pid!, 'SIGKILL');
  await Promise.race([heard, delay(LAST_WORDS_MS, undefined, { ref: false })]);
  child.stdout.destroy();
  child.stderr.destroy();
  return { exitCode: exitCode ?? undefined, signal: endSignal ?? undefined, endedFor, durationMs };
}

/** Signals the whole group. That it is gone already is no news. */
function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(HAS_GROUPS ? -pid : pid, signal);
  } catch (error) {
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code!)) throw error;
  }
}

async function hearLines(stream: Readable, hear: (line: string) => void): Promise<void> {
  const lines = createInterface({ input: stream, crlfDelay: Infinity }).on('line', hear);
  await once(lines, 'close');
}
