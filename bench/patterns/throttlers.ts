/** How each library keeps one client within a quota. */

import { Octokit } from '@octokit/core';
import { throttling } from '@octokit/plugin-throttling';
import { AdaptiveRetryStrategy } from '@smithy/core/retry';
import { adaptiveThrottle } from '@steadfetch/adaptive-throttle';
import { tokenBucket } from '@steadfetch/token-bucket';

import Bottleneck from 'bottleneck';
import { Effect } from 'effect';
import { RateLimiter } from 'effect/persistence';
import pThrottle from 'p-throttle';

/** What a client is told of a quota, if it has to be told. */
export interface Told {
  readonly limit: number;
  readonly windowMs: number;
}

/** The strategy takes its own tokens only, but its type says that it returns any. */
type Token = Parameters<AdaptiveRetryStrategy['recordSuccess']>[0];

export interface Throttler {
  readonly name: string;
  /** One client: calls, and resolves to the status that its caller gets to see. */
  readonly make: (send: typeof fetch, told: Told) => () => Promise<number>;
}

const ORIGIN = 'https://provider.test';
const URL_ASKED = `${ORIGIN}/items`;
let clients = 0;

export const throttlers: readonly Throttler[] = [
  {
    name: '**adaptive-throttle**',
    make: (send) => statusOf(adaptiveThrottle()(send)),
  },
  {
    name: 'AWS SDK, adaptive',
    make: (send) => {
      const strategy = new AdaptiveRetryStrategy(3);
      return async () => {
        let token = (await strategy.acquireInitialRetryToken('')) as Token;
        for (;;) {
          const response = await send(URL_ASKED);
          if (response.ok) strategy.recordSuccess(token);
          if (response.ok) return response.status;
          const retryAfterHint = new Date(Date.now() + Number(response.headers.get('retry-after')) * 1_000);
          try {
            const info = { errorType: 'THROTTLING', retryAfterHint } as const;
            token = (await strategy.refreshRetryTokenForRetry(token, info)) as Token;
          } catch {
            return response.status;
          }
        }
      };
    },
  },
  {
    name: 'octokit, plugin-throttling',
    make: (send) => {
      const log = { debug() {}, info() {}, warn() {}, error() {} };
      const throttle = { id: `client-${clients++}`, onRateLimit: () => true, onSecondaryRateLimit: () => true };
      const octokit = new (Octokit.plugin(throttling))({ baseUrl: ORIGIN, request: { fetch: send }, throttle, log });
      return async () => (await octokit.request('GET /items')).status;
    },
  },
  {
    name: '**token-bucket**',
    make: (send, { limit, windowMs }) => statusOf(tokenBucket({ ratePerSecond: (limit / windowMs) * 1_000 })(send)),
  },
  {
    name: 'bottleneck',
    make: (send, { limit, windowMs }) => {
      const refresh = { reservoirRefreshAmount: limit, reservoirRefreshInterval: windowMs };
      const limiter = new Bottleneck({ reservoir: limit, ...refresh });
      return () => limiter.schedule(statusOf(send));
    },
  },
  {
    name: 'p-throttle',
    make: (send, { limit, windowMs }) => pThrottle({ limit, interval: windowMs })(statusOf(send)),
  },
  {
    name: 'effect, RateLimiter',
    make: (send, { limit, windowMs }) => {
      const limiter = Effect.runSync(RateLimiter.make.pipe(Effect.provide(RateLimiter.layerStoreMemory)));
      const consume = limiter.consume({
        key: 'quota',
        window: windowMs,
        limit,
        algorithm: 'token-bucket',
        onExceeded: 'delay',
      });
      const effect = Effect.tryPromise(statusOf(send));
      return () => Effect.runPromise(Effect.flatMap(consume, ({ delay }) => Effect.delay(effect, delay)));
    },
  },
];

function statusOf(send: typeof fetch): () => Promise<number> {
  return async () => (await send(URL_ASKED)).status;
}
