/** The platform's `fetch`, or anything of its shape. */
export type Fetch = typeof globalThis.fetch;

/** Wraps one `fetch` in another. Policies nest: `outer(inner(fetch))`. */
export type Policy = (next: Fetch) => Fetch;

/** One limit, as a response announces it. */
export interface RateLimit {
  /** Tells the limits of one key apart; reports of the same name follow one another. */
  readonly name?: string | undefined;
  /** The whole quota of a window. Left out: the most that was ever seen remaining. */
  readonly limit?: number | undefined;
  /** What is left of it. */
  readonly remaining: number;
  /**
   * What the server counts. Left out or `'requests'`, each request takes one, and what else goes was taken by other
   * clients; of anything else (tokens, bytes) the throttle learns how much goes with a request of yours.
   */
  readonly unit?: string | undefined;
  /** Milliseconds until quota comes back, counted at the server as it answered. */
  readonly resetMs?: number | undefined;
  /** How far off `resetMs` may be, either way: 1,000 where the header counts whole seconds. Default 0. */
  readonly resetErrorMs?: number | undefined;
  /** The length of the window in milliseconds. Alone, it says that the reset is no farther away than that. */
  readonly windowMs?: number | undefined;
}

/** What the throttle tells of. Keys are yours; nothing else in it comes from a request. */
export type AdaptiveThrottleEvent =
  /** A request is sent after it had to wait. */
  | { readonly type: 'waited'; readonly key: string; readonly waitedMs: number }
  /** The server refused; nobody on this key is sent before `resumeAt` (epoch milliseconds). */
  | { readonly type: 'paused'; readonly key: string; readonly status: number; readonly resumeAt: number }
  /** Four fifths of a quota that is longer than `maxWaitMs` are gone. Told once per window. */
  | { readonly type: 'quota-low'; readonly key: string; readonly limit: RateLimit }
  /** A request was rejected with {@link QuotaExhaustedError}. */
  | { readonly type: 'quota-exhausted'; readonly key: string; readonly resetAt: number | undefined }
  /** The option `read` threw or rejected, which counts as no answer. */
  | { readonly type: 'read-failed'; readonly key: string; readonly error: unknown };

/** All may be left out. */
export interface AdaptiveThrottleOptions {
  /**
   * Which quota a request counts against. Requests of different keys never wait for each other. The 1,000 last used
   * are kept. The key appears in events, so make none from a token. @defaultValue the URL's origin
   */
  readonly key?: (request: { readonly url: URL; readonly method: string }) => string;
  /**
   * Reads limits the throttle does not know by itself. To look into the body, read a `response.clone()`, made before
   * the first `await`. @defaultValue none
   */
  readonly read?: (response: Response) => Iterable<RateLimit> | undefined | Promise<Iterable<RateLimit> | undefined>;
  /**
   * How far away a reset or the end of `Retry-After` may be to be waited for, in milliseconds; what is farther rejects.
   * From 0. @defaultValue 900_000
   */
  readonly maxWaitMs?: number;
  /** From 0 to 1: spreads the return after a refusal, so that processes do not return as one. @defaultValue `Math.random` */
  readonly random?: () => number;
  /** Is told what the throttle does. */
  readonly onEvent?: (event: AdaptiveThrottleEvent) => void;
}

/**
 * Slows down before the 429, by the limits that responses announce; where none does, by trial.
 *
 * Full speed while more than a fifth of a quota is left, then evenly spread until it resets. Requests in flight count
 * as spent. Callers go first come, first served. Before the first answer one request a second goes out, then twice as
 * many with each round trip.
 *
 * @throws `TypeError` or `RangeError` when the policy is made, if an option is not what it must be.
 * @throws {@link QuotaExhaustedError} when a request is made, if its quota is spent for longer than `maxWaitMs`.
 */
export function adaptiveThrottle(options: AdaptiveThrottleOptions = {}): Policy {
  const { key = ({ url }) => url.origin, read, maxWaitMs = 900_000, random = Math.random, onEvent } = options;
  for (const [name, value] of Object.entries({ key, read, random, onEvent })) {
    if (value !== undefined && typeof value !== 'function') {
      throw new TypeError(`adaptiveThrottle: ${name} must be a function, got ${value}`);
    }
  }
  if (typeof maxWaitMs !== 'number' || !(maxWaitMs >= 0)) {
    throw new RangeError(`adaptiveThrottle: maxWaitMs must be 0 or more, got ${maxWaitMs}`);
  }

  const lanes = new Map<string, Lane>();

  return (next) =>
    async function withAdaptiveThrottle(input, init) {
      const name = key({ url: urlOf(input), method: methodOf(input, init) });
      const signal = signalOf(input, init);
      const lane = laneOf(name);

      const slot = await lane.enter(signal);
      if (slot.waitedMs > 0) notify(onEvent, { type: 'waited', key: name, waitedMs: slot.waitedMs });
      if (signal?.aborted) {
        lane.leave();
        throw signal.reason;
      }

      try {
        const response = await next(input, init);
        void lane.answered(slot, response);
        return response;
      } catch (error) {
        lane.lost();
        throw error;
      }
    };

  function laneOf(name: string): Lane {
    const lane = lanes.get(name) ?? openLane(name, { ...options, maxWaitMs, random });
    lanes.delete(name);
    for (const [other, { isIdle }] of lanes) {
      if (lanes.size < MOST_LANES) break;
      if (isIdle()) lanes.delete(other);
    }
    lanes.set(name, lane);
    return lane;
  }
}

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

/** Leave to send one request. Times that end in `At` are monotonic. */
interface Slot {
  readonly sentAt: number;
  /** The how-manieth request of its lane. */
  readonly index: number;
  readonly waitedMs: number;
}

interface Waiter {
  admit(now: number): void;
  refuse(reason: unknown): void;
}

type Lane = ReturnType<typeof openLane>;

type LaneSettings = AdaptiveThrottleOptions & Required<Pick<AdaptiveThrottleOptions, 'maxWaitMs' | 'random'>>;

/** The scheduler of one key: who goes when, by the quotas announced and by what refusals have taught. */
function openLane(key: string, { read, maxWaitMs, random, onEvent }: LaneSettings) {
  const queue = new Set<Waiter>();
  const quotas = new Map<string, Quota>();
  const trial: Trial = { concurrency: 1, accepted: 0, watchedSince: 0, ...UNLIMITED };
  let inFlight = 0;
  let sentCount = 0;
  let refusalsInARow = 0;
  let lastSentAt = -Infinity;
  let refusedIndex = -1;
  let pausedUntil = -Infinity;
  let timer: ReturnType<typeof setTimeout> | undefined;

  return { enter, leave, lost, answered, isIdle: () => inFlight === 0 && queue.size === 0 };

  /** Waits for a slot; where one is free it is taken before this returns. */
  function enter(signal: AbortSignal | undefined): Promise<Slot> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const askedAt = performance.now();
      let hasWaited = false;
      const waiter: Waiter = {
        admit(now) {
          stopWaiting();
          resolve({ sentAt: now, index: sentCount, waitedMs: hasWaited ? now - askedAt : 0 });
        },
        refuse(reason) {
          stopWaiting();
          reject(reason);
        },
      };
      queue.add(waiter);
      signal?.addEventListener('abort', abort, { once: true });
      if (queue.size === 1) admitNext();
      hasWaited = true;

      function abort(): void {
        waiter.refuse(signal?.reason);
        if (queue.size === 0) clearTimeout(timer);
      }
      function stopWaiting(): void {
        queue.delete(waiter);
        signal?.removeEventListener('abort', abort);
      }
    });
  }

  /** Lets in whoever may go now, and sets the one timer for whoever is next. */
  function admitNext(): void {
    clearTimeout(timer);
    for (const waiter of queue) {
      const now = performance.now();
      const exhausted = exhaustedUntil(now);
      if (exhausted !== undefined) {
        turnAway(exhausted);
        return;
      }
      const openAt = nextOpening(now);
      if (openAt > now) {
        // With no time to wait for, the next answer calls again.
        if (openAt < Infinity) timer = setTimeout(admitNext, Math.min(Math.ceil(openAt - now), LONGEST_TIMER_MS));
        return;
      }
      // After idle time the requests to come are measured by themselves.
      const isIdle = inFlight === 0 && now > Math.max(lastSentAt, pausedUntil) + PROBE_EVERY_MS;
      if (isIdle) Object.assign(trial, { accepted: 0, watchedSince: now });
      inFlight += 1;
      sentCount += 1;
      lastSentAt = now;
      waiter.admit(now);
    }
  }

  function turnAway(until: number): void {
    const resetAt = until < Infinity ? toEpochMs(until) : undefined;
    for (const waiter of queue) {
      waiter.refuse(new QuotaExhaustedError(resetAt));
      notify(onEvent, { type: 'quota-exhausted', key, resetAt });
    }
  }

  function nextOpening(now: number): number {
    let openAt = Math.max(pausedUntil, lastSentAt + 1_000 / ratePerSecond(trial, now));
    if (inFlight >= Math.floor(trial.concurrency)) {
      // One slow answer holds nobody up, unless there are more in flight than the server is known to take.
      openAt = Math.max(openAt, inFlight > trial.safeConcurrency ? Infinity : lastSentAt + PROBE_EVERY_MS);
    }
    for (const quota of quotas.values()) {
      openAt = Math.max(openAt, quotaOpensAt(quota, now, inFlight, lastSentAt, maxWaitMs));
    }
    return openAt;
  }

  /** When the lane opens again, if that is farther away than anybody shall wait. */
  function exhaustedUntil(now: number): number | undefined {
    let until = pausedUntil;
    for (const { remaining, latestResetAt } of quotas.values()) {
      const mayAsk = latestResetAt === Infinity && now >= lastSentAt + ASK_BLINDLY_EVERY_MS;
      if (remaining < 1 && !mayAsk) until = Math.max(until, latestResetAt);
    }
    return until - now > maxWaitMs ? until : undefined;
  }

  /** Gives back a slot that was not used. */
  function leave(): void {
    inFlight -= 1;
    admitNext();
  }

  /** The request ended without an answer; the server may have counted it. */
  function lost(): void {
    for (const quota of quotas.values()) quota.remaining -= 1;
    leave();
  }

  async function answered(slot: Slot, response: Response): Promise<void> {
    const now = performance.now();
    const hintMs = retryAfterMs(response.headers);
    const limits = readRateLimits(response.headers);
    // Whoever looks into the body starts before the caller has it; the slot is kept until they are done.
    const verdict = isRefusal(response, hintMs !== undefined || limits.some(isSpent));
    if (read) limits.push(...(await readSafely(response)));
    const isRefused = typeof verdict === 'boolean' ? verdict : await verdict;

    if (isRefused) refuse(slot, response.status, limits, hintMs, now);
    else {
      refusalsInARow = 0;
      trial.accepted += 1;
      const isMoreWanted = slot.waitedMs > 0 || queue.size > 0;
      if (isMoreWanted) trial.concurrency += trial.concurrency < trial.safeConcurrency ? 1 : 1 / trial.concurrency;
    }
    learn(slot, limits, isRefused ? hintMs : undefined, now);
    leave();
  }

  function refuse(slot: Slot, status: number, limits: RateLimit[], hintMs: number | undefined, now: number): void {
    const spent = limits.filter(isSpent);
    const [resetMs] = spent.flatMap((limit) => latestResetMs(limit) ?? []);
    // Requests that were under way together are refused together: that counts once.
    if (slot.index > refusedIndex) {
      refusedIndex = sentCount;
      refusalsInARow += 1;
      // Who has waited for a reset and finds the quota spent again shares it with too many.
      const isNews = spent.every(({ name = '' }) => (quotas.get(name)?.remaining ?? 1) >= 1);
      retreat(trial, now, resetMs !== undefined && isNews ? undefined : inFlight);
    }
    const unhintedMs = (status === 403 ? 60_000 : 1_000) * Math.min(64, 2 ** (refusalsInARow - 1));
    const pauseMs = hintMs ?? (refusalsInARow > 1 ? Math.max(unhintedMs, resetMs ?? 0) : (resetMs ?? unhintedMs));
    pausedUntil = Math.max(pausedUntil, now + Math.min(pauseMs, FARTHEST_MS) * (1 + random() / 10));
    Object.assign(trial, { accepted: 0, watchedSince: pausedUntil, resumedAt: pausedUntil });
    notify(onEvent, { type: 'paused', key, status, resumeAt: toEpochMs(pausedUntil) });
  }

  function learn(slot: Slot, limits: RateLimit[], hintMs: number | undefined, now: number): void {
    const named = new Set<string>();
    for (const [index, limit] of limits.entries()) {
      const name = limit.name ?? `${index}`;
      const quota = quotas.get(name) ?? startQuota();
      // `Retry-After` tells when a request may go again; some resets, only when the quota is whole again.
      const isSooner = isSpent(limit) && hintMs !== undefined && hintMs < (limit.resetMs ?? Infinity);
      takeIn(quota, isSooner ? { ...limit, resetMs: hintMs } : limit, slot, sentCount, inFlight, now);
      quotas.set(name, quota);
      named.add(name);

      const isLow = quota.remaining <= quota.limit * RESERVE_RATIO && quota.latestResetAt - now > maxWaitMs;
      if (isLow && !quota.isLow) notify(onEvent, { type: 'quota-low', key, limit });
      quota.isLow = isLow;
    }
    for (const [name, quota] of quotas) {
      if (named.has(name)) continue;
      const isOver = now >= quota.latestResetAt || quota.latestResetAt === Infinity;
      if (isOver && slot.index > quota.reportedIndex) quotas.delete(name);
      else if (limits.length === 0) quota.remaining -= 1;
    }
  }

  async function readSafely(response: Response): Promise<RateLimit[]> {
    try {
      return [...((await read?.(response)) ?? [])];
    } catch (error) {
      notify(onEvent, { type: 'read-failed', key, error });
      return [];
    }
  }
}

function isSpent({ remaining }: RateLimit): boolean {
  return remaining < 1;
}

function latestResetMs({ resetMs, resetErrorMs = 0, windowMs }: RateLimit): number | undefined {
  return resetMs === undefined ? windowMs : resetMs + resetErrorMs;
}

/** What is known of one announced limit. */
interface Quota {
  limit: number;
  /** What is left for sure, less what is in flight. */
  remaining: number;
  /** The lowest of the higher reports that came since, and may be older. */
  lowestIgnored: number;
  /** Servers round, and answers take their time: the reset lies between these two. */
  earliestResetAt: number;
  latestResetAt: number;
  reportedAt: number;
  /** The last request sent before that. */
  reportedIndex: number;
  /** Answers that came when this window may have been over: who sent them may have taken from the next. */
  lateAnswers: number;
  /** What went in this window, and how many answers of ours it was for. */
  used: number;
  own: number;
  /** What others took in past windows, each counting half as much as the next, and in how long. */
  others: number;
  watchedMs: number;
  /** The reset moves away with every request, as in token buckets: quota comes back bit by bit. */
  isRolling: boolean;
  /** Counts tokens or bytes, not requests. */
  isWeighted: boolean;
  isLow: boolean;
}

function startQuota(): Quota {
  const unknown = { limit: 0, remaining: Infinity, lowestIgnored: Infinity, reportedAt: -Infinity, reportedIndex: -1 };
  const account = { lateAnswers: 0, used: 0, own: 0, others: 0, watchedMs: 0 };
  const flags = { isRolling: false, isWeighted: false, isLow: false };
  return { ...unknown, earliestResetAt: -Infinity, latestResetAt: Infinity, ...account, ...flags };
}

/**
 * Answers overtake each other. The lowest report is what is left for sure, whichever came last: only the answer to a
 * request sent after it was in may raise it, and no higher than any other answer since.
 */
function takeIn(quota: Quota, report: RateLimit, slot: Slot, sentCount: number, inFlight: number, now: number): void {
  const { sentAt, index } = slot;
  const { limit, remaining, resetMs, windowMs, unit } = report;
  quota.own += 1;
  quota.limit = limit ?? Math.max(quota.limit, remaining);
  quota.isWeighted = unit !== undefined && unit !== 'requests';

  const dueMs = Math.min(resetMs ?? (windowMs ?? Infinity) / 2, resetMs === undefined ? Infinity : FARTHEST_MS);
  const errorMs = resetMs === undefined ? (windowMs ?? 0) / 2 : (report.resetErrorMs ?? 0);
  const earliest = dueMs === Infinity ? -Infinity : sentAt + dueMs - errorMs;
  // A window that has begun is over after its own length.
  const latest = now + Math.min(dueMs + errorMs, Math.max(windowMs ?? Infinity, dueMs - errorMs));

  // Sent before the last report was in, so either may be the older.
  const isUnordered = index <= quota.reportedIndex;
  if (now >= quota.earliestResetAt) quota.lateAnswers += 1;
  // In a window that has just begun, no more is gone than may have arrived since. Its reset is not the old one's.
  const isMaybeNext = quota.lateAnswers > 0 && quota.limit - remaining <= quota.lateAnswers + inFlight;
  const latestSafe = isUnordered && !quota.isRolling ? Math.max(latest, quota.latestResetAt) : latest;

  if (remaining > quota.remaining && isUnordered) {
    quota.lowestIgnored = Math.min(quota.lowestIgnored, remaining);
    if (isMaybeNext && !quota.isRolling) quota.latestResetAt = latestSafe;
    return;
  }

  const hasMoved = earliest > quota.latestResetAt || latest < quota.earliestResetAt;
  const isFirst = quota.reportedIndex < 0;
  const isNext = isFirst || hasMoved || remaining > quota.remaining || sentAt >= quota.latestResetAt;
  if (!isFirst) quota.used += Math.max(0, quota.remaining - remaining);
  if (isNext) {
    quota.isRolling = now < quota.earliestResetAt;
    closeAccount(quota);
  } else {
    quota.watchedMs += now - quota.reportedAt;
  }
  const isNarrower = !isNext && !quota.isRolling && !isMaybeNext;
  quota.earliestResetAt = isNarrower ? Math.max(quota.earliestResetAt, earliest) : earliest;
  quota.latestResetAt = isNarrower ? Math.min(quota.latestResetAt, latest) : latestSafe;
  if (isNext || now < quota.earliestResetAt) quota.lateAnswers = 0;
  quota.remaining = Math.min(remaining, quota.lowestIgnored);
  quota.lowestIgnored = Infinity;
  quota.reportedAt = now;
  quota.reportedIndex = sentCount;
}

/** When the next request may go, as far as this quota is concerned. */
function quotaOpensAt(quota: Quota, now: number, inFlight: number, lastSentAt: number, maxWaitMs: number): number {
  const { limit, remaining, reportedAt, earliestResetAt, latestResetAt, isRolling } = quota;
  const gone = othersWithin(quota, now - reportedAt);
  // By chance more may be gone than is usual: two standard deviations.
  if (remaining - inFlight - gone - 2 * Math.sqrt(gone) < 1) {
    // With a reset in sight one request asks, once that is past, what there is now.
    const askAt = inFlight === 0 ? now : lastSentAt + PROBE_EVERY_MS;
    return latestResetAt === Infinity && inFlight === 0 ? now : Math.max(latestResetAt, askAt);
  }

  const cost = quota.isWeighted ? Math.max(1, quota.used / Math.max(1, quota.own)) : 1;
  // Others get what they are used to, but a tenth stays ours.
  const ours = Math.max(remaining - othersWithin(quota, earliestResetAt - now, inFlight), remaining / 10);
  const left = ours / cost - inFlight;
  const reserve = limit * (isRolling ? ROLLING_RESERVE_RATIO : RESERVE_RATIO);
  if (now >= earliestResetAt || left * cost > reserve) return now;

  const spreadMs = left > -1 ? (earliestResetAt - lastSentAt) / (left + 1) : Infinity;
  const everyMs = Math.min(spreadMs, isRolling ? (latestResetAt - reportedAt) / (limit - remaining) : Infinity);
  // The last requests of a day are not for sleeping on.
  return everyMs > maxWaitMs ? now : Math.min(lastSentAt + everyMs, latestResetAt);
}

/** Goes into the next window with half of what the last ones have taught. */
function closeAccount(quota: Quota): void {
  const kept = quota.isWeighted ? 1 / 2 : 0;
  if (!quota.isWeighted) quota.others = (quota.others + Math.max(0, quota.used - quota.own)) / 2;
  quota.watchedMs /= 2;
  quota.used *= kept;
  quota.own *= kept;
}

/** How much others will take in the time to come, if they go on as before. */
function othersWithin({ others, used, own, watchedMs, isWeighted }: Quota, ms: number, inFlight = Infinity): number {
  const seen = others + (isWeighted ? 0 : Math.max(0, used - own - inFlight));
  // What a moment showed says little about an hour.
  return seen > 0 ? seen * Math.min(10, Math.max(0, ms) / Math.max(1, watchedMs)) : 0;
}

/** What is found out about limits that nobody announces. */
interface Trial {
  concurrency: number;
  /** Half of what was in flight when the server refused: from there on growth is slow. */
  safeConcurrency: number;
  /** The rate at which the server refused last, and when the pause after that was over. */
  refusedPerSecond: number;
  resumedAt: number;
  accepted: number;
  watchedSince: number;
}

/**
 * The rate to try now: a cubic curve (CUBIC, RFC 9438) that starts below the rate refused, lingers just there and then
 * looks farther and farther beyond. So a refusal that had another reason is soon forgotten.
 */
function ratePerSecond({ refusedPerSecond, resumedAt }: Trial, now: number): number {
  if (refusedPerSecond === Infinity) return Infinity;
  const cut = refusedPerSecond * (1 - DECREASE);
  const lingersAt = Math.max(Math.cbrt(cut / GROWTH), RETURN_REQUESTS / refusedPerSecond);
  const seconds = Math.max(0, now - resumedAt) / 1_000;
  return Math.max(SLOWEST_PER_SECOND, refusedPerSecond + cut * (seconds / lingersAt - 1) ** 3);
}

/** Starts over with one request at a time. A refusal that no quota explains (`inFlight` given) lowers rate and concurrency. */
function retreat(trial: Trial, now: number, inFlight: number | undefined): void {
  if (inFlight !== undefined) {
    const watchedMs = Math.max(SHORTEST_WATCH_MS, now - trial.watchedSince);
    // A rate that grew while nobody used it says nothing.
    const tried = trial.accepted > 0 ? (2_000 * trial.accepted) / watchedMs : 1;
    trial.refusedPerSecond = Math.max(SLOWEST_PER_SECOND, Math.min(ratePerSecond(trial, now), tried));
    trial.safeConcurrency = Math.max(1, inFlight / 2);
  }
  trial.concurrency = 1;
}

/**
 * Reads the limits that a response announces, in every dialect in use: the IETF drafts (`RateLimit` and
 * `RateLimit-Policy`, all revisions), every `…limit-remaining…` family (GitHub, X, Discord, Zendesk, HubSpot, OpenAI,
 * Anthropic, Jira, Intercom…), Shopify's and Salesforce's used/limit pairs, Zendesk's endpoint limits and Microsoft
 * Graph's percentage. What is malformed counts as absent.
 *
 * @param nowMs - The local time in epoch milliseconds, for a reset that is a time in a response without `Date`.
 */
export function readRateLimits(headers: Headers, nowMs: number = Date.now()): RateLimit[] {
  const fields = new Map(headers);
  // A cached answer tells of another time's quota.
  if (Number(fields.get('age')) > 0) return [];
  const limits = [...draftLimits(fields, ''), ...draftLimits(fields, 'beta-')];
  for (const [name, value] of fields) {
    if (name.includes('limit')) limits.push(...familyLimits(fields, name, value, nowMs), ...vendorLimits(name, value));
  }
  return limits;
}

/** The headers by their names in lower case. */
type Fields = ReadonlyMap<string, string>;

/** `RateLimit` as the IETF drafts have it since revision 7, and Jira's preview of it. */
function draftLimits(fields: Fields, prefix: string): RateLimit[] {
  const states = structured(fields.get(`${prefix}ratelimit`));
  if (states.length === 0) return [];
  const policies = new Map(structured(fields.get(`${prefix}ratelimit-policy`)).map((one) => [one.get(''), one]));
  // Revision 7 was one dictionary: `limit=100, remaining=50, reset=5`.
  const dictionary = new Map(states.flatMap((state) => [...state]));
  if (dictionary.has('remaining')) states.splice(0, states.length, dictionary);

  return states.flatMap((state) => {
    const policy = policies.get(state.get('') ?? state.get('limit'));
    const remaining = numberIn(state.get('r') ?? state.get('remaining'));
    // Places rather than requests: what is in flight counts as spent anyway.
    if (remaining === undefined || policy?.get('qu') === 'concurrent-requests') return [];
    return {
      name: state.get('') ?? `${prefix}ratelimit`,
      limit: numberIn(state.get('limit') ?? policy?.get('q')),
      remaining,
      unit: policy?.get('qu'),
      ...wholeSeconds(state.get('t') ?? state.get('reset')),
      windowMs: secondsToMs(policy?.get('w')),
    };
  });
}

/** `…-remaining` with its neighbours `-limit` and `-reset`, wherever in the name the vendor has its own words. */
function familyLimits(fields: Fields, name: string, value: string, nowMs: number): RateLimit[] {
  const at = name.indexOf('-remaining');
  if (at < 0) return [];
  const head = name.slice(0, at);
  const tail = name.slice(at + '-remaining'.length);
  const remaining = numberIn(value);
  if (!head.includes('limit') || remaining === undefined) return [];

  const quota = fields.get(`${head}-limit${tail}`) ?? fields.get(`${head}-max`) ?? fields.get(head);
  const limit = numberIn(quota);
  const policies = [...structured(quota), ...structured(fields.get('ratelimit-policy'))];
  const policy = policies.find((one) => one.has('w') && numberIn(one.get('')) === limit);
  const scope = fields.get(`${head}-resource`) ?? fields.get(`${head}-bucket`);
  const reset = fields.get(`${head}-reset-after${tail}`) ?? fields.get(`${head}-reset${tail}`);

  let windowMs = numberIn(fields.get(`${head}-interval-milliseconds`)) ?? secondsToMs(policy?.get('w'));
  if (name === 'x-hubspot-ratelimit-secondly-remaining') windowMs = 1_000;
  // Zendesk's minute is in its documentation only.
  if (name === 'x-rate-limit-remaining' && fields.has('x-rate-limit')) windowMs = 60_000;
  const unit = name.includes('tokens') ? 'tokens' : undefined;
  const label = `${head}${tail}${scope ? `:${scope}` : ''}`;
  return [{ name: label, limit, remaining, unit, ...resetIn(reset, fields, nowMs), windowMs }];
}

/** Headers that one vendor alone has. */
function vendorLimits(name: string, value: string): RateLimit[] {
  if (name === 'x-shopify-shop-api-call-limit') {
    // A leaky bucket, which on every plan takes 20 s to run dry.
    const toEmptyMs = ({ limit, remaining }: { limit: number; remaining: number }) =>
      (20_000 * (limit - remaining)) / limit;
    return usedOf(value).map((quota) => ({ name, ...quota, resetMs: toEmptyMs(quota), resetErrorMs: 500 }));
  }
  if (name === 'sforce-limit-info') {
    return value.split(';').flatMap((part) => {
      const [scope = '', pair = ''] = part.trim().split('=');
      return usedOf(pair).map((quota) => ({ name: scope, ...quota }));
    });
  }
  if (name === 'x-ms-throttle-limit-percentage' && Number(value) > 0) {
    // Sent above 0.8 only, and may pass 1. The windows behind it have ten seconds.
    return [{ name, limit: 100, remaining: Math.max(0, 100 - 100 * Number(value)), windowMs: 10_000 }];
  }
  // Jobs under way are not requests.
  if (!name.startsWith('zendesk-ratelimit-') || name.endsWith('-inflight-jobs')) return [];
  const [fields] = structured(value);
  const remaining = numberIn(fields?.get('remaining'));
  if (remaining === undefined) return [];
  return [{ name, limit: numberIn(fields?.get('total')), remaining, ...wholeSeconds(fields?.get('resets')) }];
}

/** `32/40`: used of a limit. */
function usedOf(pair: string): { limit: number; remaining: number }[] {
  const [, used, limit] = /^\s*(\d+)\s*\/\s*0*([1-9]\d*)/.exec(pair)?.map(Number) ?? [];
  return used === undefined || limit === undefined ? [] : [{ limit, remaining: Math.max(0, limit - used) }];
}

/** A reset in any spelling: delta seconds, epoch seconds or milliseconds, Go duration, ISO 8601 or HTTP date. */
function resetIn(text: string | undefined, fields: Fields, nowMs: number): Pick<RateLimit, 'resetMs' | 'resetErrorMs'> {
  const value = text?.trim() ?? '';
  const number = numberIn(value);
  const isFine = /\.\d|\d[mµun]s|^\d{12,}$/.test(value);

  // No delta lasts 30 years, and no epoch in seconds is younger.
  const deltaMs = number === undefined ? goDurationMs(value) : number < 1e9 ? number * 1_000 : undefined;
  if (deltaMs !== undefined) return { resetMs: Math.min(deltaMs, FARTHEST_MS), resetErrorMs: isFine ? 0 : 1_000 };

  // A second has ten digits, a millisecond thirteen.
  const isoMs = ISO_DATE.test(value) ? Date.parse(value) : Number.NaN;
  const epochMs = number === undefined ? httpDateMs(value) || isoMs : number < 1e11 ? number * 1_000 : number;
  if (Number.isNaN(epochMs)) return {};
  // Both times are the server's, so its clock may be wrong. `Date` is cut to the second.
  const dateMs = httpDateMs(fields.get('date') ?? '') || undefined;
  const resetMs = epochMs - (dateMs === undefined ? nowMs : dateMs + 500);
  return {
    resetMs: Math.min(Math.max(0, resetMs), FARTHEST_MS),
    resetErrorMs: (isFine ? 0 : 1_000) + (dateMs === undefined ? 0 : 500),
  };
}

function goDurationMs(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|µs|ns))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)([a-zµ]+)/g)) ms += Number(amount) * (GO_UNITS_MS[unit!] ?? 0);
  return ms;
}

/** The members of a structured field (RFC 9651), each by its parameters; its own value has the empty name. */
function structured(text: string | undefined): Map<string, string>[] {
  // With a quote left open the whole field is malformed.
  if (!text || !/^(?:"(?:\\.|[^"\\])*"|[^"])*$/s.test(text)) return [];
  return (text.match(/(?:"(?:\\.|[^"\\])*"|[^",])+/g) ?? []).map((member) => {
    const parts = member.match(/(?:"(?:\\.|[^"\\])*"|[^";])+/g) ?? [];
    return new Map(
      parts.map((part) => {
        const [, name = '', value = ''] = /^(?:([\w*.-]+)\s*=)?\s*(.*)$/s.exec(part.trim()) ?? [];
        return [name, value.replace(/^"(.*)"$/s, '$1').replace(/\\(.)/gs, '$1')];
      }),
    );
  });
}

/** The number that a field begins with; a list joined from several lines counts by its first. */
function numberIn(text: string | undefined): number | undefined {
  const [, number] = /^\s*(-?\d+(?:\.\d+)?)\s*(?:[,;]|$)/.exec(text ?? '') ?? [];
  return number === undefined ? undefined : Math.max(0, Number(number));
}

function secondsToMs(text: string | undefined): number | undefined {
  const seconds = numberIn(text);
  return seconds === undefined ? undefined : Math.min(seconds * 1_000, FARTHEST_MS);
}

function wholeSeconds(text: string | undefined): Pick<RateLimit, 'resetMs' | 'resetErrorMs'> {
  const resetMs = secondsToMs(text);
  return resetMs === undefined ? {} : { resetMs, resetErrorMs: 1_000 };
}

const ISO_DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)$/;
const GO_UNITS_MS: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 };

/** Whether a response says that there were too many requests; for a 403 only its body can tell. */
function isRefusal(response: Response, isHinted: boolean): boolean | Promise<boolean> {
  const { status, headers } = response;
  if (status === 429) return true;
  if (status === 403 && !isHinted && /\bjson\b/.test(headers.get('content-type') ?? ''))
    return tellsOfLimit(response.clone());
  return (status === 403 && isHinted) || ((status === 503 || status === 529) && headers.has('retry-after'));
}

/** Reads the beginning of a copy, so that the caller's body stays whole. */
async function tellsOfLimit({ body }: Response): Promise<boolean> {
  const decoder = new TextDecoder();
  const reader = body?.getReader();
  let text = '';
  try {
    for (let part = await reader?.read(); part?.value; part = await reader?.read()) {
      text += decoder.decode(part.value, { stream: true });
      if (text.length > 16_384) break;
    }
  } catch {
    // The caller sees the same failure.
  }
  reader?.cancel().catch(() => {});
  return TELLS_OF_LIMIT.test(text);
}

function toEpochMs(at: number): number {
  return Math.ceil(Date.now() + at - performance.now());
}

/** GitHub's secondary limits, Google's reasons and Salesforce's error code. */
const TELLS_OF_LIMIT =
  /\bsecondary rate\b|rate ?limit ?exceeded|(?:daily)?limitExceeded|quotaExceeded|REQUEST_LIMIT_EXCEEDED/i;
const UNLIMITED = { safeConcurrency: Infinity, refusedPerSecond: Infinity, resumedAt: 0 };
const MOST_LANES = 1_000;
const RESERVE_RATIO = 1 / 5;
/** Where quota comes back bit by bit there is no wall to brake for. */
const ROLLING_RESERVE_RATIO = 1 / 25;
/** While nothing is known, or what is known is over. */
const PROBE_EVERY_MS = 1_000;
/** For a spent quota with no reset in sight. */
const ASK_BLINDLY_EVERY_MS = 60_000;
const SLOWEST_PER_SECOND = 1 / 600;
const SHORTEST_WATCH_MS = 250;

/** To what share the rate is lowered at once, and how fast it grows back, per second cubed: CUBIC's own constants. */
const DECREASE = 0.7;
const GROWTH = 0.4;
/** A slow client is back at the rate refused after so many requests, since it hears of the limit as seldom. */
const RETURN_REQUESTS = 10;
/** No quota is longer: what is announced beyond a year is cut. */
const FARTHEST_MS = 366 * 86_400_000;

/** The caller's signal as `fetch` sees it: an explicit `null` detaches a `Request` from its own. */
function signalOf(input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): AbortSignal | undefined {
  const own = input instanceof Request ? input.signal : undefined;
  return (init?.signal === undefined ? own : init.signal) ?? undefined;
}

/** The method as it goes on the wire. */
function methodOf(input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): string {
  return (init?.method ?? (input instanceof Request ? input.method : 'GET')).toUpperCase();
}

/** The request's URL; a relative one resolves against the page, where there is one. */
function urlOf(input: Parameters<Fetch>[0]): URL {
  const { location } = globalThis as { location?: { href: string } };
  return new URL(input instanceof Request ? input.url : input, location?.href);
}

/** Tells the observer. What goes wrong there, at once or later, is not the request's failure. */
function notify<Event>(onEvent: ((event: Event) => void) | undefined, event: Event): void {
  try {
    const outcome: unknown = onEvent?.(event);
    if (outcome instanceof Promise) outcome.catch(() => {});
  } catch {
    // The observer's own affair.
  }
}

/**
 * How long a response asks to be left alone, in milliseconds, or `undefined` if it does not say. The longest counts of
 * `Retry-After` (RFC 9110, 10.2.3: seconds, decimals too, or dates by the response's own `Date`) and `retry-after-ms`.
 */
function retryAfterMs(headers: Headers): number | undefined {
  const decimal = (text: string | null) => (/^\s*\d+(\.\d+)?\s*$/.test(text ?? '') ? Number(text) : Number.NaN);
  const sentAtMs = httpDateMs(headers.get('date') ?? '') || Date.now();
  // The comma after a date's weekday is its own; any other joins two header lines.
  const hints = headers.get('retry-after')?.split(/,(?! \d\d[ -][A-Z])/) ?? [];
  const waits = hints.flatMap((hint) => [decimal(hint) * 1_000, httpDateMs(hint.trim()) - sentAtMs]);
  const told = [decimal(headers.get('retry-after-ms')), ...waits].filter((ms) => !Number.isNaN(ms));
  return told.length > 0 ? Math.max(0, ...told) : undefined;
}

/** An HTTP date (RFC 9110, 5.6.7) of any form as epoch milliseconds, or `NaN`. The form without a zone means UTC. */
function httpDateMs(text: string): number {
  const form = /^[A-Z][a-z]+(, \d\d[ -][A-Z][a-z]{2}[ -]\d+| [A-Z][a-z]{2} [ \d]\d) [\d:]{8} (GMT|\d{4})$/;
  return form.test(text) ? Date.parse(text.replace(/\d{4}$/, '$& GMT')) : Number.NaN;
}

/** A longer delay overflows the platform's timer, which then fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
