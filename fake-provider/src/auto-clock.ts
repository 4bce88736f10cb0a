import type { Clock } from './clock.ts';

/** A clock that owns the platform's timers: where nothing else is left to do, it jumps to the next one. */
export interface AutoClock extends Clock, Disposable {
  /** Gives the timers back to the platform. */
  stop(): void;
}

/**
 * Makes an hour of waiting take no time, in this process: it replaces `setTimeout`, `setInterval`, `Date` and
 * `performance` until it is stopped. Sockets know nothing of it: use it with `provider.fetch`.
 *
 * Needs `@sinonjs/fake-timers`, which is loaded only here. A test runner with fake timers of its own does as well: under
 * them the real clock is enough.
 *
 * @param startMs - Epoch milliseconds at which it begins; now, if left out.
 */
export async function autoClock(startMs: number = Date.now()): Promise<AutoClock> {
  const { install } = await import('@sinonjs/fake-timers').catch((cause: unknown) => {
    throw new Error('autoClock needs @sinonjs/fake-timers: install it beside the provider', { cause });
  });
  const timers = install({
    now: startMs,
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
  });
  timers.setTickMode({ mode: 'nextAsync' });
  const stop = (): void => {
    timers.setTickMode({ mode: 'manual' });
    timers.uninstall();
  };
  return { now: () => timers.now, stop, [Symbol.dispose]: stop };
}
