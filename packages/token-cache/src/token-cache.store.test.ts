import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { TokenRequestError } from './oauth.ts';
import {
  type StoredToken,
  type TokenCacheEvent,
  type TokenCacheOptions,
  type TokenRequest,
  type TokenResponse,
  tokenCache,
} from './token-cache.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('a shared store is asked before a token is requested', async () => {
  const onEvent = vi.fn<(event: TokenCacheEvent) => void>();
  const { request, cache } = cacheOf({ load: async () => stored('theirs', 60_000), onEvent });

  expect(await cache.get({ key: 'a' })).toEqual({ value: 'theirs', isFresh: false });

  expect(request).not.toHaveBeenCalled();
  expect(onEvent.mock.calls).toEqual([[{ type: 'token-loaded', key: 'a' }]]);
});

it('a shared store is handed a token before anyone else is', async () => {
  const saved = Promise.withResolvers<void>();
  const { cache } = cacheOf({ save: () => saved.promise });
  const given = vi.fn();

  void cache.get().then(given);
  await vi.advanceTimersByTimeAsync(1_000);
  void cache.get().then(given);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(given).not.toHaveBeenCalled();

  saved.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(given).toHaveBeenCalledTimes(2);
});

it('a shared store is handed an end by wall time', async () => {
  const store = storeOf();
  const { cache } = cacheOf({ ...store, request: issuer({ refresh_token: 'again' }) });
  vi.setSystemTime(1_800_000_000_000);

  await cache.get({ key: 'a' });

  expect(store.tokens.get('a')).toEqual({
    accessToken: 'token-1',
    refreshToken: 'again',
    expiresAtMs: 1_800_003_600_000,
  });
});

it('lets eight caches that share a store make do with one request', async () => {
  const store = storeOf();
  const request = vi.fn(slow());
  const caches = Array.from({ length: 8 }, () => tokenCache({ ...store, request }));

  const tokens = Promise.all(caches.map((cache) => cache.get()));
  await vi.advanceTimersByTimeAsync(1_000);

  expect(new Set((await tokens).map(({ value }) => value))).toEqual(new Set(['slow']));
  expect(request).toHaveBeenCalledTimes(1);
});

it('lets one early refresh serve all who share a store', async () => {
  const store = storeOf();
  const request = vi.fn(issuer());
  const caches = Array.from({ length: 8 }, () => tokenCache({ ...store, request, random: () => 0 }));
  for (const cache of caches) await cache.get();

  await vi.advanceTimersByTimeAsync(3_570_000);
  for (const cache of caches) await cache.get();
  await vi.advanceTimersByTimeAsync(0);

  expect(request).toHaveBeenCalledTimes(2);
  expect(await Promise.all(caches.map((cache) => cache.get()))).toEqual(
    Array(8).fill({ value: 'token-2', isFresh: false }),
  );
});

it('a shared store does not bring back the token that a 401 took', async () => {
  const store = storeOf();
  const { cache } = cacheOf(store);
  const token = await cache.get();

  cache.reject({ ...token, isFresh: false });

  expect(await cache.get()).toEqual({ value: 'token-2', isFresh: true });
});

it('a shared store hands over the refresh token another process got, even with an expired access token', async () => {
  const { request, cache } = cacheOf({
    load: async () => ({ ...stored('old', -1), refreshToken: 'theirs' }),
  });

  await cache.get();

  expect(request).toHaveBeenCalledWith({ key: 'default', refreshToken: 'theirs' });
});

it('a shared store is not believed while it lacks what could not be saved', async () => {
  const store = storeOf();
  const save = vi.fn(store.save);
  let issued = 0;
  const { request, cache } = cacheOf({
    ...store,
    save,
    request: async () => ({ access_token: `token-${++issued}`, refresh_token: `refresh-${issued}` }),
  });
  const first = await cache.get();
  save.mockRejectedValueOnce(new Error('disk full'));
  cache.reject({ ...first, isFresh: false });
  const second = await cache.get();
  cache.reject({ ...second, isFresh: false });

  const third = await cache.get();

  expect(request.mock.calls.map(([{ refreshToken }]) => refreshToken)).toEqual([undefined, 'refresh-1', 'refresh-2']);

  cache.reject({ ...third, isFresh: false });
  await store.save('default', stored('theirs', 60_000));
  expect(await cache.get()).toMatchObject({ value: 'theirs' });
});

it.each(['load', 'save', 'lock'] as const)(
  'a shared store is an event, never a failed call, when %s rejects',
  async (hook) => {
    const events: TokenCacheEvent[] = [];
    const { request, cache } = cacheOf({
      ...storeOf(),
      [hook]: async () => Promise.reject(new RangeError('store is away')),
      onEvent: (event) => events.push(event),
    });

    expect(await cache.get()).toEqual({ value: 'token-1', isFresh: true });
    expect(await cache.get()).toEqual({ value: 'token-1', isFresh: false });

    expect(request).toHaveBeenCalledTimes(1);
    expect(events).toContainEqual({ type: 'store-failed', key: 'default', hook, reason: 'RangeError' });
  },
);

it.each(['load', 'lock'] as const)(
  'spends no refresh token early while %s rejects, since another process may have spent it',
  async (hook) => {
    const store = storeOf();
    const isAway = vi.fn(() => false);
    const events: TokenCacheEvent[] = [];
    const { request, cache } = cacheOf({
      ...store,
      request: issuer({ refresh_token: 'once' }),
      [hook]: async (key: string, work: () => Promise<void>) => {
        if (isAway()) throw new RangeError('store is away');
        return hook === 'load' ? store.load(key) : store.lock(key, work);
      },
      onEvent: (event) => events.push(event),
      random: () => 0,
    });
    await cache.get();
    isAway.mockReturnValue(true);

    await vi.advanceTimersByTimeAsync(3_570_000);
    expect(await cache.get()).toMatchObject({ value: 'token-1' });
    await vi.advanceTimersByTimeAsync(29_000);
    expect(request).toHaveBeenCalledTimes(1);
    expect(events.at(-1)).toEqual({ type: 'store-failed', key: 'default', hook, reason: 'RangeError' });

    await vi.advanceTimersByTimeAsync(1_000);
    expect(await cache.get()).toMatchObject({ value: 'token-2' });
  },
);

it('takes what an early refresh brings, even if it cannot be saved', async () => {
  const save = vi.fn(async () => {});
  const { cache } = cacheOf({ save, request: issuer({ refresh_token: 'once' }), random: () => 0 });
  await cache.get();
  save.mockRejectedValueOnce(new Error('disk full'));

  await vi.advanceTimersByTimeAsync(3_570_000);
  await cache.get();
  await vi.advanceTimersByTimeAsync(0);

  expect(await cache.get()).toMatchObject({ value: 'token-2' });
});

it('goes on behind a lock that is lost while a token is renewed early', async () => {
  const { request, cache } = cacheOf({
    request: slow(5_000, { expires_in: 3_600, refresh_token: 'once' }),
    lock: async (_key, work) => {
      void work();
      throw new Error('lock lost');
    },
    random: () => 0,
  });
  void cache.get();
  await vi.advanceTimersByTimeAsync(3_570_000);

  for (let second = 0; second < 6; second += 1) {
    await cache.get();
    await vi.advanceTimersByTimeAsync(1_000);
  }

  expect(request).toHaveBeenCalledTimes(2);
});

it('renews early without a store where no refresh token is at stake', async () => {
  const { request, cache } = cacheOf({ load: async () => Promise.reject(new Error('away')), random: () => 0 });
  await cache.get();

  await vi.advanceTimersByTimeAsync(3_570_000);
  await cache.get();
  await vi.advanceTimersByTimeAsync(0);

  expect(request).toHaveBeenCalledTimes(2);
});

it('never goes back to the token that a 401 took, where a store is only read', async () => {
  const { cache } = cacheOf({ load: async () => stored('revoked', 3_600_000) });
  cache.reject(await cache.get());
  expect(await cache.get()).toMatchObject({ value: 'token-1' });

  await vi.advanceTimersByTimeAsync(3_590_000);
  await cache.get();
  await vi.advanceTimersByTimeAsync(0);

  expect(await cache.get()).toMatchObject({ value: 'token-2' });
});

it('shares a token that the provider prolongs instead of replacing it', async () => {
  const store = storeOf();
  const request = vi.fn<TokenRequest>(async () => ({ access_token: 'session', expires_in: 60 }));
  const caches = Array.from({ length: 8 }, () => tokenCache({ ...store, request, random: () => 0 }));
  for (const cache of caches) await cache.get();

  await vi.advanceTimersByTimeAsync(40_000);
  for (const cache of caches) {
    await cache.get();
    await vi.advanceTimersByTimeAsync(1);
  }

  expect(request).toHaveBeenCalledTimes(2);
});

it('takes nothing for prolonged that clocks may account for', async () => {
  const store = storeOf();
  const { request, cache } = cacheOf({ ...store, random: () => 0 });
  await cache.get();
  await vi.advanceTimersByTimeAsync(3_570_000);
  vi.setSystemTime(Date.now() - 900);

  await cache.get();
  await vi.advanceTimersByTimeAsync(0);

  expect(request).toHaveBeenCalledTimes(2);
});

it('shares a token that never expires, though JSON has no Infinity', async () => {
  const store = storeOf();
  const request = vi.fn(issuer({ expires_in: undefined }));
  const caches = [1, 2, 3].map(() => tokenCache({ ...store, request, defaultLifetimeMs: Infinity }));

  for (const cache of caches) await cache.get();

  expect(request).toHaveBeenCalledTimes(1);
  expect(new Date(store.tokens.get('default')!.expiresAtMs).getFullYear()).toBeGreaterThan(9_999);
});

it.each([{}, { accessToken: 'x' }, { accessToken: 'a\nb', expiresAtMs: 9e15 }, 'junk'])(
  'a shared store is ignored where it holds %j',
  async (junk) => {
    const { cache } = cacheOf({ load: async () => junk as StoredToken });

    expect(await cache.get()).toEqual({ value: 'token-1', isFresh: true });
  },
);

it('asks once even if the lock calls twice, late, or fails half-way', async () => {
  const { request, cache } = cacheOf({
    lock: async (_key, work) => {
      const first = work();
      void work();
      await first;
      throw new Error('lock lost');
    },
  });

  expect(await cache.get()).toMatchObject({ value: 'token-1' });

  expect(request).toHaveBeenCalledTimes(1);
});

it("passes the request's own failure through the lock, which is not to blame", async () => {
  const failure = new TypeError('fetch failed');
  const onEvent = vi.fn();
  const { cache } = cacheOf({ ...storeOf(), request: failing(failure), onEvent });

  await expect(cache.get()).rejects.toBe(failure);

  expect(onEvent.mock.calls.map(([{ type }]) => type)).toEqual(['token-failed']);
});

it('a shared store may bring a token even while a refusal is held', async () => {
  const store = storeOf();
  const { cache } = cacheOf({ ...store, request: failing(new TokenRequestError(400, 'invalid_grant')) });
  await cache.get().catch(() => {});

  await store.save('default', stored('theirs', 60_000));

  expect(await cache.get()).toMatchObject({ value: 'theirs' });
});

function cacheOf(options: Partial<TokenCacheOptions>) {
  const request = vi.fn(options.request ?? issuer());
  return { request, cache: tokenCache({ ...options, request }) };
}

/** Issues token-1, token-2 and so on, good for an hour unless told otherwise. */
function issuer(answer: Partial<Record<keyof TokenResponse, unknown>> = {}): TokenRequest {
  let issued = 0;
  return async () => {
    issued += 1;
    return { expires_in: 3_600, ...answer, access_token: `token-${issued}` } as TokenResponse;
  };
}

function slow(afterMs = 1_000, answer: Partial<TokenResponse> = {}): TokenRequest {
  return () => new Promise((resolve) => setTimeout(resolve, afterMs, { access_token: 'slow', ...answer }));
}

function failing(error: Error): TokenRequest {
  return async () => {
    throw error;
  };
}

function stored(accessToken: string, leftMs: number): StoredToken {
  return { accessToken, expiresAtMs: Date.now() + leftMs };
}

/** What a store that several processes share does, in one. */
function storeOf() {
  const tokens = new Map<string, StoredToken>();
  let last = Promise.resolve();
  return {
    tokens,
    load: async (key: string) => tokens.get(key),
    save: async (key: string, token: StoredToken) => void tokens.set(key, JSON.parse(JSON.stringify(token))),
    lock: (_key: string, work: () => Promise<void>) => {
      const mine = last.then(work);
      last = mine.catch(() => {});
      return mine;
    },
  };
}
