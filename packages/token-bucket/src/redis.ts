import { type Acquire, type AcquireRequest, countTokens, type Turn } from './token-bucket.ts';

/** Which bucket, how to reach it, and what to do when it cannot be reached. */
export interface RedisBucketOptions {
  /** The bucket's key in Redis. Processes that give the same name, rate and burst share it. */
  readonly name: string;
  /**
   * Runs a script with whichever client you have; with `redis`
   * `(script, keys, args) => client.eval(script, { keys, arguments: args })`, with `ioredis`
   * `(script, keys, args) => client.eval(script, keys.length, ...keys, ...args)`.
   */
  readonly eval: (script: string, keys: string[], args: string[]) => Promise<unknown>;
  /**
   * The share of the rate and of the burst, but at least one token, that this process takes by itself while Redis is
   * away: one divided by the number of processes keeps their total within the limit where it is away for all of them;
   * where some still reach it, those share all of the rate besides. 0 sends nothing, and rejects.
   */
  readonly fallbackRatio: number;
  /** After how long without an answer Redis counts as away, in milliseconds. From 1 to 60_000. @defaultValue 1_000 */
  readonly timeoutMs?: number;
  /** Is told when Redis goes away, and when it is back. */
  readonly onEvent?: (event: RedisBucketEvent) => void;
}

/** Redis does not answer, answers with an error, or answers again. */
export type RedisBucketEvent =
  | { readonly type: 'redis-away'; readonly name: string; readonly error: unknown }
  | { readonly type: 'redis-back'; readonly name: string };

/**
 * A bucket in Redis for the option `acquire`, shared by all processes that name it, counted by Redis' own clock.
 *
 * Processes take turns, first come, first served: each asks for one request at a time. A bucket that Redis does not
 * know, be it new or lost, starts empty, as does the one of this process when Redis goes away: nothing lets a second
 * burst through. Redis from version 5, or Valkey.
 *
 * @throws `TypeError` or `RangeError` when it is made, if an option is not what it must be.
 * @throws {@link BucketAwayError} when tokens are asked for, if Redis is away and `fallbackRatio` is 0.
 */
export function redisBucket(options: RedisBucketOptions): Acquire {
  const { name, eval: run, fallbackRatio, timeoutMs = 1_000, onEvent = () => {} } = options;
  requireNumbers('redisBucket', { fallbackRatio }, 0, 1);
  requireNumbers('redisBucket', { timeoutMs }, 1, 60_000);
  if (typeof name !== 'string' || name === '') throw new TypeError(`redisBucket: name must be a name, got ${name}`);
  for (const [option, value] of Object.entries({ eval: run, onEvent })) {
    if (typeof value === 'function') continue;
    throw new TypeError(`redisBucket: ${option} must be a function, got ${value}`);
  }

  let away: Away | undefined;

  return async function takeFromRedis(tokens) {
    const asker = { ...tokens, place: crypto.randomUUID() };
    for (;;) {
      const turn = await (away ? fallBack(asker, away) : ask(asker, { take: tokens.weight }));
      if (typeof turn === 'function') return turn;
      if (turn === undefined) continue;
      try {
        await sleep(turn, tokens.signal);
      } catch (reason) {
        if (!away) void ask(asker);
        throw reason;
      }
    }
  };

  /** Takes of this process' own share; `undefined` where it has none, but Redis is back. */
  async function fallBack(asker: Asker, since: Away): Promise<Turn | undefined> {
    const back = look(asker);
    if (fallbackRatio === 0) {
      if (await back) return undefined;
      throw new BucketAwayError(name, since.error);
    }
    const ratePerSecond = asker.ratePerSecond * fallbackRatio;
    const turn = since.take({ ...asker, ratePerSecond, burst: Math.max(1, asker.burst * fallbackRatio) });
    return typeof turn === 'function' ? turn : Math.min(turn, Math.ceil(since.lookAt - performance.now()));
  }

  /**
   * Looks, once a second at most, whether Redis is back. What it remembers may be spent by then, and whoever is back says
   * so; one who always hears it too late must not, or nobody would ever find a token there.
   */
  async function look(asker: Asker): Promise<boolean> {
    if (away && performance.now() >= away.lookAt) {
      away.lookAt = performance.now() + LOOK_EVERY_MS;
      const isBack = (await ask(asker)) !== undefined && (await ask(asker, { forget: true })) !== undefined;
      if (isBack && away) {
        away = undefined;
        notify(onEvent, { type: 'redis-back', name });
      }
    }
    return !away;
  }

  /** Runs the script; with nothing to take or give back it leaves the queue. `undefined` is no answer: Redis is away. */
  async function ask(asker: Asker, errand: Errand = {}): Promise<Turn | undefined> {
    const { take = 0, takenAt = '0', forget = false } = errand;
    const args = [asker.place, take, asker.ratePerSecond, asker.burst, takenAt, forget].map(String);
    const reply = (async (): Promise<Turn> => {
      const [, taken, micros] = /^([01]),(\d+)$/.exec(String(await run(SCRIPT, [name], args))) ?? [];
      if (!micros) throw new TypeError('eval must resolve to what the script returns');
      if (taken === '1') return () => void ask(asker, { take: -take, takenAt: micros });
      return Math.min(Math.ceil(Number(micros) / 1_000), SHOW_UP_EVERY_MS);
    })();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const giveUp = () => reject(new Error(`No answer within ${timeoutMs} ms`));
      // In halves: where this process was busy for all of the first, the answer may be there, and is read in the second.
      timer = setTimeout(() => (timer = setTimeout(giveUp, timeoutMs / 2)), timeoutMs / 2);
    });

    try {
      return await Promise.race([reply, late]);
    } catch (error) {
      if (!away) notify(onEvent, { type: 'redis-away', name, error });
      const share = away?.take ?? countTokens({ startsFull: false });
      away = { take: share, error, lookAt: performance.now() + LOOK_EVERY_MS };
      // What is answered after all, nobody waits for any more.
      if (take > 0) reply.then((turn) => void (typeof turn === 'function' ? turn() : ask(asker))).catch(() => {});
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Redis is away, and this process was told to send nothing without it. */
export class BucketAwayError extends Error {
  override readonly name = 'BucketAwayError';
  /** Which bucket. */
  readonly bucket: string;

  constructor(bucket: string, cause: unknown) {
    super(`The bucket ${bucket} cannot be reached`, { cause });
    this.bucket = bucket;
  }
}

/** Redis is away. */
interface Away {
  /** Takes from this process' own bucket meanwhile. */
  readonly take: (tokens: AcquireRequest) => Turn;
  readonly error: unknown;
  /** When to look whether it is back. */
  lookAt: number;
}

/** Somebody who waits, at a place of its own in the queue. */
interface Asker extends AcquireRequest {
  readonly place: string;
}

interface Errand {
  /** How many tokens; below 0 they are given back. */
  readonly take?: number;
  /** When what is given back was taken, by Redis' clock in microseconds. */
  readonly takenAt?: string;
  /** Whether to empty the bucket. */
  readonly forget?: boolean;
}

/** Who waits for longer asks again in between, so that nobody keeps a place that no process stands in. */
const SHOW_UP_EVERY_MS = 5_000;
const LOOK_EVERY_MS = 1_000;

/**
 * All of it in one step. Times are microseconds of Redis' clock. `full_at` is when the bucket is full if nothing more is
 * taken; `queue` holds who waits, `place weight lapses_at;` each, and what those ahead wait for counts as taken.
 *
 * What is not remembered, or remembered from before Redis was away, may have been spent; a clock set back costs no more
 * than that. Of what is given back, as much is lost as flowed in since it was taken: that may have been thanks to its
 * missing. A wait is cut by a microsecond, since the clock shows no less. The key lives for a month, or until the bucket
 * has long been full.
 */
const SCRIPT = `
local place, take, taken_at = ARGV[1], tonumber(ARGV[2]), ARGV[5]
local rate, burst = ARGV[3] / 1000000, ARGV[4]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local stored = redis.call('HMGET', KEYS[1], 'full_at', 'queue')

local empty_at = now + burst / rate
local full_at = math.min(math.max(stored[1] or empty_at, now), empty_at)
if ARGV[6] == 'true' then full_at = empty_at end
full_at = math.max(full_at + math.min(take / rate + now - taken_at, 0), now)

local queue, own, ahead, longest = {}, nil, 0, ${SHOW_UP_EVERY_MS} * 1000
for entry, other, weight, lapses_at in string.gmatch(stored[2] or '', '((%S+) (%S+) (%S+);)') do
  local left = lapses_at - now
  if other == place then
    own = #queue + 1
  elseif left > 0 and left <= longest + 1000000 then
    table.insert(queue, entry)
    if not own then ahead = ahead + weight end
  end
end

local wait = math.max(math.ceil(full_at + (ahead + take - burst) / rate - now - 1), 0)
local taken = take > 0 and wait == 0
if taken then
  full_at = full_at + take / rate
elseif take > 0 then
  local lapses_at = now + math.min(wait, longest) + 1000000
  table.insert(queue, own or #queue + 1, string.format('%s %s %.0f;', place, ARGV[2], lapses_at))
end

redis.call('HSET', KEYS[1], 'full_at', string.format('%.0f', math.ceil(full_at)), 'queue', table.concat(queue))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(2592000000, 2 * burst / rate / 1000)))
return { taken and 1 or 0, string.format('%.0f', taken and now or wait) }
`;

function requireNumbers(policy: string, options: Record<string, number>, least: number, most: number): void {
  for (const [name, value] of Object.entries(options)) {
    if (typeof value === 'number' && value >= least && value <= most) continue;
    throw new RangeError(`${policy}: ${name} must be ${least} to ${most}, got ${value}`);
  }
}

/** Waits, or rejects with the signal's own reason as soon as it aborts; leaves no timer and no listener behind. */
function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(settle, ms);
    signal?.addEventListener('abort', settle, { once: true });

    function settle(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', settle);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    }
  });
}

/** Tells the observer. What goes wrong there, at once or later, is not the request's failure. */
function notify<Event>(onEvent: ((event: Event) => void) | undefined, event: Event): void {
  (async () => onEvent?.(event))().catch(() => {});
}
