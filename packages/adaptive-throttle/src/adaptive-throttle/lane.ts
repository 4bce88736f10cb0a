import { Quota, type Slot } from './quota.ts';
import { isCached, isSpent, latestResetMs, type RateLimit, readTold } from './rate-limits.ts';
import { Trial } from './trial.ts';

/** The quota is spent, or the server asked to be left alone, for longer than `maxWaitMs`; nothing was sent. */
export class QuotaExhaustedError extends Error {
  override readonly name = 'QuotaExhaustedError';
  /** When quota comes back, in epoch milliseconds; `undefined` where the server does not say. */
  readonly resetAt: number | undefined;

  constructor(resetAt: number | undefined) {
    const until = resetAt === undefined ? 'with no reset in sight' : `until ${new Date(resetAt).toISOString()}`;
    super(`The rate limit is spent, ${until}`);
    this.resetAt = resetAt;
  }
}

/** What the throttle tells of. Keys are yours; nothing else in it comes from a request. */
export type AdaptiveThrottleEvent =
  /** A request is sent after it had to wait. */
  | { readonly type: 'waited'; readonly key: string; readonly waitedMs: number }
  /** The server refused; nobody on this key is sent before `resumeAt` (epoch milliseconds). */
  | { readonly type: 'paused'; readonly key: string; readonly status: number; readonly resumeAt: number }
  /** Four fifths of a quota that is longer than `maxWaitMs` are gone. Told once per window. */
  | { readonly type: 'quota-low'; readonly key: string; readonly limit: RateLimit }
  /** The option `read` threw or rejected, which counts as no answer. */
  | { readonly type: 'read-failed'; readonly key: string; readonly error: unknown };

interface Waiter {
  readonly askedAt: number;
  readonly resolve: (slot: Slot) => void;
  readonly reject: (reason: unknown) => void;
}

/** The throttle's options, as a lane needs them. */
interface LaneSettings {
  readonly read: ((response: Response) => Reading | Promise<Reading>) | undefined;
  readonly maxWaitMs: number;
  readonly random: () => number;
  readonly tell: (event: AdaptiveThrottleEvent) => void;
}
type Reading = Iterable<RateLimit> | undefined;

/** The scheduler of one key: who goes when, by the quotas announced and by what refusals have taught. */
export interface Lane {
  /** Waits for a slot; where one is free it is taken before this returns. */
  enter(signal: AbortSignal | undefined): Slot | Promise<Slot>;
  /** Gives back a slot that was not used; whoever is next has it at once. */
  leave(slot: Slot): void;
  /** The request ended without an answer; the server may have counted it. */
  lost(): void;
  /** Learns from the answer, and gives the slot back once all of it is read. */
  answered(slot: Slot, response: Response): Promise<void>;
  /** Whether nobody waits and nothing is in flight. */
  isIdle(): boolean;
}

/** Opens the lane of a key. */
export function openLane(key: string, { read, maxWaitMs, random, tell }: LaneSettings): Lane {
  const queue = new Set<Waiter>();
  const quotas = new Map<string, Quota>();
  const trial = new Trial();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let inFlight = 0;
  let sentCount = 0;
  let lastSentAt = -Infinity;
  let pausedUntil = -Infinity;
  let refusedIndex = -1;
  let refusalsInARow = 0;

  return { enter, leave, lost, answered, isIdle: () => inFlight === 0 && queue.size === 0 };

  function enter(signal: AbortSignal | undefined): Slot | Promise<Slot> {
    signal?.throwIfAborted();
    const now = performance.now();
    return queue.size === 0 && nextOpening(now) <= now ? take(now, now) : wait(signal, now);
  }

  function take(askedAt: number, now: number): Slot {
    trial.sent(now - Math.max(lastSentAt, pausedUntil));
    const slot = { sentAt: now, index: sentCount + 1, previousAt: lastSentAt, waitedMs: now - askedAt };
    [inFlight, sentCount, lastSentAt] = [inFlight + 1, slot.index, now];
    return slot;
  }

  async function wait(signal: AbortSignal | undefined, askedAt: number): Promise<Slot> {
    let abort = () => {};
    const opening = new Promise<Slot>((resolve, reject) => {
      const waiter = { askedAt, resolve, reject };
      abort = () => {
        queue.delete(waiter);
        reject(signal?.reason);
      };
      queue.add(waiter);
      signal?.addEventListener('abort', abort);
      if (queue.size === 1) admitNext(askedAt);
    });
    try {
      const slot = await opening;
      if (slot.waitedMs > 0) tell({ type: 'waited', key, waitedMs: slot.waitedMs });
      return slot;
    } finally {
      signal?.removeEventListener('abort', abort);
      if (queue.size === 0) clearTimeout(timer);
    }
  }

  /** Lets in whoever may go now, and sets the one timer for whoever is next. */
  function admitNext(now = performance.now()): void {
    clearTimeout(timer);
    for (const waiter of queue) {
      const openAt = nextOpening(now);
      if (openAt > now) {
        const spent = [...quotas.values()].filter(isSpent);
        const resetAt = Math.max(pausedUntil, ...spent.map(({ latestResetAt }) => latestResetAt));
        if (resetAt - now > maxWaitMs) turnAway(resetAt);
        // With no time to wait for, the next answer calls again.
        else if (openAt < Infinity) timer = setTimeout(admitNext, Math.min(Math.ceil(openAt - now), LONGEST_TIMER_MS));
        return;
      }
      queue.delete(waiter);
      waiter.resolve(take(waiter.askedAt, now));
    }
  }

  function nextOpening(now: number): number {
    let openAt = Math.max(pausedUntil, trial.opensAt(now, inFlight, lastSentAt, pausedUntil));
    for (const quota of quotas.values()) {
      openAt = Math.max(openAt, quota.opensAt(now, inFlight, lastSentAt, maxWaitMs));
    }
    return openAt;
  }

  /** Nobody shall wait that long. */
  function turnAway(until: number): void {
    const resetAt = until < Infinity ? toEpochMs(until) : undefined;
    for (const waiter of queue) waiter.reject(new QuotaExhaustedError(resetAt));
    queue.clear();
  }

  function leave({ index, previousAt }: Slot): void {
    if (index === sentCount) [sentCount, lastSentAt] = [index - 1, previousAt];
    end();
  }

  function lost(): void {
    for (const quota of quotas.values()) quota.remaining -= 1;
    end();
  }

  function end(): void {
    inFlight -= 1;
    admitNext();
  }

  async function answered(slot: Slot, response: Response): Promise<void> {
    const now = performance.now();
    const isOld = isCached(response.headers);
    // Whoever looks into the body starts before the caller has it.
    const { limits, hintMs, isRefusal } = readTold(response);
    const reading = !isOld && read && readSafely(response);
    const isRefused = typeof isRefusal === 'boolean' ? isRefusal : await isRefusal;

    if (isRefused) refuse(slot, response.status, limits, hintMs, now);
    else {
      refusalsInARow = 0;
      trial.accepted(slot.waitedMs > 0 || queue.size > 0);
    }
    const refusedMs = isRefused ? hintMs : undefined;
    learn(slot, limits, refusedMs, now);
    // The slot is kept until all is read.
    const more = reading ? await reading : [];
    learn(slot, more, refusedMs, now);
    if (!isOld) forget([...limits, ...more], now);
    end();
  }

  function refuse(slot: Slot, status: number, limits: RateLimit[], hintMs: number | undefined, now: number): void {
    const spent = limits.filter(isSpent);
    const resetMs = spent.map(latestResetMs).find((ms) => ms < Infinity);
    // Requests that were under way together are refused together: that counts once.
    if (slot.index > refusedIndex) {
      refusedIndex = sentCount;
      refusalsInARow += 1;
      trial.restart();
      // Who has waited for a reset and finds the quota spent again shares it with too many.
      const isNews = spent.every(({ name = '' }) => (quotas.get(name)?.remaining ?? 1) >= 1);
      if (resetMs === undefined || !isNews) trial.refused(inFlight, now - pausedUntil);
    }
    const unhintedMs = (status === 403 ? PAUSE_AT_403_MS : PAUSE_MS) * Math.min(64, 2 ** (refusalsInARow - 1));
    pausedUntil = Math.max(pausedUntil, now + (hintMs ?? resetMs ?? unhintedMs) * (1 + random() / 10));
    trial.paused();
    tell({ type: 'paused', key, status, resumeAt: toEpochMs(pausedUntil) });
  }

  function learn(slot: Slot, limits: RateLimit[], hintMs: number | undefined, now: number): void {
    for (const limit of limits) {
      const { name = '', resetMs = hintMs } = limit;
      const quota = quotas.get(name) ?? new Quota(limit, now);
      // `Retry-After` tells when a request may go again; some resets, only when the quota is whole again.
      const isSooner = isSpent(limit) && hintMs !== undefined && resetMs !== undefined;
      quota.takeIn(isSooner ? { ...limit, resetMs: Math.min(hintMs, resetMs) } : limit, slot, sentCount, now);
      // The newest stand last.
      quotas.delete(name);
      quotas.set(name, quota);

      if (quota.runsLow(now, maxWaitMs)) tell({ type: 'quota-low', key, limit });
    }
  }

  /** What an answer says nothing of any more is over, or was spent in silence; of many names the oldest goes. */
  function forget(limits: readonly RateLimit[], now: number): void {
    const named = new Set(limits.map(({ name = '' }) => name));
    let wasScarce = false;
    for (const [name, quota] of quotas) {
      const isOver = !named.has(name) && (now >= quota.latestResetAt || quota.latestResetAt === Infinity);
      if (isOver || quotas.size > MOST_QUOTAS) quotas.delete(name);
      else if (limits.length === 0) quota.remaining -= 1;
      wasScarce ||= isOver && quota.isScarce;
    }
    // Nothing is known any more, and what comes next may hold as little as one request.
    if (wasScarce && quotas.size === 0) trial.restart();
  }

  async function readSafely(response: Response): Promise<RateLimit[]> {
    try {
      const limits = [...((await read?.(response)) ?? [])];
      const isUsable = ({ remaining, limit = 0, resetMs = 0 }: RateLimit) =>
        [remaining, limit, resetMs].every((figure) => typeof figure === 'number' && figure >= 0);
      return limits.filter(isUsable);
    } catch (error) {
      tell({ type: 'read-failed', key, error });
      return [];
    }
  }
}

/** On the clock of the wall, within what a calendar can hold. */
function toEpochMs(at: number): number {
  return Math.min(Math.ceil(Date.now() + at - performance.now()), 8.64e15);
}

/** Where a refusal says neither when to come back nor when quota does; GitHub asks for a minute after a 403. */
const PAUSE_MS = 1_000;
const PAUSE_AT_403_MS = 60_000;
const MOST_QUOTAS = 100;

/** A longer delay overflows the platform's timer, which then fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
