import { z } from 'zod';
import { defineLimit, type Limiter } from './limit.ts';

/** The tokens that a bucket lacked at an instant. */
interface Bucket {
  readonly missing: number;
  readonly atMs: number;
}

/** A bucket that fills at a steady rate up to its burst; each request takes one token. */
export const tokenBucket = defineLimit({
  name: 'token-bucket',
  summary: 'a bucket that refills at a steady rate and allows a burst',
  purpose: 'rate',
  options: z.strictObject({
    /** Tokens that flow back per second. */
    ratePerSecond: z.number().min(0.000_001).max(1_000_000),
    /** How many tokens the bucket holds. */
    burst: z.int().min(1).max(1_000_000),
  }),
  create({ ratePerSecond, burst }, identity): Limiter<Bucket> {
    const ratePerMs = ratePerSecond / 1_000;

    // Counted from the last request on: an instant of the epoch has no digits left for fractions of a token.
    function missing(bucket: Bucket | undefined, nowMs: number): number {
      if (bucket === undefined) return 0;
      const still = bucket.missing - (nowMs - bucket.atMs) * ratePerMs;
      return still < ROUNDING ? 0 : still;
    }

    /** Until so many tokens have flowed back, in whole milliseconds; with half the tolerance of who then counts them. */
    const refillMs = (count: number): number => Math.max(0, Math.ceil((count - ROUNDING / 2) / ratePerMs));

    return {
      standing(state, { nowMs, cost }) {
        const lacking = missing(state, nowMs);
        const remaining = Math.floor(burst - lacking + ROUNDING);
        return {
          ...identity,
          limit: burst,
          windowSeconds: burst / ratePerSecond,
          remaining,
          resetAtMs: nowMs + refillMs(lacking),
          allowedAtMs: remaining >= cost ? nowMs : nowMs + refillMs(lacking - (burst - cost)),
        };
      },
      spend: (state, { nowMs, cost }) => ({ missing: Math.min(burst, missing(state, nowMs) + cost), atMs: nowMs }),
    };
  },
});

/** Less than any token a client could notice, more than floating point can lose. */
const ROUNDING = 1e-6;
