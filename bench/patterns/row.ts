import { randomNormal } from 'd3-random';
import type { Retry, Send } from './retriers.ts';
import { inVirtualTime, sleep } from './virtual-time.ts';

/** What came of it when everybody wrote the row once. */
export interface Contention {
  /** Writes that were tried. */
  readonly calls: number;
  /** Until the last one was done. */
  readonly tookMs: number;
}

/**
 * The model of AWS' backoff simulator (github.com/aws-samples/aws-arch-backoff-simulator): one row with a version, which
 * each client reads and then writes once; a write is refused if somebody else's came between. Each way through the
 * network takes N(10, 2) ms.
 */
export function contend(clients: number, seed: number, make: () => Retry): Promise<Contention> {
  return inVirtualTime(seed, async () => {
    const wayMs = randomNormal.source(Math.random)(10, 2);
    /** Timers know whole milliseconds only. */
    const travel = (ways: number) =>
      sleep(Math.round(Array.from({ length: ways }, wayMs).reduce((sum, ms) => sum + Math.abs(ms), 0)));
    const startMs = performance.now();
    let version = 0;
    let calls = 0;
    const update: Send = async () => {
      await travel(1);
      const seen = version;
      await travel(2);
      calls += 1;
      const isFirst = seen === version;
      if (isFirst) version += 1;
      await travel(1);
      return new Response(null, { status: isFirst ? 200 : 503 });
    };
    await Promise.all(Array.from({ length: clients }, () => make()(update)));
    return { calls, tookMs: performance.now() - startMs };
  });
}

const BASE_MS = 5;
const CAP_MS = 2_000;
const exponential = (attempt: number): number => Math.min(CAP_MS, BASE_MS * 2 ** attempt);

/** The simulator's own ways to wait, as a loop. */
export const published: Readonly<Record<string, () => Retry>> = {
  'no backoff': () => waiting(() => 0),
  'plain exponential': () => waiting(exponential),
  'equal jitter': () => waiting((attempt) => (exponential(attempt) / 2) * (1 + Math.random())),
  'full jitter': () => waiting((attempt) => exponential(attempt) * Math.random()),
  'decorrelated jitter': () => {
    let sleptMs = BASE_MS;
    return waiting(() => {
      sleptMs = Math.min(CAP_MS, BASE_MS + Math.random() * (sleptMs * 3 - BASE_MS));
      return sleptMs;
    });
  },
};

/** Sends until it worked; waits so long after the attempt-th failure. */
function waiting(waitMs: (attempt: number) => number): Retry {
  return async (send) => {
    for (let attempt = 1; !(await send()).ok; attempt += 1) await sleep(waitMs(attempt));
  };
}
