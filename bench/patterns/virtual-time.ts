import { install } from '@sinonjs/fake-timers';
import { randomLcg } from 'd3-random';

const EPOCH_MS = Date.UTC(2026, 0, 1);
/** The platform's own, whoever owns the others. */
const { setImmediate } = globalThis;

/**
 * Does some work in time that jumps from one timer to the next, and with chance that comes from a seed: an hour takes
 * seconds, and the same seed always makes the same hour. Only what the work waits for passes; it has no sockets.
 */
export async function inVirtualTime<Result>(seed: number, work: () => Promise<Result>): Promise<Result> {
  const clock = install({
    now: EPOCH_MS,
    // Effect's fibers yield by immediates; were those real, time would run on before a fiber had its turn.
    toFake: [
      ...(['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate'] as const),
      ...(['Date', 'performance', 'hrtime'] as const),
    ],
  });
  const { setTimeout } = globalThis;
  // As Node does; without, whoever waits for less than a millisecond does so for ever.
  const atLeastOneMs = (callback: () => void, ms = 1, ...args: unknown[]) =>
    setTimeout(callback, Math.max(1, ms), ...args);
  globalThis.setTimeout = atLeastOneMs as typeof setTimeout;
  const { random } = Math;
  Math.random = randomLcg(seed);
  let isOver = false;
  try {
    const result = work().finally(() => {
      isOver = true;
    });
    result.catch(() => {});
    for (;;) {
      // All that the last timer set off goes on until it waits for time.
      await new Promise((resolve) => void setImmediate(resolve));
      if (isOver) return await result;
      if (clock.countTimers() === 0) throw new Error('The work waits for nothing that could come');
      clock.next();
    }
  } finally {
    Math.random = random;
    clock.uninstall();
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
