import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { type ConfigInput, createProvider, serve } from '@steadfetch/fake-provider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRedisMissing, type RedisServer, startRedis } from './redis-server.ts';
import type { Shift } from './token-worker.ts';

const PROCESSES = 8;

describe.skipIf(isRedisMissing)('a token shared through a real Redis', () => {
  let redis: RedisServer;
  let workers: Worker[] = [];
  beforeAll(async () => {
    redis = await startRedis();
    workers = Array.from({ length: PROCESSES }, () => hire(redis));
    await Promise.all(workers.map((worker) => worker.untilLast('ready')));
  });
  afterAll(async () => {
    for (const { child } of workers) child.kill('SIGKILL');
    await redis?.[Symbol.asyncDispose]();
  });

  it('is granted once for eight processes that start at once, and once for each time it would end', async () => {
    await using api = await open({ auth: { tokenTtlSeconds: 5 } });
    const shift = { url: api.url, name: 'calm', forMs: 9_000, refreshBeforeMs: 2_500, lockMs: 5_000 };

    const lines = (await Promise.all(workers.map((worker) => worker.work(shift)))).flat();

    // It is renewed in the second half of its life, so one grant comes at least that long after the other.
    const requestedAt = timesOf(lines, 'requested');
    expect(requestedAt).toHaveLength(api.grants());
    expect(requestedAt.length).toBeGreaterThanOrEqual(3);
    for (const [nth, atMs] of requestedAt.slice(1).entries()) {
      expect(atMs - requestedAt[nth]!).toBeGreaterThanOrEqual(2_500 - ROUNDING_MS);
    }
    expect(holders(lines)).toBeLessThanOrEqual(1);
    expect(api.refused()).toBe(0);
    expect(new Set(lines.map(({ type }) => type))).toEqual(UNDISTURBED);
  });

  it('is renewed by another process once the lock of one that was killed has lapsed', async () => {
    const hang = { fault: 'hang' as const, on: { route: 'POST /oauth/token', calls: [2] } };
    await using api = await open({ auth: { tokenTtlSeconds: 4 }, faults: [hang] });
    const shift = { url: api.url, name: 'killed', forMs: 6_000, refreshBeforeMs: 2_000, lockMs: 1_000 };
    const working = workers.map((worker) => worker.work(shift));

    await api.hung;
    const victim = await Promise.race(workers.map((worker) => worker.untilLast('requested')));
    victim.child.kill('SIGKILL');
    const shares = await Promise.all(working);

    const lines = shares.filter((_, nth) => workers[nth] !== victim).flat();
    const heldSinceMs = timesOf(shares[workers.indexOf(victim)]!, 'locked').at(-1)!;
    const nextHeldMs = timesOf(lines, 'locked').find((atMs) => atMs > heldSinceMs)!;
    expect(nextHeldMs - heldSinceMs).toBeLessThan(1_000 + 500);
    expect(api.grants()).toBeGreaterThanOrEqual(2);
    expect(api.refused()).toBe(0);
    expect(new Set(lines.map(({ type }) => type))).toEqual(UNDISTURBED);
  });

  it('has something to show when the example is run', async () => {
    const example = join(import.meta.dirname, '../../examples/shared-token.ts');
    const env = { ...process.env, REDIS_URL: `redis://127.0.0.1:${redis.port}` };

    const { stdout } = await promisify(execFile)(process.execPath, [example], { env });

    expect(stdout).toBe('8 caches sent 8 requests with 1 token request\n');
  });
});

/** What processes print where nothing goes wrong. */
const UNDISTURBED = new Set(['locked', 'unlocked', 'requested', 'token-received', 'token-loaded']);

/** Times are printed in whole milliseconds, and an end is saved in them. */
const ROUNDING_MS = 5;

interface Line {
  readonly type: string;
  readonly atMs: number;
}

type Worker = ReturnType<typeof hire>;

/** Starts a process that shares the token whenever it is told to. */
function hire({ port }: RedisServer) {
  const child = spawn(process.execPath, [`${import.meta.dirname}/token-worker.ts`, `${port}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let seen: Line[] = [];
  let isOver = false;
  let tell = Promise.withResolvers<void>();
  const changed = (): void => {
    tell.resolve();
    tell = Promise.withResolvers();
  };
  createInterface(child.stdout)
    .on('line', (line) => {
      seen.push(JSON.parse(line));
      changed();
    })
    .on('close', () => {
      isOver = true;
      changed();
    });
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await tell.promise;
  };

  const worker = {
    child,
    /** Waits until this is what it printed last. */
    async untilLast(type: string) {
      await until(() => seen.at(-1)?.type === type);
      return worker;
    },
    /** Does as told, and returns what it printed until it was done or dead. */
    async work(shift: Shift): Promise<Line[]> {
      seen = [];
      child.stdin.write(`${JSON.stringify(shift)}\n`);
      await until(() => isOver || seen.at(-1)?.type === 'done');
      return seen.filter(({ type }) => type !== 'done');
    },
  };
  return worker;
}

/** A provider, and what its ledger says of tokens. */
async function open(config: ConfigInput) {
  const hung = Promise.withResolvers<void>();
  const provider = createProvider(config);
  const { url, close } = await serve(provider, { onRequest: ({ wire }) => wire === 'hang' && hung.resolve() });
  const count = (isCounted: (entry: (typeof provider.ledger.entries)[number]) => boolean): number =>
    provider.ledger.entries.filter(isCounted).length;
  return {
    url,
    /** Resolves when a request has been left without an answer. */
    hung: hung.promise,
    grants: () => count(({ granted }) => granted !== undefined),
    refused: () => count(({ status }) => status === 401),
    [Symbol.asyncDispose]: close,
  };
}

function timesOf(lines: readonly Line[], wanted: string): number[] {
  return lines
    .filter(({ type }) => type === wanted)
    .map(({ atMs }) => atMs)
    .sort((a, b) => a - b);
}

/** How many held the lock at once, at most. */
function holders(lines: readonly Line[]): number {
  const changes = [
    ...timesOf(lines, 'locked').map((atMs) => ({ atMs, by: 1 })),
    ...timesOf(lines, 'unlocked').map((atMs) => ({ atMs, by: -1 })),
  ].sort((one, other) => one.atMs - other.atMs || one.by - other.by);
  let now = 0;
  return Math.max(...changes.map(({ by }) => (now += by)));
}
