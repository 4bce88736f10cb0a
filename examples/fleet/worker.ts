/** One of many workers. Takes an account, reads a few pages of it, and puts it back behind the others. */
import { cursorPagination } from '@steadfetch/cursor-pagination';
import { resumableSync } from '@steadfetch/resumable-sync';
import { DelayedError, type Job, Worker } from 'bullmq';
import { connect } from '../shared-token.ts';
import { OvertakenError } from '../sinks/overtaken.ts';
import { fleetClient } from './client.ts';
import { type AccountRecord, openStore } from './sink.ts';

/** What a worker is started with. */
export interface WorkerSettings {
  readonly origin: string;
  readonly redisUrl: string;
  /** What the queue, the token and the bucket are called in Redis. */
  readonly name: string;
  /** Where records go. */
  readonly file: string;
  readonly ratePerSecond: number;
  readonly burst: number;
  /** How many accounts one worker reads at a time. */
  readonly concurrency: number;
  readonly pagesPerTurn: number;
  /** After how long without a sign of life another worker takes over. Short here, where workers die all the time. */
  readonly lockMs: number;
}

/** What a worker tells the process that started it. */
export type WorkerMessage =
  | { readonly type: 'ready' | 'taken-over' | 'overtaken' }
  | { readonly type: 'page'; readonly records: number };

/** Why a turn ends before its account does. */
const TURN_OVER = new Error('The turn is over');

const settings: WorkerSettings = JSON.parse(process.env.FLEET_WORKER ?? '{}');
const { origin, redisUrl, name, file, concurrency, pagesPerTurn, lockMs } = settings;
const store = openStore(file);
const redis = await connect(redisUrl);
const client = fleetClient({ ...settings, redis });

const worker = new Worker(name, takeTurn, {
  connection: redis,
  concurrency,
  lockDuration: lockMs,
  stalledInterval: lockMs / 2,
  // By default a job fails when its second worker dies, but it is not the job that kills them.
  maxStalledCount: Number.MAX_SAFE_INTEGER,
});
worker.on('stalled', () => tell({ type: 'taken-over' }));
// Alive, but out for so long that another has the job by now. What is still under way lands nowhere, by the fence.
worker.on('lockRenewalFailed', (jobs) => jobs.forEach((job) => void worker.cancelJob(job, 'another worker has it')));
// So is told, too, that a job could not be put back by who had lost it.
worker.on('error', () => {});

process.once('SIGTERM', leave);
process.once('disconnect', leave);
await worker.waitUntilReady();
tell({ type: 'ready' });

/**
 * There is one job for each account, and it stays until the account was read to its end: whoever holds it puts it back
 * or completes it, and BullMQ lets nobody else. So a worker that dies, at whatever moment, leaves exactly one behind.
 */
async function takeTurn(job: Job<{ account: string }>, token?: string, lost?: AbortSignal): Promise<void> {
  const { account } = job.data;
  const turn = new AbortController();
  let [pages, told] = [0, 0];
  try {
    await resumableSync<AccountRecord>(
      ({ resume, signal }) =>
        cursorPagination(`${origin}/${account}`, {
          fetch: client,
          resume,
          signal,
          next: (body) => ({ cursor: body.next_cursor }),
        }),
      store.sink,
      {
        source: account,
        signal: lost ? AbortSignal.any([lost, turn.signal]) : turn.signal,
        onEvent(event) {
          if (event.type !== 'progress' || event.complete) return;
          tell({ type: 'page', records: event.added - told });
          told = event.added;
          pages += 1;
          if (pages === pagesPerTurn) turn.abort(TURN_OVER);
        },
      },
    );
  } catch (error) {
    if (error instanceof OvertakenError) tell({ type: 'overtaken' });
    else if (error !== TURN_OVER) throw error;
    // In one step, behind all others. A new job for the rest would leave two, or none, where a worker dies in between.
    await job.moveToDelayed(Date.now(), token);
    throw new DelayedError();
  }
}

/** Finishes the turns under way. */
async function leave(): Promise<void> {
  await worker.close();
  process.exit();
}

function tell(message: WorkerMessage): void {
  if (process.connected) process.send?.(message);
}
