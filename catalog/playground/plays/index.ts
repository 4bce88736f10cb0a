import type { Play } from '../play.ts';

/** The plays by the pattern they show, each loaded when it is opened. */
export const plays: Readonly<Record<string, () => Promise<{ readonly play: Play }>>> = {
  'adaptive-throttle': () => import('./adaptive-throttle.ts'),
  backoff: () => import('./backoff.ts'),
  batch: () => import('./batch.ts'),
  'circuit-breaker': () => import('./circuit-breaker.ts'),
  'concurrency-limit': () => import('./concurrency-limit.ts'),
  'cursor-pagination': () => import('./cursor-pagination.ts'),
  'idempotency-key': () => import('./idempotency-key.ts'),
  'keyset-pagination': () => import('./keyset-pagination.ts'),
  'link-pagination': () => import('./link-pagination.ts'),
  'offset-pagination': () => import('./offset-pagination.ts'),
  'request-log': () => import('./request-log.ts'),
  'resumable-sync': () => import('./resumable-sync.ts'),
  timeout: () => import('./timeout.ts'),
  'token-bucket': () => import('./token-bucket.ts'),
  'token-cache': () => import('./token-cache.ts'),
};
