/** The platform's `fetch`, or anything of its shape. */
export type Fetch = typeof globalThis.fetch;

/** Wraps one `fetch` in another. Policies nest: `outer(inner(fetch))`. */
export type Policy = (next: Fetch) => Fetch;

/** When a circuit opens, for how long, and what closes it again. */
export interface CircuitBreakerOptions {
  /** Opens the circuit once this share of the calls in the window failed. Above 0, up to 1. @defaultValue 0.5 */
  readonly failureRatio?: number;
  /** How far back calls count, in milliseconds: at most a tenth less, never more. From 1. @defaultValue 30_000 */
  readonly windowMs?: number;
  /** With fewer calls than this in the window, the circuit stays closed. From 1. @defaultValue 10 */
  readonly minimumCalls?: number;
  /** How long it stays open, in milliseconds; twice, then four times that on more trips. From 1. @defaultValue 1_000 */
  readonly openMs?: number;
  /** The longest it stays open, in milliseconds, whatever was asked for. From `openMs`. @defaultValue 600_000 */
  readonly maxOpenMs?: number;
  /** How many calls it then lets through and is judged by. From 1. @defaultValue 1 */
  readonly halfOpenCalls?: number;
  /** Whether a call failed; `undefined`: neither. Not asked about aborts. @defaultValue `({ failed }) => failed` */
  readonly isFailure?: (context: CallContext) => boolean | undefined;
  /** Names a request's circuit, in events too; the 1,000 last used are kept. @defaultValue the URL's origin */
  readonly key?: (request: { readonly url: URL; readonly method: string }) => string;
  /** What `save()` returned, perhaps in another process. @defaultValue `[]` */
  readonly restore?: readonly SavedCircuit[];
  /** Is told of every change of state. */
  readonly onEvent?: (event: CircuitEvent) => void;
}

/** The policy, and what its circuits are doing. */
export interface CircuitBreaker extends Policy {
  /** Closed (or unknown): calls go through. Open: none do. Half-open, after the open time: a few do, and decide. */
  state(key: string): 'closed' | 'open' | 'half-open';
  /** All circuits as plain JSON, for the option `restore`. */
  save(): SavedCircuit[];
}

/** A call that ended after `durationMs` with the headers of a `response`, its body not to be read, or an `error`. */
export type CallContext = {
  readonly response: Response | undefined;
  readonly error: unknown;
  readonly durationMs: number;
  /** What the policy would say by itself; `undefined` where the call tells nothing about the service. */
  readonly failed: boolean | undefined;
};

/** The circuit of `key` is now in the state `type`; opened for the `trips`-th time in a row, for `openMs`. */
export type CircuitEvent =
  | { readonly type: 'open'; readonly key: string; readonly openMs: number; readonly trips: number }
  | { readonly type: 'half-open' | 'closed'; readonly key: string };

/** A circuit as plain JSON: closed, with what it counts in `window`, or to be tested at `openUntil`. */
export type SavedCircuit = {
  readonly key: string;
  /** In a row; 0 once it has closed. */
  readonly trips: number;
  /** In epoch milliseconds, as `since` is. */
  readonly openUntil?: number | undefined;
  readonly window: { readonly since: number; calls: number; failures: number }[];
};

/**
 * Stops calling a service that fails, and lets a few calls find out when it is back. Failures are 5xx, network failures
 * and `TimeoutError`s; a 429, the caller's abort and errors of other policies say nothing about the service.
 *
 * @throws `RangeError` or `TypeError` when the policy is made, if an option is out of range or of the wrong type.
 * @throws {@link CircuitOpenError} when the request is made, if the circuit does not let it through. It is not sent.
 */
export function circuitBreaker(options: CircuitBreakerOptions = {}): CircuitBreaker {
  const { failureRatio = 0.5, windowMs = 30_000, minimumCalls = 10, openMs = 1_000, maxOpenMs = 600_000 } = options;
  const { halfOpenCalls = 1, isFailure = ({ failed }) => failed, key: keyOf = ({ url }) => url.origin } = options;
  const { restore = [], onEvent = () => {} } = options;
  requireNumbers('circuitBreaker', { failureRatio }, Number.EPSILON, 1);
  requireNumbers('circuitBreaker', { windowMs, minimumCalls, openMs, halfOpenCalls }, 1, Number.MAX_SAFE_INTEGER);
  requireNumbers('circuitBreaker', { maxOpenMs }, openMs, Number.MAX_SAFE_INTEGER);
  for (const [name, value] of Object.entries({ isFailure, key: keyOf, onEvent }))
    if (typeof value !== 'function') throw new TypeError(`circuitBreaker: ${name} must be a function, got ${value}`);
  const isSaved = (saved: SavedCircuit) => typeof saved?.key === 'string' && Array.isArray(saved.window);
  if (!Array.isArray(restore) || !restore.every(isSaved))
    throw new TypeError(`circuitBreaker: restore must be what save() returned, got ${restore}`);
  /** What goes wrong with the observer, at once or later, is not the request's failure. */
  const tell = (event: CircuitEvent) => void (async () => onEvent(event))().catch(() => {});
  /** Epoch milliseconds, as another process understands them, by a clock that never jumps. */
  const originMs = Date.now() - performance.now();
  const clock = () => originMs + performance.now();

  /** The least recently used comes first. */
  const circuits = new Map<string, Circuit>();
  for (const { key, trips, openUntil, window } of structuredClone(restore)) {
    // No longer than it may, if it was saved by a clock that was wrong.
    use({ key, trips, openUntil: openUntil && Math.min(openUntil, clock() + maxOpenMs), window });
  }
  /** Where the last request went. What begins with an origin and a slash has that origin: no need to parse it. */
  let last = 'null';

  function use(circuit: Circuit): Circuit {
    circuits.delete(circuit.key);
    circuits.set(circuit.key, circuit);
    if (circuits.size > 1_000) circuits.delete(circuits.keys().next().value!);
    return circuit;
  }

  /** Answers for how long. */
  function open({ key, trips }: Circuit, failure?: Response): number {
    // Seconds, or a date of any form (RFC 9110, 10.2.3), the old one without a zone.
    const asked = failure?.headers.get('retry-after') ?? '';
    const [, seconds, date] = /^\s*(?:(\d+(?:\.\d+)?)\b|([A-Z][a-z]{2,8},? .*\d:\d.*))/.exec(asked) ?? [];
    const sentAtMs = Date.parse(failure?.headers.get('date') ?? '') || Date.now();
    const askedMs = Number(seconds) * 1_000 || Date.parse(`${date?.replace(/ GMT$/, '')} GMT`) - sentAtMs || 0;
    const forMs = Math.min(maxOpenMs, Math.max(askedMs, openMs * Math.min(2 ** trips, 4)));
    use({ key, trips: trips + 1, openUntil: clock() + forMs, window: [] });
    tell({ type: 'open', key, openMs: forMs, trips: trips + 1 });
    return forMs;
  }

  /** Lets a call through, or throws. */
  function enter(key: string): Circuit {
    const circuit = use(circuits.get(key) ?? { key, trips: 0, window: [] });
    if (circuit.openUntil === undefined) return circuit;
    const now = clock();
    if (now < circuit.openUntil) throw new CircuitOpenError(key, circuit.openUntil - now);
    if (!circuit.test) tell({ type: 'half-open', key });
    circuit.test ??= { out: 0, passed: 0, failed: 0, givenUpAt: 0 };
    const { test } = circuit;
    // Calls that never end must not keep a circuit half-open for ever.
    const isFull = test.out + test.passed + test.failed >= halfOpenCalls;
    if (isFull) throw new CircuitOpenError(key, now < test.givenUpAt ? openMs : open(circuit));
    test.out += 1;
    test.givenUpAt = now + maxOpenMs;
    return circuit;
  }

  function leave(circuit: Circuit, failed: boolean | undefined, response?: Response): void {
    const { key, test, window } = circuit;
    // What began before the circuit opened or closed tells nothing any more.
    if (failed === undefined || circuits.get(key) !== circuit) return;
    if (test) test[failed ? 'failed' : 'passed'] += 1;
    // Half-open, as soon as the calls still out cannot change the verdict.
    const isDown = test ? test.failed / halfOpenCalls >= failureRatio : tooManyFail(window, failed);
    if (isDown) open(circuit, response);
    else if (test && (halfOpenCalls - test.passed) / halfOpenCalls < failureRatio) {
      use({ key, trips: 0, window: [] });
      tell({ type: 'closed', key });
    }
  }

  /** Counts a call, in one of the ten parts of a window; only a failure can be one too many. */
  function tooManyFail(window: SavedCircuit['window'], failed: boolean): boolean {
    const now = clock();
    while (window[0] && Math.abs(now - window[0].since) >= windowMs) window.shift(); // A clock may have been wrong.
    const latest = window.at(-1);
    if (!latest || now - latest.since >= windowMs / 10) window.push({ since: now, calls: 0, failures: 0 });
    const part = window.at(-1)!;
    part.calls += 1;
    if (failed) part.failures += 1;
    const sum = (what: 'calls' | 'failures') => window.reduce((total, tally) => total + tally[what], 0);
    return failed && sum('calls') >= minimumCalls && sum('failures') / sum('calls') >= failureRatio;
  }

  const policy: Policy = (next) =>
    async function withCircuitBreaker(input, init) {
      const signal = (init?.signal === undefined ? (input as Partial<Request>).signal : init.signal) ?? undefined;
      // Whoever has given up before asking learns nothing of the service.
      if (signal?.aborted) return next(input, init);
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
      // A deadline of the caller's that passed is no abort: the service was too slow for it.
      const isAborted = !response && signal?.aborted && Object(signal.reason).name !== 'TimeoutError';
      const durationMs = performance.now() - startedAt;
      if (circuit.test) circuit.test.out -= 1; // Before isFailure is asked, which may throw.
      leave(circuit, isAborted ? undefined : isFailure({ response, error, durationMs, failed }), response);
      if (response) return response;
      throw error;
    };

  return Object.assign(policy, {
    state(key: string) {
      const { openUntil } = circuits.get(key) ?? {};
      if (openUntil === undefined) return 'closed';
      return clock() < openUntil ? 'open' : 'half-open';
    },
    save: () => Array.from(circuits.values(), ({ test, ...saved }) => structuredClone(saved)),
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
    super(`The circuit of ${key} is open, ask again in ${Math.ceil(retryAfterMs)} ms`);
    this.key = key;
    this.retryAfterMs = Math.ceil(retryAfterMs);
  }
}

/** A new object whenever it opens or closes, so that a call can tell whether the one it began under is still there. */
interface Circuit extends SavedCircuit {
  /** The calls let through once half-open that are out, that passed or failed, and when those out are given up. */
  test?: { out: number; passed: number; failed: number; givenUpAt: number };
}

function requireNumbers(policy: string, options: Record<string, number>, least: number, most: number): void {
  for (const [name, value] of Object.entries(options)) {
    if (typeof value === 'number' && value >= least && value <= most) continue;
    throw new RangeError(`${policy}: ${name} must be ${least} to ${most}, got ${value}`);
  }
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
