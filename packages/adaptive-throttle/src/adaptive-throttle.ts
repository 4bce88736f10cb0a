import { type AdaptiveThrottleEvent, type Lane, openLane } from './adaptive-throttle/lane.ts';
import type { RateLimit } from './adaptive-throttle/rate-limits.ts';

export { type AdaptiveThrottleEvent, QuotaExhaustedError } from './adaptive-throttle/lane.ts';
export { type RateLimit, readRateLimits } from './adaptive-throttle/rate-limits.ts';

/** The platform's `fetch`, or anything of its shape. */
export type Fetch = typeof globalThis.fetch;

/** Wraps one `fetch` in another. Policies nest: `outer(inner(fetch))`. */
export type Policy = (next: Fetch) => Fetch;

/** All may be left out. */
export interface AdaptiveThrottleOptions {
  /**
   * Which quota a request counts against; keys never wait for each other. The 1,000 last used are kept. It appears in
   * events, so make none from a token. @defaultValue the URL's origin
   */
  readonly key?: (request: { readonly url: URL; readonly method: string }) => string;
  /**
   * Reads limits the throttle does not know by itself. To look into the body, read a `response.clone()`, made before
   * the first `await`. @defaultValue none
   */
  readonly read?: (response: Response) => Iterable<RateLimit> | undefined | Promise<Iterable<RateLimit> | undefined>;
  /** How far away a reset may be to be waited for, in milliseconds from 0; what is farther rejects. @defaultValue 900_000 */
  readonly maxWaitMs?: number;
  /** From 0 to 1: spreads the return after a refusal, so that processes do not return as one. @defaultValue `Math.random` */
  readonly random?: () => number;
  /** Is told what the throttle does. */
  readonly onEvent?: (event: AdaptiveThrottleEvent) => void;
}

/**
 * Slows down before the 429, by the limits that responses announce; where none does, by trial.
 *
 * Full speed while more than a fifth of a quota is left, then evenly spread until it resets. Requests in flight count
 * as spent. Callers go first come, first served. Before the first answer one request a second goes out, then twice as
 * many with each round trip.
 *
 * @throws `TypeError` or `RangeError` when the policy is made, if an option is not what it must be.
 * @throws {@link QuotaExhaustedError} when a request is made, if its quota is spent for longer than `maxWaitMs`.
 */
export function adaptiveThrottle(options: AdaptiveThrottleOptions = {}): Policy {
  const { key = ({ url }) => url.origin, read, maxWaitMs = 900_000, random = Math.random, onEvent } = options;
  for (const [name, value] of Object.entries({ key, read, random, onEvent })) {
    if (value !== undefined && typeof value !== 'function') {
      throw new TypeError(`adaptiveThrottle: ${name} must be a function, got ${value}`);
    }
  }
  if (typeof maxWaitMs !== 'number' || !(maxWaitMs >= 0)) {
    throw new RangeError(`adaptiveThrottle: maxWaitMs must be 0 or more, got ${maxWaitMs}`);
  }

  const lanes = new Map<string, Lane>();
  const tell = (event: AdaptiveThrottleEvent) => notify(onEvent, event);

  return (next) =>
    async function withAdaptiveThrottle(input, init) {
      // Its owner may use it again while this waits.
      if (input instanceof URL) input = input.href;
      const name = key({ url: urlOf(input), method: methodOf(input, init) });
      const signal = signalOf(input, init);
      const lane = laneOf(name);

      const slot = await lane.enter(signal);
      if (signal?.aborted) {
        lane.leave(slot);
        throw signal.reason;
      }

      try {
        const response = await next(input, init);
        void lane.answered(slot, response);
        return response;
      } catch (error) {
        if (NOT_SENT.has(Object(error).name)) lane.leave(slot);
        else lane.lost();
        throw error;
      }
    };

  function laneOf(name: string): Lane {
    const lane = lanes.get(name) ?? openLane(name, { read, maxWaitMs, random, tell });
    lanes.delete(name);
    for (const [other, { isIdle }] of lanes) {
      if (lanes.size < MOST_LANES) break;
      if (isIdle()) lanes.delete(other);
    }
    lanes.set(name, lane);
    return lane;
  }
}

const MOST_LANES = 1_000;
/** What policies further in throw instead of sending. */
const NOT_SENT = new Set(['CircuitOpenError', 'QuotaExhaustedError', 'TokenRequestError']);

/** The caller's signal as `fetch` sees it: an explicit `null` detaches a `Request` from its own. */
function signalOf(input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): AbortSignal | undefined {
  const own = (input as Partial<Request>).signal;
  return (init?.signal === undefined ? own : init.signal) ?? undefined;
}

/** The method as it goes on the wire. */
function methodOf(input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): string {
  return (init?.method ?? (input as Partial<Request>).method ?? 'GET').toUpperCase();
}

/** The request's URL; a relative one resolves against the page, where there is one. */
function urlOf(input: Parameters<Fetch>[0]): URL {
  const { document, location } = globalThis as { document?: { baseURI: string }; location?: { href: string } };
  return new URL(String((input as Partial<Request>).url ?? input), document?.baseURI ?? location?.href);
}

/** Tells the observer. What goes wrong there, at once or later, is not the request's failure. */
function notify<Event>(onEvent: ((event: Event) => void) | undefined, event: Event): void {
  (async () => onEvent?.(event))().catch(() => {});
}
