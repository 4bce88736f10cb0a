import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { TokenRequestError } from './oauth.ts';
import {
  type TokenCacheEvent,
  type TokenCacheOptions,
  type TokenRequest,
  type TokenResponse,
  tokenCache,
} from './token-cache.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('single flight', () => {
  it('asks once for any number of callers', async () => {
    const { request, cache } = cacheOf({});

    const tokens = await Promise.all(Array.from({ length: 50 }, () => cache.get()));

    expect(request).toHaveBeenCalledTimes(1);
    expect(new Set(tokens.map(({ value }) => value))).toEqual(new Set(['token-1']));
  });

  it('asks once per key', async () => {
    const { request, cache } = cacheOf({});

    await Promise.all(['a', 'b', 'a', 'b'].map((key) => cache.get({ key })));

    expect(request.mock.calls.map(([{ key }]) => key)).toEqual(['a', 'b']);
  });

  it("ends one caller's wait with the caller's own reason, and no other's", async () => {
    const { cache } = cacheOf({ request: slow() });
    const caller = new AbortController();
    const leaving = cache.get({ signal: caller.signal });
    const staying = cache.get();
    const reason = { mine: true };

    caller.abort(reason);

    await expect(leaving).rejects.toBe(reason);
    await vi.advanceTimersByTimeAsync(1_000);
    await expect(staying).resolves.toMatchObject({ value: 'slow' });
  });

  it('lets the request finish when every caller has left, since its refresh token may be the-only-one', async () => {
    const request = vi.fn(slow());
    const { cache } = cacheOf({ request });
    const caller = new AbortController();
    const leaving = cache.get({ signal: caller.signal });

    caller.abort('gone');
    await expect(leaving).rejects.toBe('gone');
    await vi.advanceTimersByTimeAsync(1_000);

    expect(await cache.get()).toEqual({ value: 'slow', isFresh: false });
    expect(request).toHaveBeenCalledTimes(1);
  });

  it('asks nobody for a caller who has already left', async () => {
    const { request, cache } = cacheOf({});

    await expect(cache.get({ signal: AbortSignal.abort('gone') })).rejects.toBe('gone');

    expect(request).not.toHaveBeenCalled();
  });

  it.each(['answered', 'failed', 'aborted'])('leaves no listener behind when %s', async (how) => {
    const caller = new AbortController();
    const listeners = countListeners(caller.signal);
    const { cache } = cacheOf({ request: how === 'failed' ? failing(new TypeError('fetch failed')) : slow() });

    const token = cache.get({ signal: caller.signal }).catch(() => {});
    await vi.advanceTimersByTimeAsync(1);
    if (how === 'aborted') caller.abort();
    await vi.advanceTimersByTimeAsync(1_000);
    await token;

    expect(listeners()).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('forgets a failed flight at once', async () => {
    const request = vi.fn(issuer());
    request.mockRejectedValueOnce(new TypeError('fetch failed'));
    const { cache } = cacheOf({ request });

    const failed = await Promise.allSettled([cache.get(), cache.get()]);

    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await cache.get()).toMatchObject({ value: 'token-1' });
    expect(request).toHaveBeenCalledTimes(2);
  });
});

describe('a rejected token', () => {
  it('is not given again, however late and in whatever order others are rejected', async () => {
    const onEvent = vi.fn();
    const { request, cache } = cacheOf({ onEvent });
    const first = { ...(await cache.get()), isFresh: false };
    cache.reject(first);
    const second = { ...(await cache.get()), isFresh: false };

    expect([second, first, second, first].map((token) => cache.reject(token))).toEqual(Array(4).fill(true));

    expect(await cache.get()).toMatchObject({ value: 'token-3' });
    expect(request).toHaveBeenCalledTimes(3);
    expect(onEvent.mock.calls.filter(([{ type }]) => type === 'token-rejected')).toHaveLength(2);
  });

  it('does not take its successor with it', async () => {
    const { request, cache } = cacheOf({});
    const first = { ...(await cache.get()), isFresh: false };
    cache.reject(first);
    await cache.get();

    cache.reject(first);

    expect(await cache.get()).toEqual({ value: 'token-2', isFresh: false });
    expect(request).toHaveBeenCalledTimes(2);
  });

  it('is kept when the endpoint insists on it', async () => {
    const { request, cache } = cacheOf({ request: async () => ({ access_token: 'the-only-one' }) });
    cache.reject({ ...(await cache.get()), isFresh: false });

    expect(await cache.get()).toEqual({ value: 'the-only-one', isFresh: true });
    expect(await cache.get()).toEqual({ value: 'the-only-one', isFresh: false });

    expect(request).toHaveBeenCalledTimes(2);
  });

  it.each(['ended', 'been replaced'])('is worth another, fresh as it was, once it has %s', async (what) => {
    const { cache } = cacheOf({});
    const slow = await cache.get();

    if (what === 'ended') await vi.advanceTimersByTimeAsync(3_600_000);
    else cache.reject({ ...slow, isFresh: false });
    expect(slow.isFresh && cache.reject(slow)).toBe(true);

    const another = await cache.get();
    expect(another).toEqual({ value: 'token-2', isFresh: true });
    cache.reject(another);
    expect(cache.reject(slow)).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(cache.reject(slow)).toBe(true);
  });

  it('need not be known', () => {
    const { cache } = cacheOf({});

    expect(cache.reject({ value: 'forgotten', isFresh: false })).toBe(true);
    expect(cache.reject({ value: 'forgotten', isFresh: true })).toBe(false);
  });
});

describe('refusals', () => {
  it.each([
    'invalid_client',
    'unauthorized_client',
    'invalid_scope',
    'unsupported_grant_type',
    'invalid_grant',
    'access_denied',
    'incorrect_client_credentials', // GitHub
    'bad_refresh_token',
    'bad_client_secret', // Slack
    'invalid_refresh_token',
  ])('repeats %s for a minute without asking again', async (code) => {
    const refusal = new TokenRequestError(400, code);
    const { request, cache } = cacheOf({ request: failing(refusal) });

    for (let second = 0; second < 60; second += 1) {
      await expect(cache.get()).rejects.toBe(refusal);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(request).toHaveBeenCalledTimes(1);

    await expect(cache.get()).rejects.toBe(refusal);
    expect(request).toHaveBeenCalledTimes(2);
  });

  it('holds one key, not the others', async () => {
    const { cache } = cacheOf({
      request: async ({ key }) => {
        if (key === 'bad') throw new TokenRequestError(401);
        return { access_token: 'good' };
      },
    });

    await expect(cache.get({ key: 'bad' })).rejects.toMatchObject({ code: 'invalid_client' });

    await expect(cache.get({ key: 'good' })).resolves.toMatchObject({ value: 'good' });
  });

  it.each([
    new TokenRequestError(503),
    new TokenRequestError(502, 'bad_gateway'),
    new TokenRequestError(429, 'slow_down'),
    new TypeError('fetch failed'),
  ])('asks again after %s', async (passing) => {
    const { request, cache } = cacheOf({ request: failing(passing) });

    await expect(cache.get()).rejects.toBe(passing);
    await expect(cache.get()).rejects.toBe(passing);

    expect(request).toHaveBeenCalledTimes(2);
  });

  it('goes by the name of the error, so a copied file can throw it', async () => {
    const copied = Object.assign(new Error('refused'), { name: 'TokenRequestError', code: 'invalid_client' });
    const { request, cache } = cacheOf({ request: failing(copied) });

    await Promise.allSettled([cache.get()]);
    await expect(cache.get()).rejects.toBe(copied);

    expect(request).toHaveBeenCalledTimes(1);
  });

  it('lets a held early refresh hurt nobody', async () => {
    const request = vi.fn(issuer());
    const { cache } = cacheOf({ request });
    await cache.get();
    request.mockRejectedValue(new TokenRequestError(400, 'invalid_client'));

    await vi.advanceTimersByTimeAsync(3_590_000);
    for (let tick = 0; tick < 9; tick += 1) {
      expect(await cache.get()).toMatchObject({ value: 'token-1' });
      await vi.advanceTimersByTimeAsync(1_000);
    }

    expect(request).toHaveBeenCalledTimes(2);
  });
});

describe('keys', () => {
  it('forgets the least recently used past maxKeys', async () => {
    const { request, cache } = cacheOf({ maxKeys: 2 });
    for (const key of ['a', 'b', 'a', 'c', 'a']) await cache.get({ key });
    expect(request).toHaveBeenCalledTimes(3);

    await cache.get({ key: 'b' });

    expect(request).toHaveBeenCalledTimes(4);
  });

  it('forgets nothing while there is room', async () => {
    const { request, cache } = cacheOf({ maxKeys: 2 });

    for (const key of ['a', 'b', 'b', 'a']) await cache.get({ key });

    expect(request).toHaveBeenCalledTimes(2);
  });

  it('never forgets a key whose token is being requested', async () => {
    const request = vi.fn(slow());
    const { cache } = cacheOf({ request, maxKeys: 1 });
    const tokens = ['a', 'b', 'a', 'b'].map((key) => cache.get({ key }));

    await vi.advanceTimersByTimeAsync(1_000);
    await Promise.all(tokens);

    expect(request).toHaveBeenCalledTimes(2);
  });

  it('past maxKeys looks at a few for each key that is new, however many tokens are on their way', async () => {
    const { cache } = cacheOf({ request: slow(), maxKeys: 10 });
    const visits = countVisits();

    const tokens = Array.from({ length: 100 }, (_, index) => cache.get({ key: `${index}` }));
    expect(visits()).toBeLessThanOrEqual(200);

    await vi.advanceTimersByTimeAsync(1_000);
    await Promise.all(tokens);
  });

  it('forgets others while the oldest is being requested', async () => {
    const { request, cache } = cacheOf({ maxKeys: 2 });
    request.mockReturnValueOnce(new Promise(() => {}));
    void cache.get({ key: 'hanging' });

    for (const key of ['a', 'b', 'c', 'd', 'a']) await cache.get({ key });
    void cache.get({ key: 'hanging' });

    expect(request.mock.calls.map(([{ key }]) => key)).toEqual(['hanging', 'a', 'b', 'c', 'd', 'a']);
  });
});

describe('bad answers', () => {
  it.each([undefined, null, 'token', {}, { access_token: 7 }, { access_token: '' }, { access_token: 'a\nb' }])(
    'refuses %j, quoting nothing',
    async (answer) => {
      const { cache } = cacheOf({ request: async () => answer as TokenResponse });

      const error: unknown = await cache.get().catch((error) => error);
      expect(error).toMatchObject({ name: 'TokenRequestError', message: 'No access token: no usable answer' });
    },
  );
});

describe('secrets', () => {
  it('shows none through inspect, JSON or events, whatever happens', async () => {
    const events: TokenCacheEvent[] = [];
    const secrets = { access_token: 'SECRET.access', refresh_token: 'SECRET.refresh' };
    const request = vi.fn<TokenRequest>(async () => ({ ...secrets, expires_in: 10 }));
    const { cache } = cacheOf({
      request,
      load: async () => JSON.parse('SECRET'),
      save: async () => Promise.reject(new Error('could not write SECRET')),
      onEvent: (event) => events.push(event),
    });

    const token = await cache.get();
    cache.reject({ ...token, isFresh: false });
    request.mockRejectedValueOnce(new Error('no SECRET', { cause: secrets }));
    await cache.get().catch(() => {});

    const shown = inspect(cache, { showHidden: true, depth: Infinity }) + JSON.stringify(cache);
    expect(shown + inspect(events, { depth: Infinity })).not.toContain('SECRET');
    expect(events.map(({ type }) => type)).toEqual([
      'store-failed',
      'token-received',
      'store-failed',
      'token-rejected',
      'token-failed',
    ]);
  });

  it('keeps only what looks like a code of what the endpoint says', () => {
    const error = new TokenRequestError(400, 'SECRET-9 is unknown');

    expect(inspect(error)).not.toContain('SECRET');
    expect(error).toMatchObject({ name: 'TokenRequestError', status: 400, code: undefined });
  });
});

describe('events', () => {
  it('tells durations and lifetimes', async () => {
    const onEvent = vi.fn();
    const { cache } = cacheOf({ request: slow(1_000, { expires_in: 60 }), onEvent });
    void cache.get({ key: 'a' });
    await vi.advanceTimersByTimeAsync(1_000);

    expect(onEvent.mock.calls).toEqual([[{ type: 'token-received', key: 'a', durationMs: 1_000, lifetimeMs: 60_000 }]]);
  });

  it('are not the callers’ concern when the observer throws or rejects', async () => {
    const onEvent = vi.fn().mockRejectedValueOnce(new Error('later')).mockThrow(new Error('at once'));
    const { cache } = cacheOf({ onEvent });

    const token = await cache.get();

    expect(cache.reject({ ...token, isFresh: false })).toBe(true);
    expect(onEvent).toHaveBeenCalledTimes(2);
  });
});

describe('misuse', () => {
  it.each([
    ['request', undefined],
    ['request', 'token'],
    ['load', true],
    ['save', 'file'],
    ['lock', {}],
    ['onEvent', 'log'],
    ['random', 0.5],
    ['refreshBeforeMs', -1],
    ['refreshBeforeMs', NaN],
    ['defaultLifetimeMs', 0],
    ['maxKeys', 0],
  ])('refuses %s %s when the cache is made', (option, value) => {
    const type = typeof value === 'number' && option !== 'random' ? RangeError : TypeError;

    expect(() => tokenCache({ request: issuer(), [option]: value })).toThrow(type);
    expect(() => tokenCache({ request: issuer(), [option]: value })).toThrow(`tokenCache: ${option} must be`);
  });
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

function countListeners(signal: AbortSignal): () => number {
  const added = vi.spyOn(signal, 'addEventListener');
  const removed = vi.spyOn(signal, 'removeEventListener');
  return () => added.mock.calls.length - removed.mock.calls.length;
}

/** Counts the entries that loops over a `Map` come by. */
function countVisits(): () => number {
  const entries = Map.prototype[Symbol.iterator];
  let visits = 0;
  const spy = vi.spyOn(Map.prototype, Symbol.iterator).mockImplementation(function* (this: Map<unknown, unknown>) {
    for (const entry of { [Symbol.iterator]: () => entries.call(this) }) {
      visits += 1;
      yield entry;
    }
  } as () => MapIterator<[unknown, unknown]>);
  onTestFinished(() => spy.mockRestore());
  return () => visits;
}
