import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type TokenCacheOptions, type TokenRequest, type TokenResponse, tokenCache } from './token-cache.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('early refresh', () => {
  it('hands out the valid token at once while one refresh runs behind it', async () => {
    const { request, cache } = cacheOf({ random: () => 0 });
    await cache.get();

    await vi.advanceTimersByTimeAsync(3_569_999);
    await cache.get();
    expect(request).toHaveBeenCalledTimes(1);

    await vi.advanceTimersByTimeAsync(1);
    const during = await Promise.all([cache.get(), cache.get(), cache.get()]);
    expect(during).toEqual(Array(3).fill({ value: 'token-1', isFresh: false }));
    await vi.advanceTimersByTimeAsync(0);
    expect(request).toHaveBeenCalledTimes(2);
    expect(await cache.get()).toEqual({ value: 'token-2', isFresh: false });
  });

  it.each([
    [0, 30_000],
    [0.5, 22_500],
    [1, 15_000],
  ])('with a random of %s begins %s ms before the end', async (random, earlyMs) => {
    const { request, cache } = cacheOf({ random: () => random });
    await cache.get();

    await vi.advanceTimersByTimeAsync(3_600_000 - earlyMs - 1);
    await cache.get();
    await vi.advanceTimersByTimeAsync(0);
    expect(request).toHaveBeenCalledTimes(1);

    await vi.advanceTimersByTimeAsync(1);
    await cache.get();
    await vi.advanceTimersByTimeAsync(0);
    expect(request).toHaveBeenCalledTimes(2);
  });

  it('hurts nobody by failing until the token really is out', async () => {
    const request = vi.fn(issuer());
    const { cache } = cacheOf({ request });
    await cache.get();
    request.mockRejectedValue(new TypeError('fetch failed'));

    for (let second = 3_570; second < 3_600; second += 1) {
      await vi.advanceTimersByTimeAsync(second * 1_000 - performance.now());
      expect(await cache.get()).toMatchObject({ value: 'token-1' });
    }

    await vi.advanceTimersByTimeAsync(1_000);
    await expect(cache.get()).rejects.toThrow('fetch failed');
  });

  it('does not repeat a failed early refresh for a tenth of what is left, at least a second', async () => {
    const request = vi.fn(issuer());
    const { cache } = cacheOf({ request, refreshBeforeMs: 100_000, random: () => 0 });
    await cache.get();
    const startedAtMs: number[] = [];
    request.mockImplementation(async () => {
      startedAtMs.push(3_600_000 - performance.now());
      throw new TypeError('fetch failed');
    });

    await vi.advanceTimersByTimeAsync(3_500_000);
    for (let step = 0; step < 1_000; step += 1) {
      await Promise.all([cache.get(), cache.get()]);
      await vi.advanceTimersByTimeAsync(100);
      if (performance.now() >= 3_599_900) break;
    }

    const waitsMs = startedAtMs.slice(1).map((leftMs, index) => startedAtMs[index]! - leftMs);
    expect(startedAtMs[0]).toBe(100_000);
    expect(waitsMs[0]).toBe(10_000);
    waitsMs.forEach((waitMs, index) => {
      expect(waitMs).toBeGreaterThanOrEqual(Math.max(1_000, startedAtMs[index]! / 10));
    });
    expect(Math.min(...waitsMs)).toBe(1_000);
  });

  it('lets callers join the refresh that is under way when the token runs out', async () => {
    const request = vi.fn(issuer());
    const { cache } = cacheOf({ request });
    await cache.get();
    request.mockImplementation(slow(20_000));

    await vi.advanceTimersByTimeAsync(3_590_000);
    await cache.get();
    await vi.advanceTimersByTimeAsync(10_000);
    const late = Promise.all([cache.get(), cache.get()]);
    await vi.advanceTimersByTimeAsync(10_000);

    expect(await late).toEqual(Array(2).fill({ value: 'slow', isFresh: true }));
    expect(request).toHaveBeenCalledTimes(2);
  });
});

describe('expiry', () => {
  it('counts from before the token request was sent', async () => {
    const request = vi.fn(slow(10_000, { expires_in: 60 }));
    const { cache } = cacheOf({ request, refreshBeforeMs: 0 });
    const first = cache.get();
    await vi.advanceTimersByTimeAsync(10_000);
    await first;

    await vi.advanceTimersByTimeAsync(49_999);
    expect(await cache.get()).toMatchObject({ isFresh: false });

    await vi.advanceTimersByTimeAsync(1);
    void cache.get();
    await vi.advanceTimersByTimeAsync(0);
    expect(request).toHaveBeenCalledTimes(2);
  });

  it.each([
    ['a number', 60, 60_000],
    ['a numeric string', '60', 60_000],
    ['a fraction', 1.5, 1_500],
    ['missing', undefined, 7_000],
    ['null', null, 7_000],
  ])('reads an expires_in that is %s', async (_what, expires_in, lifetimeMs) => {
    const { request, cache } = cacheOf({
      request: issuer({ expires_in }),
      defaultLifetimeMs: 7_000,
      refreshBeforeMs: 0,
    });
    await cache.get();

    await vi.advanceTimersByTimeAsync(lifetimeMs - 1);
    await cache.get();
    expect(request).toHaveBeenCalledTimes(1);

    await vi.advanceTimersByTimeAsync(1);
    await cache.get();
    expect(request).toHaveBeenCalledTimes(2);
  });

  it.each([0, -1, '0', '-60', '', 'soon', true, {}, Infinity, '1e400'])(
    'gives a token with an expires_in of %j to those who wait, then keeps requests a second apart',
    async (expires_in) => {
      const { request, cache } = cacheOf({ request: issuer({ expires_in: expires_in as number }) });

      const waiting = await Promise.all([cache.get(), cache.get(), cache.get()]);
      expect(waiting).toEqual(Array(3).fill({ value: 'token-1', isFresh: true }));

      const next = Promise.all([cache.get(), cache.get()]);
      await vi.advanceTimersByTimeAsync(999);
      expect(request).toHaveBeenCalledTimes(1);
      await vi.advanceTimersByTimeAsync(1);
      expect(await next).toEqual(Array(2).fill({ value: 'token-2', isFresh: true }));
    },
  );

  it('uses a token shorter than the refresh window, without a storm', async () => {
    const { request, cache } = cacheOf({ request: issuer({ expires_in: 10 }), random: () => 0 });
    await cache.get();

    for (let tick = 0; tick < 1_000; tick += 1) {
      await vi.advanceTimersByTimeAsync(100);
      expect(await cache.get()).toMatchObject({ isFresh: false });
    }

    expect(request.mock.calls.length).toBeLessThanOrEqual(21);
  });

  it('may never come', async () => {
    const { request, cache } = cacheOf({ request: issuer({ expires_in: undefined }), defaultLifetimeMs: Infinity });
    await cache.get();

    await vi.advanceTimersByTimeAsync(1e12);
    await cache.get();

    expect(request).toHaveBeenCalledTimes(1);
  });

  it("does not heed the wall clock's jumps", async () => {
    const { request, cache } = cacheOf({});
    await cache.get();

    vi.setSystemTime(Date.now() + 86_400_000);
    await cache.get();
    vi.setSystemTime(0);
    await cache.get();
    await vi.advanceTimersByTimeAsync(0);

    expect(request).toHaveBeenCalledTimes(1);
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
