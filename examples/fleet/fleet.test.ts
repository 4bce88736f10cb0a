import { type ChildProcess, spawnSync } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { isWhole } from './board.ts';
import { openRedis, type RunningRedis } from './redis.ts';
import { CONCURRENCY, type FleetOptions, runFleet } from './run.ts';

const isInstalled = process.env.REDIS_URL !== undefined || spawnSync('redis-server', ['--version']).status === 0;
const isSkipped = !isInstalled && process.env.STEADFETCH_REQUIRE_ALL !== '1';
if (isSkipped)
  console.warn('SKIPPED: no redis-server is installed, so no fleet is run (STEADFETCH_REQUIRE_ALL=1 makes this fail).');

describe.skipIf(isSkipped)('a fleet of real processes on a real Redis', () => {
  let redis: RunningRedis;
  beforeAll(async () => {
    redis = await openRedis();
  });
  afterAll(() => redis?.close());
  afterEach(() => void vi.useRealTimers());

  // `pnpm fleet` does the same with more of everything.
  it('delivers each record once and keeps to the quota, though a worker is killed and the token ends', async () => {
    const limit = { ratePerSecond: 15, burst: 2 };
    const account = { records: 60, pageSize: { default: 10, max: 10 }, churn: { updatesPerRequest: 1 } };

    const { outcomes, figures } = await runFleet({
      redisUrl: redis.url,
      ...limit,
      lockMs: 500,
      workers: 2,
      harms: ['kill'],
      pagesBetweenHarms: 5,
      provider: {
        auth: { revokeAfterRequests: 15 },
        resources: { spring: account, summer: account, autumn: account, winter: account, year: account },
        // As `fleet.ts` reckons: what was granted may arrive all at once, after a pause.
        limits: [{ kind: 'token-bucket', name: 'quota', with: { ...limit, burst: limit.burst + 3 * CONCURRENCY } }],
        faults: [{ fault: 'unavailable', on: { calls: [3] } }],
      },
    });

    expect(outcomes.filter((outcome) => !isWhole(outcome))).toEqual([]);
    expect(outcomes.map(({ expected }) => expected)).toEqual([60, 60, 60, 60, 60]);
    expect(figures).toMatchObject({ complete: 5, throttled: 0, harms: { kill: 1 } });
    expect(Math.min(figures.failed, figures.tokenRequests - 1)).toBeGreaterThan(0);
  });

  it('gives up where no page lands any more, though many did before, and says how far it came', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
    const running = runFleet({
      ...small(redis.url),
      stuckMs: 60_000,
      // Two pages take long, and none comes after the third.
      onProgress: ({ pages }) => void vi.advanceTimersByTime(pages < 3 ? 40_000 : 60_000),
    });

    await expect(running).rejects.toThrow(
      /^No page has landed for 60 s: 0 of 1 accounts complete, 3 pages landed, 1 workers alive/,
    );
  });

  it('gives up where a worker is killed by somebody else', async () => {
    let worker: ChildProcess | undefined;
    const remember = (message: unknown) => {
      worker = (message as { process: ChildProcess }).process;
    };
    subscribe('child_process', remember);
    onTestFinished(() => void unsubscribe('child_process', remember));
    const running = runFleet({ ...small(redis.url), onProgress: () => void worker!.kill('SIGKILL') });

    await expect(running).rejects.toThrow(/^a worker ended with SIGKILL$/);
  });
});

/** One account, and one worker that nothing befalls. */
function small(redisUrl: string): FleetOptions {
  return {
    redisUrl,
    ratePerSecond: 100,
    burst: 10,
    lockMs: 500,
    workers: 1,
    harms: [],
    pagesBetweenHarms: 5,
    stuckMs: 30_000,
    provider: { resources: { spring: { records: 60, pageSize: { default: 10, max: 10 } } } },
  };
}
