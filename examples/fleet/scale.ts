import { accountsOf } from './accounts.ts';
import { CONCURRENCY, runFleet } from './run.ts';

/** How fast so many workers are. */
export interface Throughput {
  readonly workers: number;
  readonly pagesPerSecond: number;
  readonly recordsPerSecond: number;
  /** How much that is of what the answers' latency lets through. */
  readonly ofMostRatio: number;
  /** How busy the processors were, with the provider and with whatever else ran. */
  readonly busyRatio: number;
}

/** How long each answer takes, as over a real network. */
export const LATENCY_MS = 100;

/** More than this one worker cannot read. */
export const MOST_PAGES_PER_SECOND: number = CONCURRENCY / (LATENCY_MS / 1_000);

/** Has so many workers do the same work undisturbed, with a quota that nobody reaches. */
export async function measureThroughput(redisUrl: string, workers: number): Promise<Throughput> {
  const { figures, seconds, busyRatio } = await runFleet({
    redisUrl,
    workers,
    ratePerSecond: 10_000,
    burst: 1_000,
    lockMs: 30_000,
    harms: [],
    pagesBetweenHarms: 1,
    provider: {
      latency: { minMs: LATENCY_MS, maxMs: LATENCY_MS },
      resources: accountsOf(Array.from({ length: 32 }, () => 500)),
    },
  });
  return {
    workers,
    pagesPerSecond: figures.pages / seconds,
    recordsPerSecond: figures.records / seconds,
    ofMostRatio: figures.pages / seconds / (workers * MOST_PAGES_PER_SECOND),
    busyRatio,
  };
}
