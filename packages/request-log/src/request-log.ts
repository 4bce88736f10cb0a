/** The platform's `fetch`, or anything of its shape. */
export type Fetch = typeof globalThis.fetch;

/** Wraps one `fetch` in another. Policies nest: `outer(inner(fetch))`. */
export type Policy = (next: Fetch) => Fetch;

/** One attempt, without headers, bodies, credentials, query string or error message. */
export interface RequestRecord {
  /** When it was sent, in epoch milliseconds. */
  readonly sentAt: number;
  /** Upper case. */
  readonly method: string;
  /** Scheme, host and port. */
  readonly origin: string;
  /** As the option `path` makes it. */
  readonly path: string;
  /** `undefined` if no answer came. */
  readonly status: number | undefined;
  /** The name of what was thrown, never its message; `undefined` if an answer came. */
  readonly error: string | undefined;
  /** Until the response headers were there, or the attempt had failed. */
  readonly durationMs: number;
  /** The how-manieth call through {@link RequestLog.numbered}, from 1; `undefined` outside one. */
  readonly call: number | undefined;
  /** The how-manieth attempt of that call, from 1; `undefined` where nobody can know. */
  readonly attempt: number | undefined;
  /** The tightest limit that the answer announced. */
  readonly rateLimit: RateLimitState | undefined;
}

/** Where a quota stands. */
export interface RateLimitState {
  /** What is left of it. */
  readonly remaining: number;
  /** The whole of it, if that was said. */
  readonly limit?: number | undefined;
}

/** How attempts went that ended lately. */
export interface RequestFigures {
  /** How many there were, less those that their caller aborted. */
  readonly requests: number;
  /** The share that got no answer or a 5xx, from 0 to 1; 0 without requests. */
  readonly errorRatio: number;
  /** How many were answered 429. */
  readonly throttled: number;
  /** Throughput. */
  readonly perSecond: number;
  /** Half took at most this long; within 1 %, as all three; `undefined` without requests. */
  readonly p50Ms: number | undefined;
  /** 95 of 100 took at most this long. */
  readonly p95Ms: number | undefined;
  /** 99 of 100 took at most this long. */
  readonly p99Ms: number | undefined;
}

/** Where records go, and what is in them. */
export interface RequestLogOptions {
  /** Is handed each record as soon as the attempt is over. Is not waited for, and its failures are its own affair. */
  readonly sink?: (record: RequestRecord) => void;
  /** Writes a path. By default a part of 20 or more characters that is no number, UUID or words becomes `*`. */
  readonly path?: (url: URL) => string;
  /** Reads an answer's limits, as `readRateLimits` of `adaptive-throttle` does. By default `…limit…remaining…` headers. */
  readonly rateLimits?: (headers: Headers) => Iterable<RateLimitState>;
  /** How far back the figures go, to within a tenth, in milliseconds. From 10. @defaultValue 60_000 */
  readonly windowMs?: number;
}

/** The policy, its figures, and the outer half that numbers attempts. */
export interface RequestLog extends Policy {
  /** Marks what is sent for one call. Stands outside of what retries: `log.numbered(backoff()(log(fetch)))`. */
  numbered(next: Fetch): Fetch;
  /** The figures now. */
  figures(): RequestFigures;
}

/**
 * Puts down each attempt in one record without secrets, and keeps running figures in constant memory.
 *
 * Stands inside of what retries, next to `fetch`. It does not guess which attempts belong together: neither a URL nor a
 * signal nor an `init` tells, since calls may share them and policies copy them. {@link RequestLog.numbered} marks a
 * call with a symbol in `init`, which `fetch` ignores and every policy passes on.
 *
 * Durations are counted in buckets, each 2 % wider than the one before. A percentile is the middle of the bucket that
 * holds the exact one (the ⌈p·n⌉th smallest), and so at most 1 % off between 0.1 ms and an hour; what is shorter or
 * longer counts as that. An attempt that its caller aborted gets a record, but no place in the figures.
 *
 * @throws `TypeError` or `RangeError` when the policy is made, for an option that cannot be.
 */
export function requestLog(options: RequestLogOptions = {}): RequestLog {
  const { sink, path = withoutTokens, rateLimits = announcedLimits, windowMs = 60_000 } = options;
  for (const [name, value] of Object.entries({ sink, path, rateLimits })) {
    if (value === undefined || typeof value === 'function') continue;
    throw new TypeError(`requestLog: ${name} must be a function, got ${typeof value}`);
  }
  if (!Number.isFinite(windowMs) || windowMs < 10) {
    throw new RangeError(`requestLog: windowMs must be a number from 10, got ${windowMs}`);
  }
  const mark = Symbol('call');
  const window = slidingWindow(windowMs / SLOTS);
  let calls = 0;

  const policy: Policy = (next) =>
    async function withRequestLog(input, init) {
      const numbers = (init as { [mark]?: { call: number; attempt: number } } | undefined)?.[mark];
      if (numbers) numbers.attempt += 1;
      const { call, attempt } = numbers ?? {};
      const [url, signal] = [absoluteUrl(input), signalOf(input, init)]; // Later they may be another request's.
      const asked = { sentAt: Date.now(), method: methodOf(input, init), origin: url?.origin ?? 'null', call, attempt };
      const startMs = performance.now();

      let response: Response | undefined;
      let error: string | undefined;
      try {
        response = await next(input, init);
        return response;
      } catch (thrown) {
        error = String(Object(thrown).name);
        throw thrown;
      } finally {
        const durationMs = performance.now() - startMs;
        const status = response?.status;
        const isGivenUp = !response && signal?.aborted && Object(signal.reason).name !== 'TimeoutError';
        if (!isGivenUp) window.add(durationMs, status);
        notify((asked) => {
          const rateLimit = response && tightest(rateLimits(response.headers));
          const shown = url && url.protocol !== 'data:' ? path(url) : ''; // What follows `data:` is a body.
          return sink?.({ ...asked, path: shown, status, error, durationMs, rateLimit });
        }, asked);
      }
    };

  return Object.assign(policy, {
    numbered: (next: Fetch): Fetch =>
      async function withNumbers(input, init) {
        calls += 1;
        // `fetch` takes a Request for an `init`, too. No spread copies what it holds.
        if (init instanceof Request) [input, init] = [new Request(input, init), undefined];
        return next(input, { ...init, [mark]: { call: calls, attempt: 0 } } as Parameters<Fetch>[1]);
      },
    figures: window.figures,
  });
}

/** Counts in slots that are used in turn, so that what is too old goes a slot at a time. */
function slidingWindow(slotMs: number) {
  const madeAtMs = performance.now();
  const slots = Array.from({ length: SLOTS }, () => emptySlot(-1));

  return {
    add(durationMs: number, status: number | undefined): void {
      const turn = Math.floor(performance.now() / slotMs);
      const slot = slots[turn % SLOTS]?.turn === turn ? slots[turn % SLOTS]! : emptySlot(turn);
      slots[turn % SLOTS] = slot;
      slot.requests += 1;
      if (status === undefined || status >= 500) slot.errors += 1;
      if (status === 429) slot.throttled += 1;
      slot.counts[bucketOf(durationMs)]! += 1;
    },

    figures(): RequestFigures {
      const now = performance.now();
      const all = emptySlot(Math.floor(now / slotMs) - SLOTS + 1);
      for (const slot of slots) {
        if (slot.turn < all.turn) continue;
        all.requests += slot.requests;
        all.errors += slot.errors;
        all.throttled += slot.throttled;
        for (const [bucket, count] of slot.counts.entries()) all.counts[bucket]! += count;
      }
      const { requests, errors, throttled } = all;
      const watchedMs = Math.max(1, now - Math.max(madeAtMs, all.turn * slotMs));
      const [p50Ms, p95Ms, p99Ms] = [50, 95, 99].map((percent) => percentile(percent, all));
      const perSecond = (requests / watchedMs) * 1_000;
      return { requests, errorRatio: errors / (requests || 1), throttled, perSecond, p50Ms, p95Ms, p99Ms };
    },
  };
}

function emptySlot(turn: number) {
  return { turn, requests: 0, errors: 0, throttled: 0, counts: new Uint32Array(bucketOf(LONGEST_MS) + 1) };
}

/** The first bucket ends at the shortest duration, each other one a step above the one before. */
function bucketOf(durationMs: number): number {
  const ms = Math.min(Math.max(durationMs, SHORTEST_MS), LONGEST_MS);
  return Math.ceil(Math.log(ms / SHORTEST_MS) / Math.log(STEP));
}

function percentile(percent: number, { requests, counts }: ReturnType<typeof emptySlot>): number | undefined {
  let bucket = -1;
  for (let left = Math.ceil((requests * percent) / 100); left > 0; left -= counts[bucket]!) bucket += 1;
  // Equally far, in proportion, from both ends of the bucket.
  return bucket < 0 ? undefined : (SHORTEST_MS * STEP ** bucket * 2) / (1 + STEP);
}

/** A relative URL that a `fetch` further in makes whole has the origin `null`; one that cannot be read is `null`. */
function absoluteUrl(input: Parameters<Fetch>[0]): URL | null {
  const { document, location } = globalThis as { document?: { baseURI: string }; location?: { href: string } };
  const base = document?.baseURI ?? location?.href ?? 'relative:/';
  return URL.parse(String((input as Partial<Request>).url ?? input), base);
}

/** Webhooks and bots carry their secret in the path. */
function withoutTokens({ pathname }: URL): string {
  return pathname.replace(/[^/]{20,}/g, (part) => (WORDS.test(part) || UUID.test(part) ? part : '*'));
}

function announcedLimits(headers: Headers): RateLimitState[] {
  // No `limit.*remaining`: a name of thousands of limits would take it a tenth of a second.
  const announced = [...headers].filter(([name]) => name.split('limit').slice(1).join().includes('remaining'));
  return announced.flatMap(([name, value]) => {
    const texts = [value, headers.get(name.replace('remaining', 'limit')) ?? ''];
    const [remaining, limit] = texts.map((text) => NUMBER.exec(text)?.map(Number)[0]);
    return remaining === undefined ? [] : { remaining, limit };
  });
}

/** The one with the smallest share left. */
function tightest(states: Iterable<RateLimitState>): RateLimitState | undefined {
  const share = ({ remaining, limit }: RateLimitState): number => remaining / (limit || 1);
  const [first] = [...states].sort((one, other) => share(one) - share(other));
  return first && { remaining: first.remaining, limit: first.limit };
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;
/** No letters, no digits and something between words, or words as in `getChatAdministrators` or all in capitals. */
const WORDS = /^(?:[^a-zA-Z]+|[a-zA-Z]*[^a-zA-Z\d]\D*|[a-z]*(?:[A-Z][a-z]{2,})*|[A-Z]+)$/;
/** The first, where a header came twice. */
const NUMBER = /^-?\d+(?:\.\d+)?(?=[,;]|$)/;
const SLOTS = 10;
const SHORTEST_MS = 0.1;
const LONGEST_MS = 3_600_000;
const STEP = 1.02;

/** The caller's signal as `fetch` sees it: an explicit `null` detaches a `Request` from its own. */
function signalOf(input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): AbortSignal | undefined {
  const own = (input as Partial<Request>).signal;
  return (init?.signal === undefined ? own : init.signal) ?? undefined;
}

/** The method as it goes on the wire. */
function methodOf(input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): string {
  return (init?.method ?? (input as Partial<Request>).method ?? 'GET').toUpperCase();
}

/** Tells the observer. What goes wrong there, at once or later, is not the request's failure. */
function notify<Event>(onEvent: ((event: Event) => void) | undefined, event: Event): void {
  (async () => onEvent?.(event))().catch(() => {});
}
