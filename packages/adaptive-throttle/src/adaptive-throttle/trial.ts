import { PROBE_EVERY_MS } from './quota.ts';

/** What refusals teach about limits that nobody announces: how many requests at once, and how many a second. */
export class Trial {
  #concurrency = 1;
  /** Half of what was in flight when the server refused: from there on growth is slow. */
  #safeConcurrency = Infinity;
  /** The rate at which the server refused last. */
  #refusedPerSecond = Infinity;
  /** How many requests were taken since the last pause, and how long it took to send them, idle time left out. */
  #acceptedCount = 0;
  #busyMs = 0;

  /** When the next request may go, in monotonic time. */
  opensAt(now: number, inFlight: number, lastSentAt: number, pausedUntil: number): number {
    const openAt = lastSentAt + 1_000 / this.#ratePerSecond(now - pausedUntil);
    if (inFlight < Math.floor(this.#concurrency)) return openAt;
    // Answers that are slow, or never come, hold nobody up.
    return Math.max(openAt, lastSentAt + PROBE_EVERY_MS);
  }

  /** A request goes, so long after the one before. */
  sent(gapMs: number): void {
    if (gapMs < PROBE_EVERY_MS) this.#busyMs += gapMs;
  }

  /** The server took a request. */
  accepted(isMoreWanted: boolean): void {
    this.#acceptedCount += 1;
    if (isMoreWanted) this.#concurrency += this.#concurrency < this.#safeConcurrency ? 1 : 1 / this.#concurrency;
  }

  /** The server refused for no reason that it announces, with so many in flight, so long after the last pause. */
  refused(inFlight: number, sincePauseMs: number): void {
    // A rate that grew while nobody used it says nothing.
    const triedPerSecond = Math.max(1, (2_000 * this.#acceptedCount) / Math.max(SHORTEST_WATCH_MS, this.#busyMs));
    this.#refusedPerSecond = Math.max(SLOWEST_PER_SECOND, Math.min(this.#ratePerSecond(sincePauseMs), triedPerSecond));
    this.#safeConcurrency = Math.max(1, inFlight / 2);
  }

  /** One request goes first, as if nothing were known. */
  restart(): void {
    this.#concurrency = 1;
  }

  /** A pause begins. */
  paused(): void {
    this.#acceptedCount = 0;
    this.#busyMs = 0;
  }

  /** The rate to try, on CUBIC's curve (RFC 9438): below the rate refused, lingering there, then farther and farther beyond. */
  #ratePerSecond(sincePauseMs: number): number {
    const refusedPerSecond = this.#refusedPerSecond;
    if (refusedPerSecond === Infinity) return Infinity;
    const cut = refusedPerSecond * (1 - DECREASE);
    const lingersAt = Math.max(Math.cbrt(cut / GROWTH), RETURN_REQUESTS / refusedPerSecond);
    const seconds = Math.max(0, sincePauseMs) / 1_000;
    return Math.max(SLOWEST_PER_SECOND, refusedPerSecond + cut * (seconds / lingersAt - 1) ** 3);
  }
}

const SLOWEST_PER_SECOND = 1 / 600;
const SHORTEST_WATCH_MS = 250;
/** To what share the rate is lowered at once, and how fast it grows back, per second cubed: CUBIC's own constants. */
const DECREASE = 0.7;
const GROWTH = 0.4;
/** A slow client is back at the rate refused after so many requests, since it hears of the limit as seldom. */
const RETURN_REQUESTS = 10;
