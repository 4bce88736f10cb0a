/** The platform's `fetch`, or anything of its shape. */
export type Fetch = typeof globalThis.fetch;

/** Wraps one `fetch` in another. Policies nest: `outer(inner(fetch))`. */
export type Policy = (next: Fetch) => Fetch;

/** How often, how late and how much is retried. */
export interface BackoffOptions {
  /** How often a request is sent at most, the first time included. A whole number from 1. @defaultValue 4 */
  readonly attempts?: number;
  /** The first wait is random below this many milliseconds, then below twice as many… From 1. @defaultValue 250 */
  readonly baseMs?: number;
  /** No random wait is longer, in milliseconds, alone or on top. From 1 to 2_147_483_647. @defaultValue 20_000 */
  readonly capMs?: number;
  /** A server that asks for longer gets no retry, in milliseconds. 0 to 2_147_483_647. @defaultValue 120_000 */
  readonly maxRetryAfterMs?: number;
  /** No wait ends later after the call began, in milliseconds. From 1. @defaultValue 2_147_483_647, the most */
  readonly totalMs?: number;
  /**
   * Decides instead of the policy, and may allow what it would not send twice, such as a POST that is a search.
   * A stream, an aborted call and the last attempt are never retried. @defaultValue `({ retryable }) => retryable`
   */
  readonly shouldRetry?: (context: RetryContext) => boolean;
  /**
   * How many retries all calls through this policy may cause: `ratio` of the calls (from 0) or `floor` if that is more;
   * both counts halving every thirty seconds. `false` lifts the bound. @defaultValue `{ ratio: 0.2, floor: 10 }`
   */
  readonly budget?: false | { readonly ratio?: number; readonly floor?: number };
  /** Where jitter comes from: 0 up to, not including, 1. @defaultValue `Math.random` */
  readonly random?: () => number;
  /** Is told of every retry before its wait, and of every failure that was worth a retry but got none. */
  readonly onEvent?: (event: BackoffEvent) => void;
}

/** An attempt (from 1) that ended with a `response`, whose body is not to be read, or with an `error`. */
export interface RetryContext {
  /** From 1. */
  readonly attempt: number;
  /** Upper case. */
  readonly method: string;
  /** What came back, its body not to be read; `undefined` if nothing did. */
  readonly response: Response | undefined;
  /** What was thrown, if nothing came back. */
  readonly error: unknown;
  /** Whether this may pass by itself: a status or a failure of the network that is worth another try. */
  readonly transient: boolean;
  /** What the policy would do by itself: retry what is transient and may be sent twice. */
  readonly retryable: boolean;
}

/** `attempt` (from 1) ended with `status`, or with an error named `error`. `url` is without query and credentials. */
export type BackoffEvent = Pick<RetryContext, 'attempt' | 'method'> & {
  readonly url: string;
  readonly status: number | undefined;
  readonly error: string | undefined;
  /** Not to be asked again before this, in epoch milliseconds, if the server said so. */
  readonly retryAt: number | undefined;
} & (
    | { readonly type: 'retry'; readonly waitMs: number }
    | { readonly type: 'give-up'; readonly reason: 'attempts' | 'wait-too-long' | 'budget' }
  );

/**
 * Retries what failed for a moment and may be sent twice, with full jitter and never earlier than the server asks.
 *
 * Worth a retry are network failures, `TimeoutError`s, 408, 425, 429, 500, 502, 503, 504, 529, and a 403 with
 * `Retry-After` (GitHub, "Rate limits for the REST API"); sent twice are GET, HEAD, OPTIONS, PUT, DELETE and what
 * carries an `Idempotency-Key`, but never a stream. Without success, the last response or error is passed on as it was.
 *
 * @throws `RangeError` or `TypeError` when the policy is made, if an option is out of range or not a function.
 */
export function backoff(options: BackoffOptions = {}): Policy {
  const { attempts = 4, baseMs = 250, capMs = 20_000, maxRetryAfterMs = 120_000 } = options;
  const { totalMs = LONGEST_TIMER_MS, shouldRetry, random = Math.random, onEvent } = options;
  const { ratio = 0.2, floor = 10 } = options.budget === false ? { floor: Infinity } : (options.budget ?? {});
  requireNumbers('backoff', { attempts, baseMs, capMs, totalMs }, 1, LONGEST_TIMER_MS);
  requireNumbers('backoff', { maxRetryAfterMs }, 0, LONGEST_TIMER_MS);
  requireNumbers('backoff', { 'budget.ratio': ratio, 'budget.floor': floor }, 0, Infinity);
  if (!Number.isInteger(attempts)) throw new RangeError(`backoff: attempts must be a whole number, got ${attempts}`);
  for (const [name, value] of Object.entries({ shouldRetry, random, onEvent }))
    if (value !== undefined && typeof value !== 'function')
      throw new TypeError(`backoff: ${name} must be a function, got ${value}`);
  const recentCalls = fadingCount();
  const recentRetries = fadingCount();

  /** Waits for the time of the next attempt; or answers `false` at once, if this one is to stand. */
  async function mayRetry(ended: RetryContext, input: Request | URL | string, endsAt: number, signal?: AbortSignal) {
    const { attempt, method, response, error } = ended;
    const now = performance.now();
    const leftMs = endsAt - now;
    const askedMs = response && retryAfterMs(response.headers);
    const spreadMs = askedMs === undefined ? baseMs * 2 ** (attempt - 1) : Math.max(baseMs, askedMs / 10);
    // On top of what was asked, so that a herd does not return at one instant and a timer is never early.
    const jitteredMs = random() * Math.min(capMs, spreadMs) + (askedMs === undefined ? 0 : askedMs + 1);
    const isTooLong = askedMs === undefined ? jitteredMs > leftMs : askedMs > Math.min(maxRetryAfterMs, leftMs);
    // Half a retry of grace, since what fades never quite reaches zero.
    const isOverBudget = recentRetries() + 1 > Math.max(floor + 0.5, ratio * recentCalls());

    const href = String((input as Partial<Request>).url ?? input); // Told without query, fragment and credentials.
    const url = href.replace(/[?#].*/s, '').replace(/(:[/\\]*|\/\/)[^/\\]*@/, '$1');
    const retryAt = askedMs === undefined ? undefined : Date.now() + askedMs;
    const event = { attempt, method, url, status: response?.status, error: Object(error).name, retryAt };
    const reason = attempt >= attempts ? 'attempts' : isTooLong ? 'wait-too-long' : isOverBudget && 'budget';
    const waitMs = Math.ceil(Math.min(jitteredMs, leftMs));
    notify<BackoffEvent>(onEvent, reason ? { type: 'give-up', reason, ...event } : { type: 'retry', waitMs, ...event });
    if (reason) return false;

    recentRetries(1);
    response?.body?.cancel().catch(() => {}); // Frees the connection.
    await sleep(waitMs, signal).catch((reason) => {
      recentRetries(-fading(performance.now() - now));
      throw reason;
    });
    return true;
  }

  return (next) =>
    async function withBackoff(asked, init) {
      const input = asked instanceof URL ? asked.href : asked; // Its owner may change it between two attempts.
      const endsAt = performance.now() + totalMs;
      const signal = signalOf(input, init);
      const method = methodOf(input, init);
      const headers = init?.headers ?? (input as Partial<Request>).headers;
      const idempotent = IDEMPOTENT.has(method) || !!new Headers(headers).get('idempotency-key');
      // A stream is gone after the first time. Node sends whatever it can iterate as one.
      const isStream = init?.body instanceof ReadableStream || Symbol.asyncIterator in Object(init?.body);
      const replayable = !isStream && (idempotent || shouldRetry !== undefined);
      const hasOwnBody = typeof input === 'object' && input.body !== null && (init?.body ?? null) === null;
      recentCalls(1);

      for (let attempt = 1; ; attempt += 1) {
        let response: Response | undefined;
        let error: unknown;
        const request = hasOwnBody && replayable && attempt < attempts ? input.clone() : input;
        try {
          response = await next(request, init);
        } catch (thrown) {
          error = thrown;
        }

        const transient = response ? willPass(response) : isTransportFailure(error, input, init);
        const ended = { attempt, method, response, error, transient, retryable: transient && idempotent };
        const wanted = replayable && !signal?.aborted && (shouldRetry?.(ended) ?? ended.retryable);
        if (wanted && (await mayRetry(ended, input, endsAt, signal))) continue;
        if (response) return response;
        throw error;
      }
    };
}

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);
const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504, 529]);
const HALF_LIFE_MS = 30_000;

/** Stripe, OpenAI and Anthropic say it themselves where a status would mislead. */
const willPass = ({ status, headers }: Response): boolean =>
  (TRANSIENT.has(status) || (status === 403 && retryAfterMs(headers) !== undefined)) &&
  headers.get('stripe-should-retry') !== 'false' &&
  headers.get('x-should-retry') !== 'false';

/** Counts what fades as time passes, so that only the recent past is in the count. */
function fadingCount(): (more?: number) => number {
  let count = 0;
  let countedAt = performance.now();
  return (more = 0) => {
    const now = performance.now();
    count = count * fading(now - countedAt) + more;
    countedAt = now;
    return count;
  };
}

/** What is left of one after so long. */
const fading = (ms: number): number => 2 ** (-ms / HALF_LIFE_MS);

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

/** Whether the network failed or the time ran out. Misuse is a `TypeError` too, but does not even make a `Request`. */
function isTransportFailure(error: unknown, input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): boolean {
  const { name, message, cause } = Object(error);
  if (name !== 'TypeError') return name === 'TimeoutError';
  if (message === 'fetch failed' && cause?.name === 'Error' && !cause.code) return false; // Node itself refuses.
  const url = (input as Partial<Request>).url ?? input;
  const body = (init?.body ?? null) === null ? null : '';
  try {
    return Boolean(new Request(url, { ...init, method: methodOf(input, init), body, signal: null }));
  } catch {
    return false;
  }
}

/** Tells the observer. What goes wrong there, at once or later, is not the request's failure. */
function notify<Event>(onEvent: ((event: Event) => void) | undefined, event: Event): void {
  (async () => onEvent?.(event))().catch(() => {});
}

/**
 * How long a response asks to be left alone, in milliseconds, or `undefined` if it does not say. The longest counts of
 * `Retry-After` (RFC 9110, 10.2.3: seconds, decimals too, or dates by the response's own `Date`) and `retry-after-ms`.
 */
function retryAfterMs(headers: Headers): number | undefined {
  const decimal = (text: string) => (/^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : Number.NaN);
  const sentAtMs = () => httpDateMs(headers.get('date') ?? '') || Date.now();
  // The comma after a date's weekday is its own; any other joins two header lines.
  const hints = (name: string) => headers.get(name)?.split(/,(?! \d\d[ -][A-Z])/) ?? [];
  const waits = hints('retry-after').flatMap((hint) => [decimal(hint) * 1_000, httpDateMs(hint.trim()) - sentAtMs()]);
  const told = waits.concat(hints('retry-after-ms').map(decimal)).filter((ms) => !Number.isNaN(ms));
  return told.length > 0 ? Math.max(0, ...told) : undefined;
}

/** An HTTP date (RFC 9110, 5.6.7) of any form as epoch milliseconds, or `NaN`. The form without a zone means UTC. */
function httpDateMs(text: string): number {
  const form = /^[A-Z][a-z]+(, \d\d[ -][A-Z][a-z]{2}[ -]\d+| [A-Z][a-z]{2} [ \d]\d) [\d:]{8} (GMT|\d{4})$/;
  return form.test(text) ? Date.parse(text.replace(/\d{4}$/, '$& GMT')) : Number.NaN;
}

/** A longer delay overflows the platform's timer, which then fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
