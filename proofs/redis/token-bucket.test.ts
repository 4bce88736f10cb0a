import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as after } from 'node:timers/promises';
import { redisBucket } from '@steadfetch/token-bucket/redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Shift } from './bucket-worker.ts';
import { type Client, connect, type Scripts } from './clients.ts';
import { isRedisMissing, type RedisServer, startRedis } from './redis-server.ts';

const RATE = 40;
const BURST = 40;
const PROCESSES = 8;

/** Forty at once, and forty in a second; with the processors busy elsewhere it may take longer. */
const ENOUGH = { requests: 10, forMs: 30_000 };
const SLOW_MS = 10_000;

describe.skipIf(isRedisMissing)('a bucket in a real Redis', () => {
  let redis: RedisServer;
  let workers: Worker[] = [];
  beforeAll(async () => {
    redis = await startRedis();
    workers = Array.from({ length: PROCESSES }, (_, nth) => hire(redis, nth % 2 === 0 ? 'redis' : 'ioredis'));
    await Promise.all(workers.map(({ ready }) => ready));
  }, 60_000);
  afterAll(async () => {
    for (const { child } of workers) child.kill('SIGKILL');
    await redis?.[Symbol.asyncDispose]();
  });

  /** The worst case for a limit: after idle time all of the burst is there. */
  async function fill(name: string): Promise<void> {
    const scripts = await connect('ioredis', redis.port);
    await scripts.eval("redis.call('HSET', KEYS[1], 'full_at', '0', 'queue', '')", [name], []);
    scripts.close();
  }

  it('is never overdrawn by eight processes, which take turns', async () => {
    await fill('turns');

    const shares = await Promise.all(workers.map((worker) => worker.work({ name: 'turns', forMs: 2_000 })));

    expect(overdraft(timesOf(shares.flat(), 'granted'))).toBeLessThanOrEqual(0);
    expect(timesOf(shares.flat(), 'local')).toEqual([]);
    expect(Math.min(...shares.map((lines) => timesOf(lines, 'granted').length))).toBeGreaterThan(4);
  });

  it('is used to the end, and by all', async () => {
    await fill('all');

    const shares = await Promise.all(workers.map((worker) => worker.work({ ...ENOUGH, name: 'all' })));

    const grants = timesOf(shares.flat(), 'granted');
    expect(overdraft(grants)).toBeLessThanOrEqual(0);
    expect(grants).toHaveLength(PROCESSES * ENOUGH.requests);
    expect(grants.at(-1)! - grants[0]!).toBeLessThan(SLOW_MS);
  });

  it('is never overdrawn by processes whose clocks are minutes apart', async () => {
    await fill('skewed');
    const skewMs = (nth: number) => (nth - 4) * 3 * 60_000;

    const shares = await Promise.all(
      workers.map((worker, nth) => worker.work({ ...ENOUGH, name: 'skewed', skewMs: skewMs(nth) })),
    );

    const grants = timesOf(shares.flat(), 'granted');
    expect(overdraft(grants)).toBeLessThanOrEqual(0);
    expect(grants).toHaveLength(PROCESSES * ENOUGH.requests);
    expect(grants.at(-1)! - grants[0]!).toBeLessThan(SLOW_MS);
  });

  it('is never overdrawn while Redis is killed and started again, and goes on meanwhile', async () => {
    await fill('killed');
    const working = workers.map((worker) =>
      worker.work({ name: 'killed', forMs: 4_500, fallbackRatio: 1 / PROCESSES }),
    );
    await after(1_000);
    await redis.kill();
    await after(1_000);
    await redis.restart();
    const lines = (await Promise.all(working)).flat();

    const [granted, locally] = [timesOf(lines, 'granted'), timesOf(lines, 'local')];
    const [firstLocal = 0] = locally;
    expect(granted.filter((atMs) => atMs < firstLocal).length).toBeGreaterThan(60);
    expect(locally.length).toBeGreaterThan(10);
    expect(granted.filter((atMs) => atMs > firstLocal).length).toBeGreaterThan(20);
    expect(lines.filter(({ type }) => type === 'redis-back')).toHaveLength(PROCESSES);
    expect(overdraft([...granted, ...locally].sort((a, b) => a - b))).toBeLessThanOrEqual(0);
  });

  describe.each<Client>(['redis', 'ioredis'])('through %s', (kind) => {
    let scripts: Scripts;
    beforeAll(async () => {
      scripts = await connect(kind, redis.port);
    });
    afterAll(() => scripts?.close());
    const bucket = (name: string) => redisBucket({ name: `${kind}:${name}`, eval: scripts.eval, fallbackRatio: 0 });

    it('starts empty, fills up to burst, and takes weights', async () => {
      const tokens = { ratePerSecond: 50, burst: 10, weight: 10 };
      const first = performance.now();
      await bucket('weights')(tokens);
      const second = performance.now();
      await bucket('weights')(tokens);

      expect(second - first).toBeGreaterThan(190);
      // Since the first, for what Redis granted in time may have been heard of late.
      expect(performance.now() - first).toBeGreaterThan(390);
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

    it('keeps its place when it asks again', async () => {
      const calls: Parameters<Scripts['eval']>[] = [];
      const take = redisBucket({
        name: `${kind}:again`,
        eval(...call) {
          calls.push(call);
          return scripts.eval(...call);
        },
        fallbackRatio: 0,
      });
      const { signal, abort } = controller();
      const asked = [1, 2].map((weight) => take({ ratePerSecond: 0.01, burst: 10, weight, signal }).catch(() => {}));
      await scripts.eval('return 1', [], []);

      await scripts.eval(...calls[0]!);

      const queue = `${await scripts.eval("return redis.call('HGET', KEYS[1], 'queue')", [`${kind}:again`], [])}`;
      expect(queue.split(';').map((entry) => entry.split(' ')[1])).toEqual(['1', '2', undefined]);
      abort('over');
      await Promise.all(asked);
    });

    it('gives back what was taken, and leaves the queue, on abort', async () => {
      const tokens = { ratePerSecond: 1, burst: 1_000, weight: 1_000 };
      const { signal, abort } = controller();
      await scripts.eval("redis.call('HSET', KEYS[1], 'full_at', '0', 'queue', '')", [`${kind}:abort`], []);
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
      while (queue === '') queue = `${(await scripts.eval(soon, [`${kind}:dead`], [])) ?? ''}`;
      const [seconds, micros] = (await scripts.eval("return redis.call('TIME')", [], [])) as [string, string];
      const [, , lapsesAt] = queue.replace(';', '').split(' ');

      const leftMs = Number(lapsesAt) / 1_000 - (Number(seconds) * 1_000 + Number(micros) / 1_000);
      expect(leftMs).toBeGreaterThan(4_000);
      expect(leftMs).toBeLessThanOrEqual(6_000);
      abort('over');
      await waiting;
    });

    it('is empty after Redis was away, whatever it remembers', async () => {
      const key = `${kind}:old`;
      await scripts.eval("redis.call('HSET', KEYS[1], 'full_at', '0', 'queue', '')", [key], []);
      let isAway = true;
      const back = Promise.withResolvers<void>();
      const take = redisBucket({
        name: key,
        eval: (...call) => (isAway ? Promise.reject(new Error('away')) : scripts.eval(...call)),
        fallbackRatio: 1,
        onEvent({ type }) {
          isAway = false;
          if (type === 'redis-back') back.resolve();
        },
      });
      const { signal, abort } = controller();
      const waiting = take({ ratePerSecond: 1, burst: 50, weight: 50, signal }).catch(() => {});
      await back.promise;

      const fullAt = Number(await scripts.eval("return redis.call('HGET', KEYS[1], 'full_at')", [key], []));
      expect(fullAt / 1_000 - Date.now()).toBeGreaterThan(40_000);
      abort('over');
      await waiting;
    });

    it('lets whoever waits ahead have their tokens, until they no longer show up', async () => {
      const ghost = async (key: string, lapsesInMs: number) => {
        const lapsesAt = `${(Date.now() + lapsesInMs) * 1_000}`;
        const script = "redis.call('HSET', KEYS[1], 'full_at', '0', 'queue', 'ghost 1 ' .. ARGV[1] .. ';')";
        await scripts.eval(script, [`${kind}:${key}`], [lapsesAt]);
      };
      await ghost('present', 300);
      await ghost('gone', -1);
      const startedAt = performance.now();

      await bucket('gone')({ ratePerSecond: 1, burst: 1, weight: 1 });
      expect(performance.now() - startedAt).toBeLessThan(250);
      await bucket('present')({ ratePerSecond: 10, burst: 1, weight: 1 });
      expect(performance.now() - startedAt).toBeGreaterThan(250);
    });

    it('leaves nothing in the queue once it has its tokens', async () => {
      await bucket('served')({ ratePerSecond: 100, burst: 1, weight: 1 });

      expect(await scripts.eval("return redis.call('HGET', KEYS[1], 'queue')", [`${kind}:served`], [])).toBe('');
    });

    it('survives a clock that was set back', async () => {
      const future = `${(Date.now() + 86_400_000) * 1_000}`;
      await scripts.eval("redis.call('HSET', KEYS[1], 'full_at', ARGV[1], 'queue', '')", [`${kind}:clock`], [future]);
      const startedAt = performance.now();

      await bucket('clock')({ ratePerSecond: 100, burst: 10, weight: 1 });

      expect(performance.now() - startedAt).toBeLessThan(2_000);
    });

    it('keeps no place that a clock set back would keep for as long', async () => {
      const inAnHour = `${(Date.now() + 3_600_000) * 1_000}`;
      const script = "redis.call('HSET', KEYS[1], 'full_at', '0', 'queue', 'ghost 1 ' .. ARGV[1] .. ';')";
      await scripts.eval(script, [`${kind}:ghost`], [inAnHour]);
      const startedAt = performance.now();

      await bucket('ghost')({ ratePerSecond: 100, burst: 1, weight: 1 });

      expect(performance.now() - startedAt).toBeLessThan(2_000);
    });

    it('forgets a bucket that nobody used for a month', async () => {
      await bucket('month')({ ratePerSecond: 100, burst: 10, weight: 1 });

      const ms = Number(await scripts.eval("return redis.call('PTTL', KEYS[1])", [`${kind}:month`], []));
      expect(ms).toBeGreaterThan(29 * 86_400_000);
    });
  });
});

interface Line {
  readonly type: string;
  readonly atMs?: number;
}

type Worker = ReturnType<typeof hire>;

/** Starts a process that shares the bucket whenever it is told to. */
function hire({ port }: RedisServer, client: Client) {
  const child = spawn(process.execPath, [`${import.meta.dirname}/bucket-worker.ts`, client, `${port}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const printed = async (): Promise<Line> => {
    const { value, done } = await lines.next();
    if (done) throw new Error('a worker ended too early');
    return JSON.parse(value);
  };

  return {
    child,
    ready: printed(),
    /** Does as told, and returns what it printed. */
    async work(shift: Pick<Shift, 'name' | 'forMs'> & Partial<Shift>): Promise<Line[]> {
      const whole: Shift = { ratePerSecond: RATE, burst: BURST, fallbackRatio: 0, skewMs: 0, ...shift };
      child.stdin.write(`${JSON.stringify(whole)}\n`);
      const seen: Line[] = [];
      for (let line = await printed(); line.type !== 'done'; line = await printed()) seen.push(line);
      return seen;
    },
  };
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
