import { concurrency } from './concurrency.ts';
import { fixedWindow } from './fixed-window.ts';
import { leakyBucket } from './leaky-bucket.ts';
import { penaltyBox } from './penalty-box.ts';
import { quota } from './quota.ts';
import { slidingWindow } from './sliding-window.ts';
import { tokenBucket } from './token-bucket.ts';

/** Every limit algorithm, by the name used in a configuration. */
export const limitKinds = {
  'fixed-window': fixedWindow,
  'sliding-window': slidingWindow,
  'token-bucket': tokenBucket,
  'leaky-bucket': leakyBucket,
  concurrency,
  quota,
  'penalty-box': penaltyBox,
} as const;

/** Every limit algorithm with one line for people who choose. */
export function listLimits(): { readonly name: string; readonly summary: string }[] {
  return Object.values(limitKinds).map(({ name, summary }) => ({ name, summary }));
}
