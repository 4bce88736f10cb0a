import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as after } from 'node:timers/promises';
import { tokenBucket } from '@steadfetch/token-bucket';
import { redisBucket } from '@steadfetch/token-bucket/redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, connect, type Scripts } from './clients.ts';
import { isRedisMissing, type RedisServer, startRedis } from './redis-server.ts';

const RATE = 40;
const BURST = 16;
const PROCESSES = 8;

describe.skipIf(isRedisMissing)('a bucket in a real Redis', () => {
  it('is never overdrawn by eight processes, and is used to the end', async () => {
    await using redis = await startRedis();

    const lines = await run(redis, { FOR_MS: '2000' });

    const grants = timesOf(lines, 'granted');
    expect(overdraft(grants)).toBeLessThanOrEqual(0);
    expect(timesOf(lines, 'local')).toEqual([]);
    // It starts empty: eighty in two seconds.
    expect(grants.length).toBeGreaterThan(60);
    expect(grants.length).toBeLessThanOrEqual(82);
    // In turns, by whichever client.
    const shares = Array.from({ length: PROCESSES }, (_, nth) => lines.filter((line) => line.process === nth).length);
    expect(Math.min(...shares)).toBeGreaterThan(4);
  });

  it('is never overdrawn by processes whose clocks are minutes apart', async () => {
    await using redis = await startRedis();

    const lines = await run(redis, { FOR_MS: '1500' }, (nth) => ({ SHIFT_MS: `${(nth - 4) * 3 * 60_000}` }));

    const grants = timesOf(lines, 'granted');
    expect(overdraft(grants)).toBeLessThanOrEqual(0);
    expect(grants.length).toBeGreaterThan(45);
  });

  it('is never overdrawn while Redis is killed and started again, and goes on meanwhile', async () => {
    await using redis = await startRedis();
    const killedAndBack = async () => {
      await after(1_000);
      await redis.kill();
      await after(1_000);
      await redis.restart();
    };

    const lines = await run(redis, { FOR_MS: '4500', RATIO: `${1 / PROCESSES}` }, () => ({}), killedAndBack);

    const [before, locally] = [timesOf(lines, 'granted'), timesOf(lines, 'local')];
    const firstLocal = Math.min(...locally);
    expect(before.filter((atMs) => atMs < firstLocal).length).toBeGreaterThan(10);
    expect(locally.length).toBeGreaterThan(10);
    expect(before.filter((atMs) => atMs > firstLocal).length).toBeGreaterThan(20);
    expect(lines.filter(({ type }) => type === 'redis-back')).toHaveLength(PROCESSES);
    // Where Redis grants nothing, each process sees its own start by its own timer: a token's worth of delay each.
    expect(overdraft([...before, ...locally].sort((a, b) => a - b))).toBeLessThanOrEqual(PROCESSES);
  });

  describe.each<Client>(['redis', 'ioredis'])('through %s', (kind) => {
    let redis: RedisServer;
    let scripts: Scripts;
    beforeAll(async () => {
      redis = await startRedis();
      scripts = await connect(kind, redis.port);
    });
    afterAll(async () => {
      scripts?.close();
      await redis?.[Symbol.asyncDispose]();
    });
    const bucket = (name: string) => redisBucket({ name, eval: scripts.eval, fallbackRatio: 0 });

    it('starts empty, fills up to burst, and takes weights', async () => {
      const tokens = { ratePerSecond: 50, burst: 10, weight: 10 };
      const first = performance.now();
      await bucket('weights')(tokens);
      const second = performance.now();
      await bucket('weights')(tokens);

      expect(second - first).toBeGreaterThan(190);
      expect(performance.now() - second).toBeGreaterThan(190);
    });

    it('takes turns: who came first goes first, a heavy one too', async () => {
      const order: string[] = [];
      const ask = async (name: string, weight: number) => {
        await bucket('turns')({ ratePerSecond: 50, burst: 10, weight });
        order.push(name);
      };
      const heavy = ask('heavy', 10);
      await scripts.eval('return 1', [], []);

      await Promise.all([heavy, ask('light', 1), ask('later', 1)]);

      expect(order[0]).toBe('heavy');
    });

    it('gives back what was taken, and leaves the queue, on abort', async () => {
      const tokens = { ratePerSecond: 1, burst: 1_000, weight: 1_000 };
      const { signal, abort } = controller();
      await scripts.eval("redis.call('HSET', KEYS[1], 'full_at', '0', 'queue', '')", ['abort'], []);
      const giveBack = await bucket('abort')(tokens);
      const waiting = bucket('abort')({ ...tokens, signal });
      const rejected = expect(waiting).rejects.toBe('enough');
      giveBack?.();
      await scripts.eval('return 1', [], []);

      abort('enough');
      await rejected;
      const behind = bucket('abort')({ ...tokens, weight: 999 });

      await expect(behind).resolves.toBeTypeOf('function');
    });

    it('does not wait for a process that died in the queue for longer than six seconds', async () => {
      const soon = "return redis.call('HGET', KEYS[1], 'queue')";
      const { signal, abort } = controller();
      const waiting = bucket('dead')({ ratePerSecond: 0.01, burst: 1, weight: 1, signal }).catch(() => {});
      let queue = '';
      while (queue === '') queue = `${(await scripts.eval(soon, ['dead'], [])) ?? ''}`;
      const [seconds, micros] = (await scripts.eval("return redis.call('TIME')", [], [])) as [string, string];
      const [, , lapsesAt] = queue.replace(';', '').split(' ');

      const leftMs = Number(lapsesAt) / 1_000 - (Number(seconds) * 1_000 + Number(micros) / 1_000);
      expect(leftMs).toBeGreaterThan(4_000);
      expect(leftMs).toBeLessThanOrEqual(6_000);
      abort('over');
      await waiting;
    });

    it('is empty after Redis was away, whatever it remembers', async () => {
      await scripts.eval("redis.call('HSET', KEYS[1], 'full_at', '0', 'queue', '')", ['old'], []);
      let isAway = true;
      const take = redisBucket({
        name: 'old',
        eval: (...call) => (isAway ? Promise.reject(new Error('away')) : scripts.eval(...call)),
        fallbackRatio: 1,
      });
      const send = tokenBucket({ ratePerSecond: 100, burst: 50, acquire: take })(async () => new Response());
      await send('https://api.test');
      isAway = false;
      const startedAt = performance.now();
      // At its own rate until it looks again, a second after the failure, then at Redis' rate, from nothing.
      while (performance.now() - startedAt < 1_200) await send('https://api.test');

      const fullAt = Number(await scripts.eval("return redis.call('HGET', KEYS[1], 'full_at')", ['old'], []));
      expect(fullAt / 1_000 - Date.now()).toBeGreaterThan(250);
    });

    it('survives a clock that was set back', async () => {
      const future = `${(Date.now() + 86_400_000) * 1_000}`;
      await scripts.eval("redis.call('HSET', KEYS[1], 'full_at', ARGV[1], 'queue', '')", ['clock'], [future]);
      const startedAt = performance.now();

      await bucket('clock')({ ratePerSecond: 100, burst: 10, weight: 1 });

      expect(performance.now() - startedAt).toBeLessThan(2_000);
    });

    it('forgets a bucket that nobody used for a month', async () => {
      await bucket('month')({ ratePerSecond: 100, burst: 10, weight: 1 });

      const ms = Number(await scripts.eval("return redis.call('PTTL', KEYS[1])", ['month'], []));
      expect(ms).toBeGreaterThan(29 * 86_400_000);
    });
  });
});

interface Line {
  readonly process: number;
  readonly type: string;
  readonly atMs?: number;
}

/** Starts the processes, lets them begin at one moment, and returns what they print. */
async function run(
  { port }: RedisServer,
  env: NodeJS.ProcessEnv,
  own: (nth: number) => NodeJS.ProcessEnv = () => ({}),
  meanwhile: () => Promise<void> = async () => {},
): Promise<Line[]> {
  const lines: Line[] = [];
  const bucket = { PORT: `${port}`, RATE: `${RATE}`, BURST: `${BURST}`, RATIO: '0' };
  const workers = Array.from({ length: PROCESSES }, (_, nth) => {
    const client = { CLIENT: nth % 2 === 0 ? 'redis' : 'ioredis' };
    const child = spawn(process.execPath, [`${import.meta.dirname}/bucket-worker.ts`], {
      env: { ...process.env, ...bucket, ...client, ...env, ...own(nth) },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    const ready = Promise.withResolvers<void>();
    createInterface(child.stdout).on('line', (text) => {
      const line = JSON.parse(text);
      lines.push({ process: nth, ...line });
      if (line.type === 'ready') ready.resolve();
    });
    return { child, exited, ready: ready.promise };
  });
  try {
    await Promise.all(workers.map(({ ready, exited }) => Promise.race([ready, exited])));
    for (const { child } of workers) child.stdin.write('go\n');
    await Promise.all([meanwhile(), ...workers.map(({ exited }) => exited)]);
  } finally {
    for (const { child } of workers) child.kill('SIGKILL');
  }
  return lines;
}

function timesOf(lines: readonly Line[], type: string): number[] {
  return lines
    .filter((line) => line.type === type)
    .map(({ atMs }) => atMs!)
    .sort((a, b) => a - b);
}

/** By how many tokens the worst of all windows exceeds `burst + rate * t`, or falls short of it. */
function overdraft(atMs: readonly number[]): number {
  let worst = Number.NEGATIVE_INFINITY;
  for (const [from, first] of atMs.entries()) {
    for (const [to, last] of atMs.entries()) {
      if (to >= from) worst = Math.max(worst, to - from + 1 - (BURST + (RATE * (last - first)) / 1_000));
    }
  }
  return worst;
}

function controller() {
  const own = new AbortController();
  return { signal: own.signal, abort: (reason: unknown) => own.abort(reason) };
}
