import type { Verdict } from '../verdict.ts';
import { bodiesRead } from './bodies-read.ts';
import { boundedRetries } from './bounded-retries.ts';
import { concurrency } from './concurrency.ts';
import { noLoops } from './no-loops.ts';
import { quotaRespect } from './quota-respect.ts';
import { retryAfter } from './retry-after.ts';
import { safeReplays } from './safe-replays.ts';
import { singleRefresh } from './single-refresh.ts';
import { spreadRetries } from './spread-retries.ts';
import { tokenOrigin } from './token-origin.ts';
import { userAgent } from './user-agent.ts';

/** Every manner that a client is judged by. */
export const verdicts = {
  'bodies-read': bodiesRead,
  'bounded-retries': boundedRetries,
  concurrency,
  'no-loops': noLoops,
  'quota-respect': quotaRespect,
  'retry-after': retryAfter,
  'safe-replays': safeReplays,
  'single-refresh': singleRefresh,
  'spread-retries': spreadRetries,
  'token-origin': tokenOrigin,
  'user-agent': userAgent,
} as const satisfies Readonly<Record<string, Verdict>>;

/** The name of a manner. */
export type VerdictName = keyof typeof verdicts;
