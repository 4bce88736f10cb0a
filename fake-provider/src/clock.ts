/** Where the provider reads the time: headers, tokens, limits, records and the ledger all share one. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
}

/** The platform's clock, whoever owns it: in a test that is the fake timers. */
export const realClock: Clock = { now: () => Date.now() };

/** A clock that is wrong by so many milliseconds: ahead, if positive. */
export function skewedClock(clock: Clock, skewMs: number): Clock {
  return { now: () => clock.now() + skewMs };
}

/** A clock that stands still until it is moved. */
export interface ManualClock extends Clock {
  /** Moves the clock forward by `ms` milliseconds. */
  advance(ms: number): void;
}

/** Where a clock of the provider's own begins: the same in every replay. */
const EPOCH_MS: number = Date.UTC(2026, 0, 1);

/**
 * Makes a clock that only moves when told to.
 *
 * @throws `RangeError` on `advance`, if `ms` is negative or not finite: time does not run backwards.
 */
export function manualClock(startMs: number = EPOCH_MS): ManualClock {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    advance(ms) {
      nowMs += forward('manualClock', ms);
    },
  };
}

/** No clock goes farther: what comes after has no spelling in HTTP (RFC 9110, section 5.6.7). */
export const LAST_YEAR = 9_000;

/** A clock that runs as another does, until somebody moves or stops it. */
export interface SettableClock extends ManualClock {
  /** Whether it stands still. */
  readonly isFrozen: boolean;
  /** Stops it: from now on only `advance` moves it. */
  freeze(): void;
  /** Undoes every `advance` and `freeze`. */
  reset(): void;
}

/**
 * Makes a clock that can be moved and stopped over one that cannot.
 *
 * @throws `RangeError` on `advance`, if `ms` is negative or not finite, or leads past the year {@link LAST_YEAR}.
 */
export function settableClock(base: Clock): SettableClock {
  let aheadMs = 0;
  let frozenAtMs: number | undefined;
  const now = (): number => (frozenAtMs ?? base.now()) + aheadMs;
  return {
    now,
    get isFrozen() {
      return frozenAtMs !== undefined;
    },
    advance(ms) {
      const byMs = forward('clock', ms);
      if (now() + byMs > LAST_MS) throw new RangeError(`clock: must not advance past the year ${LAST_YEAR}`);
      aheadMs += byMs;
    },
    freeze() {
      frozenAtMs ??= base.now();
    },
    reset() {
      aheadMs = 0;
      frozenAtMs = undefined;
    },
  };
}

const LAST_MS = Date.UTC(LAST_YEAR, 11, 31);

function forward(name: string, ms: number): number {
  if (!(ms >= 0 && Number.isFinite(ms))) throw new RangeError(`${name}: ms must be 0 or more, got ${ms}`);
  return ms;
}
