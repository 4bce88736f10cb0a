/** The platform's `fetch`, or anything of its shape. */
export type Fetch = typeof globalThis.fetch;

/** Wraps one `fetch` in another. Policies nest: `outer(inner(fetch))`. */
export type Policy = (next: Fetch) => Fetch;

/** When a circuit opens, for how long, and what closes it again. */
export interface CircuitBreakerOptions {
  /** Opens the circuit once this share of the calls in the window failed. Above 0, up to 1. @defaultValue 0.5 */
  readonly failureRatio?: number;
  /** How far back calls count, in milliseconds: never further, and at most a tenth less. From 1. @defaultValue 30_000 */
  readonly windowMs?: number;
  /** With fewer calls than this in the window, the circuit stays closed. A whole number from 1. @defaultValue 10 */
  readonly minimumCalls?: number;
  /** How long it stays open, in milliseconds; twice, then four times as long for trips in a row. From 1. @defaultValue 5_000 */
  readonly openMs?: number;
  /** The longest it stays open, in milliseconds, whatever was asked for. From `openMs`. @defaultValue 600_000 */
  readonly maxOpenMs?: number;
  /** How many calls it then lets through and is judged by. A whole number from 1. @defaultValue 1 */
  readonly halfOpenCalls?: number;
  /**
   * Decides instead of the policy whether the service failed, or was too slow; `undefined` is neither failure nor
   * success. Not asked about the caller's own aborts. @defaultValue `({ failed }) => failed`
   */
  readonly isFailure?: (context: CallContext) => boolean | undefined;
  /**
   * Which circuit a request belongs to; the 1,000 last used are kept. The key appears in errors and events, so make
   * none from a token. @defaultValue the URL's origin
   */
  readonly key?: (request: { readonly url: URL; readonly method: string }) => string;
  /** What `save()` returned, perhaps in another process. @defaultValue `[]` */
  readonly restore?: readonly SavedCircuit[];
  /** Is told of every change of state. */
  readonly onEvent?: (event: CircuitEvent) => void;
}

/** The policy, and what its circuits are doing. */
export interface CircuitBreaker extends Policy {
  /** `half-open` from when the open time is over; an unknown key is `closed`. */
  state(key: string): CircuitState;
  /** All circuits as plain JSON, for the option `restore`. */
  save(): SavedCircuit[];
}

/** Closed: calls go through. Open: none do. Half-open: a few do, and decide. */
export type CircuitState = 'closed' | 'open' | 'half-open';

/** A call that has ended. */
export interface CallContext {
  /** What came back, its body not to be read; `undefined` if nothing did. */
  readonly response: Response | undefined;
  /** What was thrown, if nothing came back. */
  readonly error: unknown;
  /** Until the headers were there, in milliseconds. */
  readonly durationMs: number;
  /** What the policy would say by itself; `undefined` where the call tells nothing about the service. */
  readonly failed: boolean | undefined;
}

/** The circuit of `key` is now in the state `type`; opened for the `trips`-th time in a row, for `openMs`. */
export type CircuitEvent =
  | { readonly type: 'open'; readonly key: string; readonly openMs: number; readonly trips: number }
  | { readonly type: 'half-open' | 'closed'; readonly key: string };

/** One circuit, as plain JSON. */
export interface SavedCircuit {
  /** What the option `key` returned. */
  readonly key: string;
  /** In a row; 0 once it has closed. */
  readonly trips: number;
  /** When it may be tested, in epoch milliseconds; absent where it is closed. */
  readonly openUntil?: number | undefined;
  /** What was counted while it was closed, oldest first; `since` is when a count began, in epoch milliseconds. */
  readonly window: readonly { readonly since: number; readonly calls: number; readonly failures: number }[];
}

/**
 * Stops calling a service that fails, and lets a few calls find out when it is back.
 *
 * Failures are 5xx, network failures and `TimeoutError`s. A 429, the caller's abort and errors of other policies say
 * nothing about the service. A `Retry-After` on the failure that opens the circuit keeps it open at least as long.
 *
 * @throws `RangeError` or `TypeError` when the policy is made, if an option is out of range or of the wrong type.
 * @throws {@link CircuitOpenError} when the request is made, if the circuit does not let it through. It is not sent.
 */
export function circuitBreaker(options: CircuitBreakerOptions = {}): CircuitBreaker {
  const { failureRatio = 0.5, windowMs = 30_000, minimumCalls = 10, openMs = 5_000, maxOpenMs = 600_000 } = options;
  const { halfOpenCalls = 1, isFailure, key: keyOf = ({ url }) => url.origin, restore = [], onEvent } = options;
  requireNumbers('circuitBreaker', { failureRatio }, Number.EPSILON, 1);
  requireNumbers('circuitBreaker', { windowMs, minimumCalls, openMs, halfOpenCalls }, 1, Number.MAX_SAFE_INTEGER);
  requireNumbers('circuitBreaker', { maxOpenMs }, openMs, Number.MAX_SAFE_INTEGER);
  for (const [name, value] of Object.entries({ minimumCalls, halfOpenCalls }))
    if (!Number.isInteger(value)) throw new RangeError(`circuitBreaker: ${name} must be a whole number, got ${value}`);
  for (const [name, value] of Object.entries({ isFailure, key: keyOf, onEvent }))
    if (value !== undefined && typeof value !== 'function')
      throw new TypeError(`circuitBreaker: ${name} must be a function, got ${value}`);
  if (!areSavedCircuits(restore))
    throw new TypeError(`circuitBreaker: restore must be what save() returned, got ${restore}`);

  /** Epoch milliseconds, as another process understands them, by a clock that never jumps. */
  const originMs = Date.now() - performance.now();
  const clock = () => originMs + performance.now();

  /** The least recently used comes first. */
  const circuits = new Map<string, Circuit>();
  for (const { openUntil, window, ...saved } of restore) {
    // By a clock that was wrong, nothing shall last longer than it may.
    const tallies = window.map((tally) => ({ ...tally, since: Math.min(tally.since, clock()) }));
    use({ ...closed(''), ...saved, window: tallies, openUntil: openUntil && Math.min(openUntil, clock() + maxOpenMs) });
  }
  /** Where the last request went. What begins with an origin and a slash has that origin: no need to parse it. */
  let last = 'null';

  function use(circuit: Circuit): Circuit {
    circuits.delete(circuit.key);
    circuits.set(circuit.key, circuit);
    if (circuits.size > MOST_CIRCUITS) circuits.delete(circuits.keys().next().value!);
    return circuit;
  }

  /** Answers for how long. */
  function open({ key, trips }: Circuit, failure?: Response): number {
    const askedMs = (failure && retryAfterMs(failure.headers)) ?? 0;
    const forMs = Math.min(maxOpenMs, Math.max(askedMs, openMs * Math.min(2 ** trips, 4)));
    use({ ...closed(key), trips: trips + 1, openUntil: clock() + forMs });
    notify<CircuitEvent>(onEvent, { type: 'open', key, openMs: forMs, trips: trips + 1 });
    return forMs;
  }

  /** Lets a call through, or throws. */
  function enter(key: string): Circuit {
    const circuit = use(circuits.get(key) ?? closed(key));
    if (circuit.openUntil === undefined) return circuit;
    const now = clock();
    if (now < circuit.openUntil) throw new CircuitOpenError(key, Math.ceil(circuit.openUntil - now));
    if (circuit.admitted >= halfOpenCalls) {
      // Calls that never end must not keep a circuit half-open for ever.
      throw new CircuitOpenError(key, Math.ceil(now < circuit.givenUpAt ? openMs : open(circuit)));
    }
    if (circuit.givenUpAt === 0) notify<CircuitEvent>(onEvent, { type: 'half-open', key });
    circuit.admitted += 1;
    circuit.givenUpAt = now + maxOpenMs;
    return circuit;
  }

  function leave(circuit: Circuit, failed: boolean | undefined, response?: Response): void {
    const { key, openUntil, window } = circuit;
    // What began before it opened or closed tells nothing any more.
    if (circuits.get(key) !== circuit) return;
    if (openUntil === undefined) {
      if (failed !== undefined && tooManyFail(window, failed)) open(circuit, response);
      return;
    }
    if (failed === undefined) circuit.admitted -= 1;
    else circuit[failed ? 'failed' : 'passed'] += 1;
    // As soon as the calls still out cannot change the verdict.
    if (circuit.failed / halfOpenCalls >= failureRatio) open(circuit, response);
    else if ((halfOpenCalls - circuit.passed) / halfOpenCalls < failureRatio) {
      use(closed(key));
      notify<CircuitEvent>(onEvent, { type: 'closed', key });
    }
  }

  /** Counts a call, in one of the ten parts of a window; only a failure can be one too many. */
  function tooManyFail(window: Tally[], failed: boolean): boolean {
    const now = clock();
    while (window[0] && now - window[0].since >= windowMs) window.shift();
    const latest = window.at(-1);
    const tally = latest && now - latest.since < windowMs / 10 ? latest : { since: now, calls: 0, failures: 0 };
    if (tally !== latest) window.push(tally);
    tally.calls += 1;
    if (!failed) return false;

    tally.failures += 1;
    const sum = (what: 'calls' | 'failures') => window.reduce((total, part) => total + part[what], 0);
    return sum('calls') >= minimumCalls && sum('failures') / sum('calls') >= failureRatio;
  }

  const policy: Policy = (next) =>
    async function withCircuitBreaker(input, init) {
      const isSameOrigin = !options.key && last !== 'null' && `${input}`.startsWith(`${last}/`);
      if (!isSameOrigin) last = keyOf({ url: urlOf(input), method: methodOf(input, init) });
      const circuit = enter(last);
      const startedAt = performance.now();
      let response: Response | undefined;
      let error: unknown;
      let failed: boolean | undefined;
      try {
        response = await next(input, init);
        failed = response.status === 429 ? undefined : response.status >= 500;
      } catch (thrown) {
        error = thrown;
        failed = isTransportFailure(error, input, init) || undefined;
      }

      try {
        // A deadline of the caller's that passed is no abort: the service was too slow for it.
        const signal = response ? undefined : signalOf(input, init);
        const aborted = signal?.aborted && Object(signal.reason).name !== 'TimeoutError';
        if (aborted) failed = undefined;
        else if (isFailure) failed = isFailure({ response, error, durationMs: performance.now() - startedAt, failed });
      } finally {
        leave(circuit, failed, response);
      }
      if (response) return response;
      throw error;
    };

  return Object.assign(policy, {
    state(key: string): CircuitState {
      const { openUntil } = circuits.get(key) ?? {};
      if (openUntil === undefined) return 'closed';
      return clock() < openUntil ? 'open' : 'half-open';
    },
    save(): SavedCircuit[] {
      return [...circuits.values()].map(({ key, trips, openUntil, window }) =>
        structuredClone({ key, trips, openUntil, window }),
      );
    },
  });
}

/** The circuit did not let a request through; it was not sent. */
export class CircuitOpenError extends Error {
  override readonly name = 'CircuitOpenError';
  /** Which circuit. */
  readonly key: string;
  /** When it is worth asking again, in milliseconds: what is left of the open time, or all of it if half-open. */
  readonly retryAfterMs: number;

  constructor(key: string, retryAfterMs: number) {
    super(`The circuit of ${key} is open, ask again in ${retryAfterMs} ms`);
    this.key = key;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A new object whenever it opens or closes, so that a call can tell whether the one it began under is still there. */
interface Circuit extends SavedCircuit {
  readonly window: Tally[];
  /** Calls let through to test it, those that have passed or failed, and when no more is expected of the rest. */
  admitted: number;
  passed: number;
  failed: number;
  givenUpAt: number;
}

/** What came of the calls in a tenth of the window. */
interface Tally {
  readonly since: number;
  calls: number;
  failures: number;
}

const MOST_CIRCUITS = 1_000;

function closed(key: string): Circuit {
  return { key, trips: 0, openUntil: undefined, window: [], admitted: 0, passed: 0, failed: 0, givenUpAt: 0 };
}

function areSavedCircuits(restore: unknown): boolean {
  if (!Array.isArray(restore)) return false;
  return restore.map(Object).every(({ key, trips, openUntil = 0, window }) => {
    if (typeof key !== 'string' || !Array.isArray(window)) return false;
    const numbers = window.map(Object).flatMap(({ since, calls, failures }) => [since, calls, failures]);
    return [trips, openUntil, ...numbers].every(Number.isFinite);
  });
}

function requireNumbers(policy: string, options: Record<string, number>, least: number, most: number): void {
  for (const [name, value] of Object.entries(options)) {
    if (typeof value === 'number' && value >= least && value <= most) continue;
    throw new RangeError(`${policy}: ${name} must be ${least} to ${most}, got ${value}`);
  }
}

/** The caller's signal as `fetch` sees it: an explicit `null` detaches a `Request` from its own. */
function signalOf(input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): AbortSignal | undefined {
  const own = input instanceof Request ? input.signal : undefined;
  return (init?.signal === undefined ? own : init.signal) ?? undefined;
}

/** The method as it goes on the wire. */
function methodOf(input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): string {
  return (init?.method ?? (input instanceof Request ? input.method : 'GET')).toUpperCase();
}

/** The request's URL; a relative one resolves against the page, where there is one. */
function urlOf(input: Parameters<Fetch>[0]): URL {
  const { location } = globalThis as { location?: { href: string } };
  return new URL(input instanceof Request ? input.url : input, location?.href);
}

/** Whether the network failed or the time ran out. Misuse is a `TypeError` too, but does not even make a `Request`. */
function isTransportFailure(error: unknown, input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): boolean {
  const { name } = Object(error);
  if (name !== 'TypeError') return name === 'TimeoutError';
  const url = input instanceof Request ? input.url : input;
  const body = (init?.body ?? null) === null ? null : '';
  try {
    return Boolean(new Request(url, { ...init, method: methodOf(input, init), body, signal: null }));
  } catch {
    return false;
  }
}

/** Tells the observer. What goes wrong there, at once or later, is not the request's failure. */
function notify<Event>(onEvent: ((event: Event) => void) | undefined, event: Event): void {
  try {
    const outcome: unknown = onEvent?.(event);
    if (outcome instanceof Promise) outcome.catch(() => {});
  } catch {
    // The observer's own affair.
  }
}

/**
 * How long a response asks to be left alone, in milliseconds, or `undefined` if it does not say. The longest counts of
 * `Retry-After` (RFC 9110, 10.2.3: seconds, decimals too, or dates by the response's own `Date`) and `retry-after-ms`.
 */
function retryAfterMs(headers: Headers): number | undefined {
  const decimal = (text: string | null) => (/^\s*\d+(\.\d+)?\s*$/.test(text ?? '') ? Number(text) : Number.NaN);
  const sentAtMs = httpDateMs(headers.get('date') ?? '') || Date.now();
  // The comma after a date's weekday is its own; any other joins two header lines.
  const hints = headers.get('retry-after')?.split(/,(?! \d\d[ -][A-Z])/) ?? [];
  const waits = hints.flatMap((hint) => [decimal(hint) * 1_000, httpDateMs(hint.trim()) - sentAtMs]);
  const told = [decimal(headers.get('retry-after-ms')), ...waits].filter((ms) => !Number.isNaN(ms));
  return told.length > 0 ? Math.max(0, ...told) : undefined;
}

/** An HTTP date (RFC 9110, 5.6.7) of any form as epoch milliseconds, or `NaN`. The form without a zone means UTC. */
function httpDateMs(text: string): number {
  const form = /^[A-Z][a-z]+(, \d\d[ -][A-Z][a-z]{2}[ -]\d+| [A-Z][a-z]{2} [ \d]\d) [\d:]{8} (GMT|\d{4})$/;
  return form.test(text) ? Date.parse(text.replace(/\d{4}$/, '$& GMT')) : Number.NaN;
}
