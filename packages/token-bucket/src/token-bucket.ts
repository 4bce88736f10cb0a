/** The platform's `fetch`, or anything of its shape. */
export type Fetch = typeof globalThis.fetch;

/** Wraps one `fetch` in another. Policies nest: `outer(inner(fetch))`. */
export type Policy = (next: Fetch) => Fetch;

/** The size of the bucket, and where it stands. */
export interface TokenBucketOptions {
  /** Tokens that flow back per second. From 0.000_001 to 1_000_000. */
  readonly ratePerSecond: number;
  /** How many tokens the bucket holds, so how many may go at once after idle time. From 1 to 1_000_000. @defaultValue 1 */
  readonly burst?: number;
  /** How many tokens a request takes, from 0, which waits for nobody, to `burst`. @defaultValue `() => 1` */
  readonly weight?: (request: WeighedRequest) => number;
  /**
   * Takes tokens from a bucket that stands elsewhere, shared with other processes.
   * @defaultValue `memoryBucket()`, shared by whoever shares the policy
   */
  readonly acquire?: Acquire;
  /** Is told of every request that had to wait. */
  readonly onEvent?: (event: TokenBucketEvent) => void;
}

/** What is known of a request before it is sent. */
export interface WeighedRequest {
  /** Where it goes. */
  readonly url: URL;
  /** As it goes on the wire. */
  readonly method: string;
  /** As the caller gave it in `init`; the body inside a `Request` is not looked at. */
  readonly body: RequestInit['body'];
}

/** A request goes out after it had to wait for its tokens. */
export interface TokenBucketEvent {
  /** There is no other. */
  readonly type: 'waited';
  /** How many tokens it took. */
  readonly weight: number;
  /** For how long, in milliseconds. */
  readonly waitedMs: number;
}

/**
 * Takes tokens: settles once they are taken, and rejects with the signal's reason, none taken, as soon as it aborts.
 * Whatever else it rejects with reaches the caller. It is asked for one request at a time. What it resolves to, if
 * anything, gives the tokens back unused.
 */
export type Acquire = (tokens: AcquireRequest) => Promise<(() => void) | undefined>;

/** How many tokens, from which bucket. */
export interface AcquireRequest {
  /** Above 0, up to `burst`. */
  readonly weight: number;
  /** As in {@link TokenBucketOptions}. */
  readonly ratePerSecond: number;
  /** As in {@link TokenBucketOptions}. */
  readonly burst: number;
  /** Aborts when nobody waits for these tokens any more. */
  readonly signal?: AbortSignal;
}

/**
 * Keeps to a rate that is known beforehand: in any t seconds requests of at most `burst + ratePerSecond * t` tokens start.
 *
 * First come, first served: a light request never overtakes a heavy one. Who gives up leaves the queue at once, and
 * whatever was taken for them serves the next or goes back.
 *
 * @throws `RangeError` or `TypeError` when the policy is made, if an option is out of range or of the wrong type.
 * @throws `RangeError` when the request is made, if it weighs more than `burst`: it would wait for ever.
 */
export function tokenBucket(options: TokenBucketOptions): Policy {
  const { ratePerSecond, burst = 1, weight, acquire = memoryBucket(), onEvent } = options;
  requireNumbers('tokenBucket', { ratePerSecond }, 0.000_001, 1_000_000);
  requireNumbers('tokenBucket', { burst }, 1, 1_000_000);
  for (const [name, value] of Object.entries({ weight, acquire, onEvent })) {
    if (value === undefined || typeof value === 'function') continue;
    throw new TypeError(`tokenBucket: ${name} must be a function, got ${value}`);
  }

  const queue = new Set<Waiter>();
  /** For whom tokens are being taken: for the first in the queue, or for another of the same weight. */
  let asking: { readonly weight: number; readonly over: AbortController } | undefined;

  return (next) =>
    async function withTokenBucket(input, init) {
      // As it is now: whoever owns it may change it while this waits.
      if (input instanceof URL) input = input.href;
      // Where all weigh the same, nobody needs to look at the request.
      const tokens = weight ? weight({ url: urlOf(input), method: methodOf(input, init), body: init?.body }) : 1;
      if (weight) requireNumbers('tokenBucket', { weight: tokens }, 0, burst);
      if (tokens === 0) return next(input, init);

      const askedAt = performance.now();
      const signal = signalOf(input, init);
      const giveBack = await enter(tokens, signal);
      if (signal?.aborted) {
        giveBack?.();
        throw signal.reason;
      }
      const waitedMs = performance.now() - askedAt;
      if (waitedMs >= 1) notify(onEvent, { type: 'waited', weight: tokens, waitedMs });
      return next(input, init);
    };

  /** Waits for tokens; where they are there and nobody waits, they are taken before this returns. */
  function enter(weight: number, signal: AbortSignal | undefined): ReturnType<Acquire> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const waiter: Waiter = {
        weight,
        admit(giveBack) {
          leave();
          resolve(giveBack);
        },
        refuse(reason) {
          leave();
          reject(reason);
        },
      };
      queue.add(waiter);
      signal?.addEventListener('abort', abort, { once: true });
      void serve();

      function abort(): void {
        waiter.refuse(signal?.reason);
        const [first] = queue;
        if (first?.weight !== asking?.weight) asking?.over.abort(signal?.reason);
      }
      function leave(): void {
        queue.delete(waiter);
        signal?.removeEventListener('abort', abort);
      }
    });
  }

  /** One after the other, so that there is one timer however many wait. */
  async function serve(): Promise<void> {
    if (asking) return;
    for (const { weight } of queue) {
      const over = new AbortController();
      asking = { weight, over };
      try {
        const giveBack = await acquire({ weight, ratePerSecond, burst, signal: over.signal });
        const [first] = queue;
        if (first?.weight === weight) first.admit(giveBack);
        else giveBack?.();
      } catch (error) {
        const [first] = queue;
        if (!over.signal.aborted) first?.refuse(error);
      }
    }
    asking = undefined;
  }
}

/** A bucket of this process, full at first. */
export function memoryBucket(): Acquire {
  const take = countTokens({ startsFull: true });
  return async function takeFromMemory(tokens) {
    for (;;) {
      const turn = take(tokens);
      if (typeof turn === 'function') return turn;
      await sleep(Math.min(turn, LONGEST_TIMER_MS), tokens.signal);
    }
  };
}

/** What gives back the tokens that were taken or, where none were, after how many milliseconds to ask again. */
export type Turn = (() => void) | number;

/**
 * Counts the tokens of a bucket, at once: between looking and taking nobody else comes in. A request heavier than the
 * bucket waits until that is full, and is paid off afterwards.
 */
export function countTokens({ startsFull }: { readonly startsFull: boolean }): (tokens: AcquireRequest) => Turn {
  /** When it is full again if nothing more is taken: all there is to know of a bucket. */
  let fullAt: number | undefined;

  return function take({ weight, ratePerSecond, burst }) {
    const toMs = (tokens: number) => (tokens / ratePerSecond) * 1_000;
    const now = performance.now();
    fullAt = Math.max(now, fullAt ?? (startsFull ? now : now + toMs(burst)));
    const waitMs = Math.ceil(fullAt - toMs(Math.max(0, burst - weight)) - now - ROUNDING_MS);
    if (waitMs > 0) return waitMs;
    fullAt += toMs(weight);
    return function giveBack() {
      // What flowed in since may have been thanks to the tokens that were missing.
      fullAt! -= Math.max(0, toMs(weight) - (performance.now() - now));
    };
  };
}

/** Somebody in the queue. */
interface Waiter {
  readonly weight: number;
  admit(giveBack: Awaited<ReturnType<Acquire>>): void;
  refuse(reason: unknown): void;
}

/** Less than any clock could show, more than floating point can lose. */
const ROUNDING_MS = 1e-6;

function requireNumbers(policy: string, options: Record<string, number>, least: number, most: number): void {
  for (const [name, value] of Object.entries(options)) {
    if (typeof value === 'number' && value >= least && value <= most) continue;
    throw new RangeError(`${policy}: ${name} must be ${least} to ${most}, got ${value}`);
  }
}

/** Waits, or rejects with the signal's own reason as soon as it aborts; leaves no timer and no listener behind. */
function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(settle, ms);
    signal?.addEventListener('abort', settle, { once: true });

    function settle(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', settle);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    }
  });
}

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

/** A longer delay overflows the platform's timer, which then fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
