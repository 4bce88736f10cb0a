/** The platform's `fetch`, or anything of its shape. */
export type Fetch = typeof globalThis.fetch;

/** Wraps one `fetch` in another. Policies nest: `outer(inner(fetch))`. */
export type Policy = (next: Fetch) => Fetch;

/** Settings of {@link timeout}. */
export interface TimeoutOptions {
  /**
   * How long to wait for the response headers, in milliseconds; reading the body is not timed.
   * From 1 to 2_147_483_647.
   *
   * @defaultValue 10_000
   */
  readonly afterMs?: number;
}

/**
 * Gives up on a request whose response headers are late.
 *
 * Inside a retry it limits each attempt, outside it limits them all together. It rejects on time even where `next`
 * ignores its signal. The caller's own signal keeps working, and its reason arrives untouched.
 *
 * @throws `RangeError` when the policy is made, if `afterMs` is out of range.
 * @throws {@link TimeoutError} when the request is made, if the wait runs out.
 */
export function timeout({ afterMs = 10_000 }: TimeoutOptions = {}): Policy {
  if (!(afterMs >= 1 && afterMs <= LONGEST_TIMER_MS)) {
    throw new RangeError(`timeout: afterMs must be 1 to ${LONGEST_TIMER_MS}, got ${afterMs}`);
  }

  return (next) =>
    async function withTimeout(input, init) {
      // `fetch` takes a Request for an `init`, too. No spread copies what it holds.
      if (init instanceof Request) [input, init] = [new Request(input, init), undefined];
      // Any `init` resets these two.
      const own = input instanceof Request && { referrer: input.referrer, referrerPolicy: input.referrerPolicy };
      const url = String((input as Partial<Request>).url ?? input);
      const deadline = new AbortController();
      const caller = signalOf(input, init);
      const signal = caller ? AbortSignal.any([caller, deadline.signal]) : deadline.signal;
      const timer = setTimeout(() => deadline.abort(new TimeoutError(afterMs, url)), afterMs);
      const { aborted, release } = abortion(signal);

      let answer: Promise<Response> | undefined;
      try {
        answer = next(input, { ...own, ...init, signal });
        return await Promise.race([answer, aborted]);
      } catch (error) {
        // An answer that still comes is nobody's by now.
        answer?.then(discard).catch(() => {});
        // Made here, it has the caller in its stack. The one from the timer has nobody.
        if (deadline.signal.aborted) throw new TimeoutError(afterMs, url);
        throw error;
      } finally {
        clearTimeout(timer);
        release();
      }
    };
}

/** The response headers did not come in time. */
export class TimeoutError extends Error {
  /** The platform's name for this, so one check covers both. */
  override readonly name = 'TimeoutError';
  /** How long the request was given, in milliseconds. */
  readonly afterMs: number;

  /** Of the URL the message shows neither query nor fragment nor credentials. */
  constructor(afterMs: number, url?: string) {
    const place = url?.replace(/[?#].*/s, '').replace(/\/\/[^/]*@/, '//');
    super(`No response headers within ${afterMs} ms${place ? ` from ${place}` : ''}`);
    this.afterMs = afterMs;
  }
}

/** A promise that rejects when the signal aborts, until it is released. */
function abortion(signal: AbortSignal): { aborted: Promise<never>; release: () => void } {
  let release = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    release = () => signal.removeEventListener('abort', abort);
  });
  aborted.catch(() => {});
  return { aborted, release };
}

/** The caller's signal as `fetch` sees it: an explicit `null` detaches a `Request` from its own. */
function signalOf(input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): AbortSignal | undefined {
  const own = (input as Partial<Request>).signal;
  return (init?.signal === undefined ? own : init.signal) ?? undefined;
}

/** Frees the connection of a response that nobody will read. */
function discard(response: Response): void {
  response.body?.cancel().catch(() => {});
}

/** A longer delay overflows the platform's timer, which then fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
