import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { type ConfigInput, createProvider, type Provider, serve, type Tally } from '@steadfetch/fake-provider';
import { Queue } from 'bullmq';
import { connect, type Redis } from '../shared-token.ts';
import { createCrew, type Harm } from './crew.ts';
import { openStore, type Store } from './sink.ts';
import type { WorkerMessage, WorkerSettings } from './worker.ts';

/** A fleet, and what it is put through. */
export interface FleetOptions extends Pick<WorkerSettings, 'redisUrl' | 'ratePerSecond' | 'burst' | 'lockMs'> {
  /** What the provider is like; its resources are the accounts. */
  readonly provider: ConfigInput;
  /** How many workers there are at the beginning. */
  readonly workers: number;
  /** What befalls the workers, in this order. */
  readonly harms: readonly Harm[];
  /** How many pages land between one harm and the next. */
  readonly pagesBetweenHarms: number;
  /** For how long no page may land before the fleet is given up, in milliseconds. @defaultValue 60_000 */
  readonly stuckMs?: number;
  /** Is told the figures after each page. */
  readonly onProgress?: ((figures: FleetFigures) => void) | undefined;
}

/** What happened so far. */
export interface FleetFigures extends Tally {
  readonly workers: number;
  /** How often each harm was done. */
  readonly harms: Readonly<Record<Harm, number>>;
  /** Jobs that another worker took over. */
  readonly takenOver: number;
  /** Pages that came too late, another worker having gone on meanwhile, and landed nowhere. */
  readonly overtaken: number;
  /** Pages and records that landed. */
  readonly pages: number;
  readonly records: number;
  /** Accounts read to their end. */
  readonly complete: number;
}

/** What became of one account. */
export interface AccountOutcome {
  readonly account: string;
  /** Records that existed from the first listing request to the last. */
  readonly expected: number;
  /** Records in the file, repeats included. */
  readonly delivered: number;
  readonly lost: number;
  readonly doubled: number;
  /** Records that the provider never sent, or sent otherwise. */
  readonly wrong: number;
}

/** How it went, in the end. */
export interface FleetReport {
  readonly figures: FleetFigures;
  readonly outcomes: readonly AccountOutcome[];
  /** From the first job to the last. */
  readonly seconds: number;
  /** How busy the machine's processors were meanwhile, with this and whatever else ran. 0 to 1. */
  readonly busyRatio: number;
}

/** How long to wait for Redis to forget a fleet. */
const FORGET_MS = 5_000;

/** How many accounts one worker reads at a time. */
export const CONCURRENCY = 4;

/**
 * Reads every account, and holds what was delivered against the truth.
 *
 * @throws `Error` when it cannot go on: a job failed for good, a worker ended by itself, or no page lands any more. The
 * message says which, and how far it came.
 */
export async function runFleet(options: FleetOptions): Promise<FleetReport> {
  const { redisUrl, ratePerSecond, burst, lockMs, stuckMs = 60_000, onProgress } = options;
  const folder = mkdtempSync(join(tmpdir(), 'steadfetch-fleet-'));
  const file = join(folder, 'fleet.sqlite');
  const store = openStore(file);
  const provider = createProvider(options.provider);
  const { url: origin, close } = await serve(provider);
  const name = `fleet-${crypto.randomUUID()}`;
  const redis = await connect(redisUrl);
  const queue = new Queue<{ account: string }>(name, { connection: redis });
  const accounts = Object.keys(options.provider.resources ?? {});
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {}); // It is thrown where the fleet waits, if it comes to that.
  const stuck = setTimeout(giveUp, stuckMs);
  const counts = { takenOver: 0, overtaken: 0, pages: 0, records: 0 };
  const harms = { kill: 0, stop: 0, join: 0 };
  const crew = createCrew(
    { origin, redisUrl, name, file, ratePerSecond, burst, lockMs, concurrency: CONCURRENCY, pagesPerTurn: 5 },
    hear,
    broken.reject,
  );

  try {
    await Promise.all(Array.from({ length: options.workers }, crew.hire));
    const startMs = performance.now();
    const idleBeforeMs = idleMs();
    await queue.addBulk(
      accounts.map((account) => ({
        name: 'sync',
        data: { account },
        // What the client could not get over, after all its retries.
        opts: { attempts: 20, backoff: { type: 'fixed', delay: 500 } },
      })),
    );
    await Promise.race([untilDone(queue, accounts.length), broken.promise]);
    const tookMs = performance.now() - startMs;
    const busyRatio = 1 - (idleMs() - idleBeforeMs) / (tookMs * cpus().length);
    // Whoever stood still has pages that come too late: they are to be judged, too.
    await crew.dismiss();
    const outcomes = accounts.map((account) => judge(account, provider, store));
    return { figures: figures(), outcomes, seconds: tookMs / 1_000, busyRatio };
  } finally {
    clearTimeout(stuck);
    await crew.disband();
    // Where Redis is away, that it remembers is no reason to wait for it.
    await Promise.race([forget(queue, redis), after(FORGET_MS, undefined, { ref: false })]).catch(() => {});
    redis.destroy();
    await close();
    store.close();
    rmSync(folder, { recursive: true });
  }

  function hear(message: WorkerMessage): void {
    if (message.type === 'taken-over') counts.takenOver += 1;
    if (message.type === 'overtaken') counts.overtaken += 1;
    if (message.type !== 'page') return;
    stuck.refresh();
    counts.pages += 1;
    counts.records += message.records;
    if (counts.pages % options.pagesBetweenHarms === 0) void harmNext();
    onProgress?.(figures());
  }

  function giveUp(): void {
    const { complete, pages, workers, requests, failed } = figures();
    const reached = `${complete} of ${accounts.length} accounts complete, ${pages} pages landed, ${workers} workers alive`;
    broken.reject(
      new Error(
        `No page has landed for ${stuckMs / 1_000} s: ${reached}, ${requests} requests, ${failed} of them failed`,
      ),
    );
  }

  async function harmNext(): Promise<void> {
    const next = options.harms[harms.kill + harms.stop + harms.join];
    if (next === undefined) return;
    harms[next] += 1;
    // Not always when a page has just landed.
    await after(Math.random() * 30);
    await crew.harm(next);
  }

  function figures(): FleetFigures {
    return { ...counts, ...provider.ledger.tally(), harms, workers: crew.size, complete: store.complete() };
  }
}

async function untilDone(queue: Queue, accounts: number): Promise<void> {
  for (;;) {
    const { completed, failed } = await queue.getJobCounts('completed', 'failed');
    if (failed) throw new Error((await queue.getFailed())[0]?.failedReason);
    if (completed === accounts) return;
    await after(50);
  }
}

/** Holds every record in the file against what the provider held while it was read. */
function judge(account: string, provider: Provider, store: Store): AccountOutcome {
  const verdict = provider.judge(account, store.deliveries(account));
  const { expected, delivered, lost, duplicated, invented, corrupted } = verdict;
  const wrong = invented.length + corrupted.length;
  return { account, expected, delivered, lost: lost.length, doubled: duplicated.length, wrong };
}

/** How long all processors together have had nothing to do since the machine started. */
function idleMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.idle, 0);
}

/** Leaves nothing in a Redis that may be somebody's. */
async function forget(queue: Queue, redis: Redis): Promise<void> {
  await queue.obliterate({ force: true });
  await queue.close();
  await redis.del([`${queue.name}:token:default`, `${queue.name}:bucket`]);
}
