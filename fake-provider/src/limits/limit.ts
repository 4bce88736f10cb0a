import type { z } from 'zod';

/** What it means for a client that a limit is reached, which platforms tell apart. */
export type LimitPurpose =
  /** Too fast: a little patience is enough. */
  | 'rate'
  /** All spent: nothing more until the day, the month or the bill is over. */
  | 'quota'
  /** Too many at the same time. */
  | 'concurrency'
  /** A guard against abuse, of which no header speaks. */
  | 'secondary';

/** Where one caller stands with one limit at one moment. */
export interface Standing {
  /** The limit's name in the configuration. */
  readonly name: string;
  readonly purpose: LimitPurpose;
  /** How many units the limit allows per window, or at once. */
  readonly limit: number;
  /** The length of the window in seconds; for a bucket, the time it takes to fill; 0 where nothing but now counts. */
  readonly windowSeconds: number;
  /** How many units would be let through right now. A whole number. */
  readonly remaining: number;
  /** Epoch milliseconds at which `remaining` is whole again. */
  readonly resetAtMs: number;
  /** Epoch milliseconds from which this request would be let through; now, if it would be already. */
  readonly allowedAtMs: number;
  /** Whether headers tell the client of this limit. */
  readonly announced: boolean;
}

/** What is asked of a limit. */
export interface Demand {
  /** Epoch milliseconds. */
  readonly nowMs: number;
  /** How many units the request costs, from 1. */
  readonly cost: number;
  /** Epoch milliseconds at which the request will have been answered. */
  readonly endsAtMs: number;
}

/**
 * How one limit counts. It holds no state of its own: what it knows of a caller is handed in, `undefined` for one that
 * never called, and what it returns takes its place. So it can be asked about the future too.
 */
export interface Limiter<State = unknown> {
  /** Where a caller stands. */
  standing(state: State | undefined, demand: Demand): Standing;
  /** Counts a request, whether it fits or not. */
  spend(state: State | undefined, demand: Demand): State;
  /** Takes note that this limit refused a request; nothing changes, if left out. */
  punish?(state: State | undefined, demand: Demand): State;
}

/** What every standing says of its limit, whatever the algorithm. */
export type LimitIdentity = Pick<Standing, 'name' | 'purpose' | 'announced'>;

/** An algorithm that limits requests. */
export interface LimitKind<Name extends string = string, Options extends z.ZodType = z.ZodType> {
  /** The name used in a configuration. */
  readonly name: Name;
  /** One line for people who choose. */
  readonly summary: string;
  /** What it means to a client, where the configuration does not say. */
  readonly purpose: LimitPurpose;
  /** What can be set. */
  readonly options: Options;
  /** Makes a limiter. */
  create(options: z.output<Options>, identity: LimitIdentity): Limiter;
}

/** Keeps the types of the name and the options. */
export function defineLimit<const Name extends string, Options extends z.ZodType>(
  kind: LimitKind<Name, Options>,
): LimitKind<Name, Options> {
  return kind;
}
