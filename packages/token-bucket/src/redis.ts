import { type Acquire, type AcquireRequest, memoryBucket } from './token-bucket.ts';

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
   * away: one divided by the number of processes keeps their total within the limit. 0 sends nothing, and rejects.
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
  const { name, eval: run, fallbackRatio, timeoutMs = 1_000, onEvent } = options;
  requireNumbers('redisBucket', { fallbackRatio }, 0, 1);
  requireNumbers('redisBucket', { timeoutMs }, 1, 60_000);
  if (typeof name !== 'string' || name === '') throw new TypeError(`redisBucket: name must be a name, got ${name}`);
  for (const [option, value] of Object.entries({ eval: run, onEvent })) {
    if (typeof value === 'function' || (value === undefined && option !== 'eval')) continue;
    throw new TypeError(`redisBucket: ${option} must be a function, got ${value}`);
  }

  /** This process' place in the queue. */
  const place = crypto.randomUUID();
  let away: { readonly bucket: Acquire; readonly error: unknown; probeAt: number } | undefined;

  return async function takeFromRedis(tokens) {
    for (;;) {
      if (away) return fallBack(tokens, away);
      const answer = await ask(tokens, { take: tokens.weight });
      const { takenAt } = answer ?? {};
      if (takenAt) return () => void ask(tokens, { giveBack: tokens.weight, takenAt });
      if (!answer) continue;
      try {
        await sleep(Math.min(Math.ceil(answer.waitMs), SHOW_UP_EVERY_MS), tokens.signal);
      } catch (reason) {
        void ask(tokens);
        throw reason;
      }
    }
  };

  function fallBack(tokens: AcquireRequest, since: NonNullable<typeof away>): ReturnType<Acquire> {
    if (performance.now() >= since.probeAt) {
      since.probeAt = performance.now() + LOOK_EVERY_MS;
      void ask(tokens);
    }
    if (fallbackRatio === 0) throw new BucketAwayError(name, since.error);
    const ratePerSecond = tokens.ratePerSecond * fallbackRatio;
    return since.bucket({ ...tokens, ratePerSecond, burst: Math.max(1, tokens.burst * fallbackRatio) });
  }

  /** Runs the script; with nothing to take or give back it leaves the queue. `undefined` is no answer: Redis is away. */
  async function ask(tokens: AcquireRequest, errand: Errand = {}): Promise<Answer | undefined> {
    const { take = 0, giveBack = 0, takenAt = '0' } = errand;
    const wasAway = away !== undefined;
    const { ratePerSecond, burst } = tokens;
    const args = [place, take, ratePerSecond, burst, giveBack, takenAt, wasAway ? 1 : 0].map(String);
    const reply = (async () => read(await run(SCRIPT, [name], args)))();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`No answer within ${timeoutMs} ms`)), timeoutMs);
    });

    try {
      const answer = await Promise.race([reply, late]);
      if (wasAway && away) {
        away = undefined;
        notify(onEvent, { type: 'redis-back', name });
      }
      return answer;
    } catch (error) {
      if (!away) notify(onEvent, { type: 'redis-away', name, error });
      const bucket = away?.bucket ?? memoryBucket({ startsFull: false });
      away = { bucket, error, probeAt: performance.now() + LOOK_EVERY_MS };
      // What is answered after all, nobody waits for any more.
      if (take > 0)
        reply.then(({ takenAt }) => void ask(tokens, takenAt ? { giveBack: take, takenAt } : {})).catch(() => {});
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

interface Errand {
  readonly take?: number;
  readonly giveBack?: number;
  /** When what is given back was taken. */
  readonly takenAt?: string;
}

interface Answer {
  /** When the tokens were taken, by Redis' clock in microseconds; `undefined` if they were not. */
  readonly takenAt?: string;
  /** When to ask again. */
  readonly waitMs: number;
}

function read(reply: unknown): Answer {
  const [taken, micros] = Array.isArray(reply) ? reply.map(String) : [];
  if (!/^\d+$/.test(micros ?? '')) throw new TypeError('eval must resolve to what the script returns');
  return taken === '1' ? { takenAt: micros!, waitMs: 0 } : { waitMs: Number(micros) / 1_000 };
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
local place, take, give_back = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[5])
local rate, burst = tonumber(ARGV[3]) / 1000000, tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local stored = redis.call('HMGET', KEYS[1], 'full_at', 'queue')

local empty_at = now + burst / rate
local full_at = math.min(math.max(tonumber(stored[1] or empty_at), now), empty_at)
if ARGV[7] == '1' then full_at = empty_at end

full_at = math.max(full_at - math.max(give_back / rate - (now - tonumber(ARGV[6])), 0), now)

local queue, own, ahead = {}, nil, 0
for other, weight, lapses_at in string.gmatch(stored[2] or '', '(%S+) (%S+) (%S+);') do
  if other == place then
    own = #queue + 1
    queue[own] = ''
  elseif tonumber(lapses_at) > now then
    queue[#queue + 1] = other .. ' ' .. weight .. ' ' .. lapses_at .. ';'
    if not own then ahead = ahead + tonumber(weight) end
  end
end

local wait = math.max(math.ceil(full_at + (ahead + take - burst) / rate - now - 1), 0)
local taken = take > 0 and wait == 0
if taken then
  full_at = full_at + take / rate
elseif take > 0 then
  local lapses_at = now + math.min(wait, ${SHOW_UP_EVERY_MS} * 1000) + 1000000
  queue[own or #queue + 1] = string.format('%s %s %.0f;', place, ARGV[2], lapses_at)
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
