import { setTimeout as after } from 'node:timers/promises';
import type { TokenCacheOptions } from '@steadfetch/token-cache';
import { createClient } from 'redis';

/** Where a token is shared. */
export interface SharedTokenOptions {
  readonly redis: Redis;
  /** What the token is called in Redis. It stands there in the clear: whoever reads it is let in. */
  readonly name: string;
  /**
   * How long a process that died goes on holding the lock, in milliseconds. Longer than a token request may take, or
   * two of them meet. @defaultValue 10_000
   */
  readonly lockMs?: number;
}

/** The hooks by which all processes that give the same name share one token, and one of them renews it for all. */
export function sharedToken(options: SharedTokenOptions): Required<Pick<TokenCacheOptions, 'load' | 'save' | 'lock'>> {
  const { redis, name, lockMs = 10_000 } = options;

  return {
    async load(key) {
      const text = await redis.get(`${name}:${key}`);
      return text === null ? undefined : JSON.parse(text);
    },

    // It may hold a refresh token, which outlives the access token.
    save: (key, token) => redis.set(`${name}:${key}`, JSON.stringify(token)),

    async lock(key, work) {
      const lock = `${name}:${key}:lock`;
      const mine = crypto.randomUUID();
      const claim = { condition: 'NX', expiration: { type: 'PX', value: lockMs } } as const;
      while ((await redis.set(lock, mine, claim)) === null) await after(POLL_MS);
      try {
        await work();
      } finally {
        await redis.eval(UNLOCK, { keys: [lock], arguments: [mine] });
      }
    },
  };
}

/** A client of Redis, as {@link connect} makes it. */
export type Redis = Awaited<ReturnType<typeof connect>>;

/** Connects. While Redis is away a command fails, and the cache goes on without it, where it would wait otherwise. */
export async function connect(url: string) {
  const redis = createClient({ url, disableOfflineQueue: true });
  redis.on('error', () => {});
  await redis.connect();
  return redis;
}

/** A lock that lapsed may be another's by now. */
const UNLOCK = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end";
const POLL_MS = 20;

if (import.meta.main) {
  const { createProvider, serve } = await import('@steadfetch/fake-provider');
  const { tokenCache } = await import('@steadfetch/token-cache');
  const { bearer, clientCredentials } = await import('@steadfetch/token-cache/oauth');
  const redis = await connect(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
  const provider = createProvider();
  const { url, close } = await serve(provider);

  const request = clientCredentials({
    tokenUrl: `${url}/oauth/token`,
    clientId: 'demo-client',
    clientSecret: 'demo-secret',
    timeoutMs: 5_000,
  });
  // Each cache stands for a process of its own.
  const name = `shared-token-${crypto.randomUUID()}`;
  const caches = Array.from({ length: 8 }, () => tokenCache({ request, ...sharedToken({ redis, name }) }));
  await Promise.all(caches.map((cache) => bearer(cache, { origins: [url] })(fetch)(`${url}/items`)));

  const { requests, tokenRequests } = provider.ledger.tally();
  console.log(`${caches.length} caches sent ${requests - tokenRequests} requests with ${tokenRequests} token request`);
  await redis.del(`${name}:default`);
  redis.destroy();
  await close();
}
