import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { adaptiveThrottle, type Fetch } from './adaptive-throttle.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const windows: [limit: number, windowMs: number][] = [
  [10, 1_000],
  [100, 1_000],
  [100, 10_000],
  [150, 60_000],
];
const seeds = [1, 2];
const runs = windows.flatMap(([limit, windowMs]) => seeds.map((seed) => ({ limit, windowMs, seed })));

describe('uses the quota to the end, but not over', () => {
  it.each(runs)('fixed window, $limit per $windowMs ms, seed $seed', async (run) => {
    const { share, refused } = await drive(fixedWindow(run), run);

    expect(share).toBeGreaterThanOrEqual(0.99);
    expect(refused).toBe(0);
  });

  describe.each(['ceil', 'floor', 'round', 'epoch', 'ietf'] as const)('whole-second resets (%s)', (spelling) => {
    it.each(runs.filter(({ windowMs }) => windowMs >= 5_000))('$limit per $windowMs ms, seed $seed', async (run) => {
      const { share, refused } = await drive(fixedWindow({ ...run, spelling }), run);

      expect(share).toBeGreaterThanOrEqual(0.98);
      expect(refused).toBe(0);
    });
  });

  it.each([
    ['fraction', 0.99],
    ['ceil', 0.5],
    ['floor', 0.8],
    ['round', 0.6],
    ['epoch', 0.4],
    ['ietf', 0.4],
  ] as const)(
    'short window over a slow line, whose answers may tell of the one before (%s)',
    async (spelling, least) => {
      for (let seed = 0; seed < 20; seed++) {
        const run = { limit: 10, windowMs: 2_000, seed, spelling, mostLagMs: 300 };
        const { share, refused } = await drive(fixedWindow(run), run);

        expect(refused, `seed ${seed}`).toBe(0);
        expect(share, `seed ${seed}`).toBeGreaterThanOrEqual(least);
      }
    },
  );

  it.each(runs)('sliding window, $limit per $windowMs ms, seed $seed', async (run) => {
    const { share, refused } = await drive(slidingWindow(run), run);

    expect(share).toBeGreaterThanOrEqual(0.95);
    expect(refused).toBe(0);
  });

  it.each(seeds)('sliding window that tells only when all of it is back: most of it, seed %i', async (seed) => {
    const run = { limit: 100, windowMs: 10_000, seed };
    const { share, refused } = await drive(slidingWindow({ ...run, resetUntil: 'full' }), run);

    expect(share).toBeGreaterThanOrEqual(0.88);
    expect(refused).toBe(0);
  });

  describe.each(['full', 'next'] as const)('token bucket, reset until %s', (resetUntil) => {
    it.each(runs.filter(({ limit }) => limit > 10))('$limit per $windowMs ms, seed $seed', async (run) => {
      const { share, refused } = await drive(tokenBucket({ ...run, resetUntil }), run);

      expect(share).toBeGreaterThanOrEqual(0.95);
      expect(refused).toBe(0);
    });
  });

  it.each(['ceil', 'ietf'] as const)('token bucket in whole seconds (%s)', async (spelling) => {
    const run = { limit: 60, windowMs: 6_000, seed: 1 };
    const { share, refused } = await drive(tokenBucket({ ...run, resetUntil: 'full', spelling }), run);

    expect(share).toBeGreaterThanOrEqual(0.97);
    expect(refused).toBe(0);
  });

  it.each(seeds)('token bucket over a slow line, on which requests overtake each other, seed %i', async (seed) => {
    const run = { limit: 60, windowMs: 6_000, seed, mostLagMs: 300 };
    const { share, refused } = await drive(tokenBucket({ ...run, resetUntil: 'full', spelling: 'ietf' }), run);

    expect(share).toBeGreaterThanOrEqual(0.95);
    expect(refused).toBe(0);
  });
});

it.each(seeds)('takes a bucket of tokens for no bucket of requests, seed %i', async (seed) => {
  const run = { limit: 100, windowMs: 10_000, seed };
  const provider = tokenBucket({ ...run, resetUntil: 'full', spelling: 'ietf', cost: 5 });
  const { share, refused } = await drive(provider, run);

  expect(refused).toBe(0);
  expect(share).toBeGreaterThanOrEqual(0.8);
});

describe('with others on the same quota', () => {
  it('is refused seldom as one of a crowd on a bucket that is always empty', async () => {
    const run = { limit: 60, windowMs: 6_000, seed: 1 };
    const { share, refused, accepted } = await crowd(tokenBucket({ ...run, resetUntil: 'next', spelling: 'ceil' }), 50);

    expect(share).toBeGreaterThanOrEqual(0.95);
    expect(refused / (refused + accepted)).toBeLessThan(0.3);
  });

  it.each([
    { clients: 2, limit: 60, windowMs: 6_000, spelling: 'ietf', least: 0.95 },
    { clients: 3, limit: 60, windowMs: 6_000, spelling: 'ietf', least: 0.95 },
    { clients: 10, limit: 60, windowMs: 6_000, spelling: 'ietf', least: 0.95 },
    { clients: 100, limit: 60, windowMs: 6_000, spelling: 'ietf', least: 0.95 },
    // Of so slow a bucket they are not quite done with settling.
    { clients: 10, limit: 40, windowMs: 20_000, spelling: 'shopify', least: 0.9 },
  ] as const)('gets as much of a bucket as each of $clients, and none is refused ($spelling)', async (wire) => {
    const { clients } = wire;
    const provider = tokenBucket({ ...wire, resetUntil: 'full', seed: 1 });
    const { share, refused, accepted, fairness } = await crowd(provider, clients, 100 / clients);

    expect(share).toBeGreaterThanOrEqual(wire.least);
    expect(refused / (refused + accepted)).toBeLessThan(0.01);
    expect(fairness).toBeGreaterThanOrEqual(wire.least);
  });

  it('takes nobody for another where a bucket was full', async () => {
    const provider = tokenBucket({ limit: 60, windowMs: 6_000, seed: 1, resetUntil: 'full', spelling: 'ietf' });
    const send = adaptiveThrottle()(provider.fetch);
    const inTurn = async () => {
      for (let count = 0; count < 60; count += 1) await Promise.all([send('https://api.test/items'), after(1_000)]);
    };
    void inTurn();
    await vi.advanceTimersByTimeAsync(61_000);
    const before = provider.accepted;
    for (let count = 0; count < 30; count += 1) void send('https://api.test/items');
    await vi.advanceTimersByTimeAsync(500);

    expect(provider.accepted - before).toBe(30);
  });

  it('stops in time as one of a crowd on a window', async () => {
    const run = { limit: 600, windowMs: 60_000, seed: 1 };
    const { share, refused, accepted } = await crowd(fixedWindow({ ...run, spelling: 'ceil' }), 100);

    expect(share).toBeGreaterThanOrEqual(0.95);
    expect(refused / (refused + accepted)).toBeLessThan(0.01);
  });

  it.each(seeds)('uses what a steady tenant leaves, and is all but never refused, seed %i', async (seed) => {
    const run = { limit: 100, windowMs: 10_000, seed };
    const provider = fixedWindow(run);
    // Half the quota, spread over the window.
    const tenant = setInterval(() => provider.take(), 200);
    const { share, refused, accepted } = await drive(provider, run);
    clearInterval(tenant);

    expect(share).toBeGreaterThanOrEqual(0.95);
    expect(refused / accepted).toBeLessThan(0.02);
  });

  it.each(seeds)('leaves a tenant that takes its time the larger part of its own, seed %i', async (seed) => {
    const run = { limit: 200, windowMs: 10_000, seed };
    const provider = fixedWindow(run);
    let granted = 0;
    let asked = 0;
    const tenant = setInterval(() => {
      asked += 1;
      if (provider.take().isAccepted) granted += 1;
    }, 100);
    await drive(provider, run);
    clearInterval(tenant);

    expect(granted / asked).toBeGreaterThan(0.7);
  });
});

interface Run {
  readonly limit: number;
  readonly windowMs: number;
  readonly seed: number;
}

interface Wire {
  /** Each way; 10 ms at the least. */
  readonly mostLagMs?: number;
  readonly spelling?: 'fraction' | 'ceil' | 'floor' | 'round' | 'epoch' | 'ietf' | 'shopify';
}

interface Refill {
  readonly resetUntil?: 'full' | 'next';
  /** What a request takes, told in tokens where it is not 1. */
  readonly cost?: number;
}

interface Verdict {
  readonly isAccepted: boolean;
  readonly remaining: number;
  readonly resetMs: number;
}

interface Provider {
  /** One request arrives now. */
  take(): Verdict;
  readonly fetch: Fetch;
  /** What could have been served until now, and what was. */
  used(): { capacity: number; served: number };
  readonly accepted: number;
  readonly refused: number;
}

/** As many workers as can be busy ask for eight windows; how much of the quota do they get? */
async function drive(provider: Provider, { limit, windowMs, seed }: Run) {
  const send = adaptiveThrottle({ random: chance(seed) })(provider.fetch);
  let isOver = false;
  const worker = async () => {
    while (!isOver) await send('https://api.test/items');
  };
  for (let i = 0; i < limit * 1.2; i++) void worker();
  await vi.advanceTimersByTimeAsync(8 * windowMs);
  isOver = true;

  const { capacity, served } = provider.used();
  return { share: served / capacity, refused: provider.refused, accepted: provider.accepted };
}

/** Clients that know nothing of each other ask with some workers each, for five minutes; the first two are for settling. */
async function crowd(provider: Provider, clients: number, workers = 1) {
  let isOver = false;
  const served: number[] = Array(clients).fill(0);
  const client = async (seed: number) => {
    const random = chance(seed);
    await after(60_000 * random());
    const send = adaptiveThrottle({ random })(provider.fetch);
    const worker = async () => {
      while (!isOver) if ((await send('https://api.test/items')).ok) served[seed]! += 1;
    };
    for (let count = 0; count < workers; count += 1) void worker();
  };
  for (let seed = 0; seed < clients; seed += 1) void client(seed);
  await vi.advanceTimersByTimeAsync(120_000);
  const before = { ...provider.used(), refused: provider.refused, accepted: provider.accepted };
  served.fill(0);
  await vi.advanceTimersByTimeAsync(180_000);
  isOver = true;

  const { capacity, served: all } = provider.used();
  return {
    share: (all - before.served) / (capacity - before.capacity),
    refused: provider.refused - before.refused,
    accepted: provider.accepted - before.accepted,
    /** Jain's index. */
    fairness: served.reduce((sum, n) => sum + n, 0) ** 2 / (clients * served.reduce((sum, n) => sum + n * n, 0)),
  };
}

function fixedWindow({ limit, windowMs, seed, ...wire }: Run & Wire): Provider {
  // The first window is under way already.
  const phaseMs = chance(seed)() * windowMs;
  const startedAt = performance.now() - phaseMs;
  const counts = new Map<number, number>();

  return provide(
    { limit, windowMs, seed, ...wire },
    () => {
      const index = Math.floor((performance.now() - startedAt) / windowMs);
      const count = counts.get(index) ?? 0;
      counts.set(index, Math.min(limit, count + 1));
      return {
        isAccepted: count < limit,
        remaining: Math.max(0, limit - count - 1),
        resetMs: startedAt + (index + 1) * windowMs - performance.now(),
      };
    },
    () => {
      const last = Math.floor((performance.now() - startedAt) / windowMs);
      const whole = [...counts].filter(([index]) => index > 0 && index < last);
      return { capacity: limit * (last - 1), served: whole.reduce((sum, [, count]) => sum + count, 0) };
    },
  );
}

/** Remembers every request; the reset is when the oldest is forgotten, or when all are. */
function slidingWindow({ limit, windowMs, seed, resetUntil = 'next', ...wire }: Run & Wire & Refill): Provider {
  const startedAt = performance.now();
  let log: number[] = [];
  let served = 0;

  return provide(
    { limit, windowMs, seed, ...wire },
    () => {
      const now = performance.now();
      log = log.filter((at) => at > now - windowMs);
      const isAccepted = log.length < limit;
      if (isAccepted) log.push(now);
      if (isAccepted) served += 1;
      return {
        isAccepted,
        remaining: limit - log.length,
        resetMs: log.at(resetUntil === 'full' ? -1 : 0)! + windowMs - now,
      };
    },
    () => ({ capacity: (limit * (performance.now() - startedAt)) / windowMs, served }),
  );
}

function tokenBucket({ limit, windowMs, seed, resetUntil, cost = 1, ...wire }: Run & Wire & Refill): Provider {
  const startedAt = performance.now();
  const perMs = limit / windowMs;
  let tokens = limit;
  let filledAt = startedAt;
  let served = 0;

  return provide(
    { limit, windowMs, seed, unit: cost === 1 ? '' : ';qu="tokens"', ...wire },
    () => {
      const now = performance.now();
      tokens = Math.min(limit, tokens + (now - filledAt) * perMs);
      filledAt = now;
      const isAccepted = tokens >= cost;
      if (isAccepted) tokens -= cost;
      if (isAccepted) served += cost;
      const missing = resetUntil === 'full' ? limit - tokens : 1 - (tokens % 1);
      return { isAccepted, remaining: Math.floor(tokens), resetMs: missing / perMs };
    },
    () => ({ capacity: limit + (performance.now() - startedAt) * perMs, served }),
  );
}

const inWords = {
  fraction: (seconds: number) => seconds.toFixed(3),
  ceil: (seconds: number) => `${Math.ceil(seconds)}`,
  floor: (seconds: number) => `${Math.floor(seconds)}`,
  round: (seconds: number) => `${Math.round(seconds)}`,
  epoch: (seconds: number) => `${Math.ceil(Date.now() / 1_000 + seconds)}`,
};

/** Puts a limit on the wire: 10 to 30 ms there unless told otherwise, as much back, so that requests and answers overtake each other. */
function provide(
  { limit, windowMs, seed, spelling = 'fraction', mostLagMs = 30, unit = '' }: Run & Wire & { readonly unit?: string },
  take: () => Verdict,
  used: Provider['used'],
): Provider {
  const random = chance(seed);
  let accepted = 0;
  let refused = 0;

  return {
    take,
    used,
    get accepted() {
      return accepted;
    },
    get refused() {
      return refused;
    },
    async fetch() {
      await after(10 + (mostLagMs - 10) * random());
      const { isAccepted, remaining, resetMs } = take();
      const seconds = resetMs / 1_000;
      const headers = new Headers({ date: new Date().toUTCString() });
      if (spelling === 'ietf') {
        headers.set('ratelimit-policy', `"all";q=${limit};w=${windowMs / 1_000}${unit}`);
        headers.set('ratelimit', `"all";r=${remaining};t=${Math.ceil(seconds)}`);
      } else if (spelling === 'shopify') {
        headers.set('x-shopify-shop-api-call-limit', `${limit - remaining}/${limit}`);
      } else {
        headers.set('x-ratelimit-limit', `${limit}`);
        headers.set('x-ratelimit-remaining', `${remaining}`);
        headers.set('x-ratelimit-reset', inWords[spelling](seconds));
      }
      // Worth asking again, though not all is back.
      if (!isAccepted) headers.set('retry-after', spelling === 'ietf' ? '1' : `${Math.ceil(seconds)}`);
      if (isAccepted) accepted += 1;
      else refused += 1;
      await after(10 + (mostLagMs - 10) * random());
      return new Response(null, { status: isAccepted ? 200 : 429, headers });
    },
  };
}

/** Random numbers that a seed repeats (mulberry32). */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
