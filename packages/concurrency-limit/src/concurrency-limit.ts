/** The platform's `fetch`, or anything of its shape. */
export type Fetch = typeof globalThis.fetch;

/** Wraps one `fetch` in another. Policies nest: `outer(inner(fetch))`. */
export type Policy = (next: Fetch) => Fetch;

/** How many requests, and for how long each of them counts. */
export interface ConcurrencyLimitOptions {
  /**
   * How many may be in flight at once: a whole number from 1, or `'adaptive'`, which starts with one and finds the
   * number by itself, up to 1,000.
   */
  readonly max: number | 'adaptive';
  /**
   * Until when a request is in flight: until its `'headers'` are there, or until its `'body'` was read or cancelled. The
   * latter needs every body to be, or places stay taken until the garbage collector finds the response.
   * @defaultValue `'headers'`
   */
  readonly hold?: 'headers' | 'body';
  /** Is told of every request that had to wait, and of every change of an adaptive limit. */
  readonly onEvent?: (event: ConcurrencyLimitEvent) => void;
}

/** What happens to requests and to the limit. */
export type ConcurrencyLimitEvent =
  /** A request goes out after it had to wait. */
  | { readonly type: 'waited'; readonly waitedMs: number }
  /** An adaptive limit is another: the server refused, became slow, or keeps up. */
  | { readonly type: 'limit'; readonly limit: number; readonly because: 'refused' | 'slow' | 'keeps-up' };

/**
 * Keeps so many requests in flight and no more, first come, first served.
 *
 * An abort frees the place, or the place in the queue, at once. The adaptive limit grows by one a round while answers
 * keep up, falls to seven tenths on a 429, 503, 529 or `TimeoutError`, and to what was answered without queueing when
 * answers take more than twice as long as they did at best. It learns only from requests that filled it.
 *
 * @throws `RangeError` or `TypeError` when the policy is made, if an option is not what it must be.
 */
export function concurrencyLimit(options: ConcurrencyLimitOptions): Policy {
  const { max, hold = 'headers', onEvent } = options;
  if (max !== 'adaptive' && !(Number.isInteger(max) && max >= 1)) {
    throw new RangeError(`concurrencyLimit: max must be a whole number from 1, or 'adaptive', got ${max}`);
  }
  if (hold !== 'headers' && hold !== 'body') {
    throw new RangeError(`concurrencyLimit: hold must be 'headers' or 'body', got ${hold}`);
  }
  if (onEvent !== undefined && typeof onEvent !== 'function') {
    throw new TypeError(`concurrencyLimit: onEvent must be a function, got ${onEvent}`);
  }

  const limit = max === 'adaptive' ? adaptiveLimit(onEvent) : { size: () => max, began: undefined };
  /** Who waits, by number: it takes long to find the first of a `Map` that has lost many. */
  const queue = new Map<number, () => void>();
  let lastNumber = 0;
  let nextNumber = 1;
  let inFlight = 0;
  /** Bodies that nobody can read any more, since nobody holds them. */
  const lost = new FinalizationRegistry<() => void>((giveUp) => giveUp());

  return (next) =>
    async function withConcurrencyLimit(input, init) {
      if (input instanceof URL) input = input.href; // Its owner may change it while this waits.
      const askedAt = performance.now();
      const signal = signalOf(input, init);
      const hasWaited = await enter(signal);
      const leave = occupy(signal);
      if (signal?.aborted) throw signal.reason;
      if (hasWaited) notify(onEvent, { type: 'waited', waitedMs: performance.now() - askedAt });

      const ended = limit.began?.(inFlight);
      try {
        const response = await next(input, init);
        ended?.(response.status);
        admitAll(); // The limit may have grown.
        if (hold === 'body' && response.body) return untilRead(response, leave);
        leave();
        return response;
      } catch (error) {
        ended?.(Object(error).name === 'TimeoutError' && !signal?.aborted ? 'late' : undefined);
        leave();
        throw error;
      }
    };

  /** Takes a place, at once if there is one and nobody waits for it. Resolves to whether it had to wait. */
  function enter(signal: AbortSignal | undefined): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (inFlight < limit.size() && queue.size === 0) {
        inFlight += 1;
        return resolve(false);
      }
      lastNumber += 1;
      const number = lastNumber;
      queue.set(number, admit);
      signal?.addEventListener('abort', abort, { once: true });

      function admit(): void {
        stopWaiting();
        inFlight += 1;
        resolve(true);
      }
      function abort(): void {
        stopWaiting();
        reject(signal?.reason);
      }
      function stopWaiting(): void {
        queue.delete(number);
        signal?.removeEventListener('abort', abort);
      }
    });
  }

  /** Holds a place that was entered, until what this returns is called or the signal aborts. */
  function occupy(signal: AbortSignal | undefined): () => void {
    let isHeld = true;
    signal?.addEventListener('abort', leave, { once: true });
    if (signal?.aborted) leave();
    return leave;

    function leave(): void {
      if (!isHeld) return;
      isHeld = false;
      signal?.removeEventListener('abort', leave);
      inFlight -= 1;
      admitAll();
    }
  }

  /** Lets in, first come, first served, whom there is a place for. */
  function admitAll(): void {
    for (; queue.size > 0 && inFlight < limit.size(); nextNumber += 1) queue.get(nextNumber)?.();
  }

  /** The same response, which leaves once its body was read, cancelled, broken or lost. */
  function untilRead(response: Response, leave: () => void): Response {
    const reader = response.body!.getReader();
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        async pull(controller) {
          try {
            const { value, done } = await reader.read();
            if (!done) return controller.enqueue(value);
            controller.close();
          } catch (error) {
            controller.error(error);
          }
          leave();
        },
        cancel(reason) {
          leave();
          return reader.cancel(reason);
        },
      },
      { highWaterMark: 0 },
    );
    lost.register(body, () => {
      leave();
      reader.cancel().catch(() => {});
    });
    const { headers, status } = response;
    return likeness(new Response(body, { headers, status: Math.min(status, 599) }), response);
  }
}

/** The limit that grows by addition and shrinks by multiplication. */
function adaptiveLimit(onEvent: ConcurrencyLimitOptions['onEvent']) {
  let limit = 1;
  let isSearching = true;
  /** How long answers take, and how long when nothing queues: the least of all rounds' medians. */
  const found = { tookMs: [] as number[], floorMs: Number.POSITIVE_INFINITY };
  /** What says no takes a time of its own. */
  const denied = { ...found, tookMs: [] };
  let begun = 0;
  /** What begins from here on is judged; what began under another limit tells nothing about this one. */
  let roundBegins = 0;

  return { size: () => Math.floor(limit), began };

  /** A request begins; what is returned is told its status, `'late'`, or `undefined` where it tells nothing. */
  function began(inFlight: number): (outcome: number | 'late' | undefined) => void {
    const index = begun;
    const startedAt = performance.now();
    const isFull = inFlight >= Math.floor(limit);
    begun += 1;

    return function ended(outcome) {
      if (index < roundBegins || outcome === undefined) return;
      const round = Number(outcome) < 400 ? found : DENIALS.has(outcome) && denied;
      // However few were in flight, fewer would have been better.
      if (REFUSALS.has(outcome)) change(Math.min(limit, inFlight) * 0.7, 'refused');
      else if (isFull && round) {
        round.tookMs.push(performance.now() - startedAt);
        if (round.tookMs.length >= Math.max(FEWEST_SAMPLES, Math.floor(limit))) judge(round);
      }
    };
  }

  function judge(round: typeof found): void {
    const { tookMs } = round;
    const medianMs = tookMs.sort((a, b) => a - b)[tookMs.length >> 1]!;
    // Alone, a request queues behind none of ours: however long that takes is what the server needs by now.
    const knownMs = limit < 2 ? Number.POSITIVE_INFINITY : round.floorMs;
    // What takes no time took less than the clock can tell, which is none to measure others by.
    const floorMs = Math.min(knownMs, medianMs || Number.POSITIVE_INFINITY);
    round.floorMs = floorMs;
    if (medianMs > 2 * floorMs) change((limit * 0.9 * floorMs) / medianMs, 'slow');
    else change(isSearching ? limit * 2 : limit + 1, 'keeps-up');
  }

  function change(to: number, because: 'refused' | 'slow' | 'keeps-up'): void {
    const before = Math.floor(limit);
    limit = Math.min(Math.max(to, 1), MOST_IN_FLIGHT);
    if (because !== 'keeps-up') isSearching = false;
    roundBegins = begun;
    found.tookMs = [];
    denied.tookMs = [];
    if (Math.floor(limit) !== before) notify(onEvent, { type: 'limit', limit: Math.floor(limit), because });
  }
}

/** Answers that were looked up like any other, and say no. */
const DENIALS: ReadonlySet<unknown> = new Set([404, 409, 410, 412, 422]);
/** Answers that say there were too many requests. */
const REFUSALS: ReadonlySet<unknown> = new Set([429, 503, 529, 'late']);
/** Fewer would make the median of a round a matter of luck. */
const FEWEST_SAMPLES = 20;
const MOST_IN_FLIGHT = 1_000;

/** Gives a response what only `fetch` can give it, and its clones too: no other takes status 999, or a phrase in UTF-8. */
function likeness(copy: Response, { url, redirected, type, status, statusText }: Response): Response {
  const own = { url, redirected, type, status, statusText };
  for (const [name, value] of Object.entries(own)) Object.defineProperty(copy, name, { value });
  const clone = () => likeness(Response.prototype.clone.call(copy), copy);
  return Object.defineProperty(copy, 'clone', { value: clone });
}

/** The caller's signal as `fetch` sees it: an explicit `null` detaches a `Request` from its own. */
function signalOf(input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): AbortSignal | undefined {
  const own = (input as Partial<Request>).signal;
  return (init?.signal === undefined ? own : init.signal) ?? undefined;
}

/** Tells the observer. What goes wrong there, at once or later, is not the request's failure. */
function notify<Event>(onEvent: ((event: Event) => void) | undefined, event: Event): void {
  (async () => onEvent?.(event))().catch(() => {});
}
