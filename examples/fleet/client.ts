import { backoff } from '@steadfetch/backoff';
import { timeout } from '@steadfetch/timeout';
import { tokenBucket } from '@steadfetch/token-bucket';
import { redisBucket } from '@steadfetch/token-bucket/redis';
import { tokenCache } from '@steadfetch/token-cache';
import { bearer, clientCredentials } from '@steadfetch/token-cache/oauth';
import { type Redis, sharedToken } from '../shared-token.ts';

/** What all workers share. */
export interface FleetClientOptions {
  /** The provider's origin, which alone is given the token. */
  readonly origin: string;
  readonly redis: Redis;
  /** What the token and the bucket are called in Redis. */
  readonly name: string;
  /** The rate and the burst of all workers together. */
  readonly ratePerSecond: number;
  readonly burst: number;
}

/** A `fetch` that shares one token and one quota with every other process that gives the same name. */
export function fleetClient({ origin, redis, name, ratePerSecond, burst }: FleetClientOptions): typeof fetch {
  const limited = timeout({ afterMs: 2_000 })(fetch);
  // A token request is a POST, but asking twice for a token does no harm.
  const askAgain = backoff({ baseMs: 50, shouldRetry: ({ transient }) => transient });
  const tokens = tokenCache({
    request: clientCredentials({
      tokenUrl: `${origin}/oauth/token`,
      clientId: 'demo-client',
      clientSecret: 'demo-secret',
      fetch: askAgain(limited),
    }),
    refreshBeforeMs: 1_000,
    // A worker that is killed while it renews the token holds up the others for as long.
    ...sharedToken({ redis, name: `${name}:token`, lockMs: 3_000 }),
  });
  const acquire = redisBucket({
    name: `${name}:bucket`,
    eval: (script, keys, args) => redis.eval(script, { keys, arguments: args }),
    // The jobs are in the same Redis: without it there is nothing to do.
    fallbackRatio: 0,
  });

  const stack = [
    backoff({ attempts: 6, baseMs: 50 }),
    bearer(tokens, { origins: [origin] }),
    // Innermost, so that whatever is sent spends quota: retries, and the second try after a 401.
    tokenBucket({ ratePerSecond, burst, acquire }),
  ];
  return stack.reduceRight((next, policy) => policy(next), limited);
}
