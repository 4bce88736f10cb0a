import { z } from 'zod';
import { defineLimit } from './limit.ts';
import { tokenBucket } from './token-bucket.ts';

/** A bucket that each request fills by a drop and that leaks; what would overflow is refused. As Shopify has it. */
export const leakyBucket = defineLimit({
  name: 'leaky-bucket',
  summary: 'a bucket that requests fill and that leaks at a steady rate; told as used/size',
  purpose: 'rate',
  options: z.strictObject({
    /** How many drops leave the bucket per second. */
    leakPerSecond: z.number().min(0.000_001).max(1_000_000),
    /** How many drops it holds. */
    size: z.int().min(1).max(1_000_000),
  }),
  // What has leaked from the one is what has flowed back into the other.
  create: ({ leakPerSecond, size }, identity) =>
    tokenBucket.create({ ratePerSecond: leakPerSecond, burst: size }, identity),
});
