/** The platform's `fetch`, or anything of its shape. */
export type Fetch = typeof globalThis.fetch;

/** Wraps one `fetch` in another. Policies nest: `outer(inner(fetch))`. */
export type Policy = (next: Fetch) => Fetch;

/** One limit, as a response announces it. */
export interface RateLimit {
  /** Tells the limits of one key apart; reports of the same name follow one another. Default `''`. */
  readonly name?: string | undefined;
  /** The whole quota of a window. Left out: the most that was ever seen remaining. */
  readonly limit?: number | undefined;
  /** What is left of it. */
  readonly remaining: number;
  /** What is counted. Default `'requests'`; of anything else the throttle learns how much a request of yours takes. */
  readonly unit?: string | undefined;
  /** Milliseconds until quota comes back, counted at the server as it answered. */
  readonly resetMs?: number | undefined;
  /** How far off `resetMs` may be, either way: 1,000 where the header counts whole seconds. Default 0. */
  readonly resetErrorMs?: number | undefined;
  /** The length of the window in milliseconds: the reset is no farther away than that. */
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
  /** The option `read` threw or rejected, which counts as no answer. */
  | { readonly type: 'read-failed'; readonly key: string; readonly error: unknown };

/** All may be left out. */
export interface AdaptiveThrottleOptions {
  /**
   * Which quota a request counts against; keys never wait for each other. The 1,000 last used are kept. It appears in
   * events, so make none from a token. @defaultValue the URL's origin
   */
  readonly key?: (request: { readonly url: URL; readonly method: string }) => string;
  /**
   * Reads limits the throttle does not know by itself. To look into the body, read a `response.clone()`, made before
   * the first `await`. @defaultValue none
   */
  readonly read?: (response: Response) => Iterable<RateLimit> | undefined | Promise<Iterable<RateLimit> | undefined>;
  /** How far away a reset may be to be waited for, in milliseconds from 0; what is farther rejects. @defaultValue 900_000 */
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
      if (lanes.size >= MOST_LANES && isIdle()) lanes.delete(other);
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
  readonly askedAt: number;
  readonly resolve: (slot: Slot) => void;
  readonly reject: (reason: unknown) => void;
}

type Lane = ReturnType<typeof openLane>;

type LaneSettings = AdaptiveThrottleOptions & Required<Pick<AdaptiveThrottleOptions, 'maxWaitMs' | 'random'>>;

/** The scheduler of one key: who goes when, by the quotas announced and by what refusals have taught. */
function openLane(key: string, { read, maxWaitMs, random, onEvent }: LaneSettings) {
  const queue = new Set<Waiter>();
  const quotas = new Map<string, Quota>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let inFlight = 0;
  let sentCount = 0;
  let lastSentAt = -Infinity;
  let pausedUntil = -Infinity;
  let refusedIndex = -1;
  let refusalsInARow = 0;

  // What is found out about limits that nobody announces.
  let concurrency = 1;
  /** Half of what was in flight when the server refused: from there on growth is slow. */
  let safeConcurrency = Infinity;
  /** The rate at which the server refused last. */
  let refusedPerSecond = Infinity;
  /** Since the last pause, and in how long without idle time. */
  let accepted = 0;
  let busyMs = 0;

  return { enter, leave, lost, answered, isIdle: () => inFlight === 0 && queue.size === 0 };

  /** Waits for a slot; where one is free it is taken before this returns. */
  async function enter(signal: AbortSignal | undefined): Promise<Slot> {
    signal?.throwIfAborted();
    let abort = () => {};
    const slot = new Promise<Slot>((resolve, reject) => {
      const waiter = { askedAt: performance.now(), resolve, reject };
      abort = () => {
        queue.delete(waiter);
        reject(signal?.reason);
      };
      queue.add(waiter);
      signal?.addEventListener('abort', abort);
      if (queue.size === 1) admitNext(waiter.askedAt);
    });
    try {
      return await slot;
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
      const gapMs = now - Math.max(lastSentAt, pausedUntil);
      if (gapMs < PROBE_EVERY_MS) busyMs += gapMs;
      inFlight += 1;
      sentCount += 1;
      lastSentAt = now;
      queue.delete(waiter);
      waiter.resolve({ sentAt: now, index: sentCount, waitedMs: now - waiter.askedAt });
    }
  }

  function nextOpening(now: number): number {
    let openAt = Math.max(pausedUntil, lastSentAt + 1_000 / ratePerSecond(now));
    if (inFlight >= Math.floor(concurrency)) {
      // One slow answer holds nobody up, unless there are more in flight than the server is known to take.
      openAt = Math.max(openAt, inFlight > safeConcurrency ? Infinity : lastSentAt + PROBE_EVERY_MS);
    }
    for (const quota of quotas.values()) {
      openAt = Math.max(openAt, quotaOpensAt(quota, now, inFlight, lastSentAt, maxWaitMs));
    }
    return openAt;
  }

  /** Nobody shall wait that long. */
  function turnAway(until: number): void {
    const resetAt = until < Infinity ? toEpochMs(until) : undefined;
    for (const waiter of queue) waiter.reject(new QuotaExhaustedError(resetAt));
    queue.clear();
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
    else accept(slot);
    learn(slot, limits, isRefused ? hintMs : undefined, now);
    leave();
  }

  function accept(slot: Slot): void {
    refusalsInARow = 0;
    accepted += 1;
    const isMoreWanted = slot.waitedMs > 0 || queue.size > 0;
    if (isMoreWanted) concurrency += concurrency < safeConcurrency ? 1 : 1 / concurrency;
  }

  function refuse(slot: Slot, status: number, limits: RateLimit[], hintMs: number | undefined, now: number): void {
    const spent = limits.filter(isSpent);
    const resetMs = spent.map(latestResetMs).find((ms) => ms < Infinity);
    // Requests that were under way together are refused together: that counts once.
    if (slot.index > refusedIndex) {
      refusedIndex = sentCount;
      refusalsInARow += 1;
      concurrency = 1;
      // Who has waited for a reset and finds the quota spent again shares it with too many.
      const isNews = spent.every(({ name = '' }) => (quotas.get(name)?.remaining ?? 1) >= 1);
      if (resetMs === undefined || !isNews) {
        // A rate that grew while nobody used it says nothing.
        const triedPerSecond = Math.max(1, (2_000 * accepted) / Math.max(SHORTEST_WATCH_MS, busyMs));
        refusedPerSecond = Math.max(SLOWEST_PER_SECOND, Math.min(ratePerSecond(now), triedPerSecond));
        safeConcurrency = Math.max(1, inFlight / 2);
      }
    }
    const unhintedMs = (status === 403 ? 60_000 : 1_000) * Math.min(64, 2 ** (refusalsInARow - 1));
    pausedUntil = Math.max(pausedUntil, now + (hintMs ?? resetMs ?? unhintedMs) * (1 + random() / 10));
    accepted = 0;
    busyMs = 0;
    notify(onEvent, { type: 'paused', key, status, resumeAt: toEpochMs(pausedUntil) });
  }

  /** The rate to try now, on CUBIC's curve (RFC 9438): below the rate refused, lingering there, then farther and farther beyond. */
  function ratePerSecond(now: number): number {
    if (refusedPerSecond === Infinity) return Infinity;
    const cut = refusedPerSecond * (1 - DECREASE);
    const lingersAt = Math.max(Math.cbrt(cut / GROWTH), RETURN_REQUESTS / refusedPerSecond);
    const seconds = Math.max(0, now - pausedUntil) / 1_000;
    return Math.max(SLOWEST_PER_SECOND, refusedPerSecond + cut * (seconds / lingersAt - 1) ** 3);
  }

  function learn(slot: Slot, limits: RateLimit[], hintMs: number | undefined, now: number): void {
    for (const limit of limits) {
      const { name = '', resetMs = hintMs } = limit;
      const quota = quotas.get(name) ?? startQuota(limit, now);
      // `Retry-After` tells when a request may go again; some resets, only when the quota is whole again.
      const isSooner = isSpent(limit) && hintMs !== undefined && resetMs !== undefined;
      takeIn(quota, isSooner ? { ...limit, resetMs: Math.min(hintMs, resetMs) } : limit, slot, sentCount, now);
      quotas.set(name, quota);

      const isLow = quota.remaining <= quota.limit * RESERVE_RATIO && quota.latestResetAt - now > maxWaitMs;
      if (isLow && !quota.isLow) notify(onEvent, { type: 'quota-low', key, limit });
      quota.isLow = isLow;
    }
    const named = new Set(limits.map(({ name = '' }) => name));
    for (const [name, quota] of quotas) {
      if (named.has(name)) continue;
      if (now >= quota.latestResetAt || quota.latestResetAt === Infinity) quotas.delete(name);
      else if (limits.length === 0) quota.remaining -= 1;
    }
  }

  async function readSafely(response: Response): Promise<RateLimit[]> {
    try {
      const limits = [...((await read?.(response)) ?? [])];
      return limits.filter(({ remaining }) => remaining >= 0);
    } catch (error) {
      notify(onEvent, { type: 'read-failed', key, error });
      return [];
    }
  }
}

function isSpent({ remaining }: { readonly remaining: number }): boolean {
  return remaining < 1;
}

/** A window that has begun is over after its own length. */
function latestResetMs({ resetMs = Infinity, resetErrorMs = 0, windowMs = Infinity }: RateLimit): number {
  return Math.min(resetMs + resetErrorMs, windowMs);
}

type Quota = ReturnType<typeof startQuota>;

/** What is known of one announced limit. */
function startQuota({ remaining, unit = 'requests' }: RateLimit, now: number) {
  return {
    limit: 0,
    /** What is left for sure, less what is in flight. */
    remaining,
    /** The lowest report since the one that counted last. */
    lowest: Infinity,
    /** Servers round, and answers take their time: the reset lies between these two. */
    earliestResetAt: -Infinity,
    latestResetAt: Infinity,
    reportedAt: now,
    /** The last request sent before that. */
    reportedIndex: -1,
    /** What went in this window since the first report of it, and how many answers of ours it was for. */
    used: 0,
    own: -1,
    /** What others took in past windows, each counting half as much as the next, and in how long. */
    others: 0,
    watchedMs: 0,
    /** The reset moves away with every request, as in token buckets: quota comes back bit by bit. */
    isRolling: false,
    /** How much flows in per millisecond, if it is a bucket. */
    perMs: 0,
    /** What has flowed out of it, the past counting less, and how much of that was ours, of so many requests sent. */
    flowed: { out: 0, own: 0, sentCount: 0 },
    /** How far apart requests go while it is shared, or runs dry. */
    everyMs: 0,
    isPaced: false,
    /** Counts tokens or bytes, not requests. */
    isWeighted: unit !== 'requests',
    isLow: false,
  };
}

/**
 * Answers overtake each other. The lowest report is what is left for sure, whichever came last: only the answer to a
 * request sent after it was in may raise it, and no higher than any other answer since.
 */
function takeIn(quota: Quota, report: RateLimit, slot: Slot, sentCount: number, now: number): void {
  const { sentAt, index } = slot;
  const { limit, remaining, resetMs, resetErrorMs = 0 } = report;
  quota.limit = limit ?? Math.max(quota.limit, remaining);
  quota.own += 1;
  quota.lowest = Math.min(quota.lowest, remaining);
  // Sent before the last report was in, so either may be the older.
  if (remaining > quota.remaining && index <= quota.reportedIndex) return;

  const earliest = resetMs === undefined ? -Infinity : sentAt + resetMs - resetErrorMs;
  const latest = now + latestResetMs(report);
  const isNext = earliest > quota.latestResetAt || remaining > quota.remaining;
  const mayBeNext = now >= quota.earliestResetAt;

  quota.used += Math.max(0, quota.remaining - remaining);
  if (isNext) {
    quota.isRolling = !mayBeNext;
    closeAccount(quota);
  } else {
    quota.watchedMs += now - quota.reportedAt;
  }
  if (isBucket(quota, report)) followBucket(quota, report, slot, sentCount, now);
  else quota.perMs = 0;
  const isSame = !isNext && !mayBeNext && !quota.isRolling;
  quota.earliestResetAt = isSame ? Math.max(quota.earliestResetAt, earliest) : earliest;
  quota.latestResetAt = isSame ? Math.min(quota.latestResetAt, latest) : latest;
  quota.remaining = quota.lowest;
  quota.lowest = Infinity;
  quota.reportedAt = now;
  quota.reportedIndex = sentCount;
}

/** Whether it is told of as a bucket that fills up: the reset is as far away as what is missing takes to flow in. */
function isBucket({ limit, perMs, isWeighted, isRolling }: Quota, report: RateLimit): boolean {
  const { remaining, resetMs = 0, resetErrorMs = 0, windowMs = 0 } = report;
  // What is told too roughly would fit any window.
  if (windowMs <= 4 * resetErrorMs || isWeighted) return false;
  const fits = Math.abs(resetMs - windowMs * (1 - remaining / limit)) <= resetErrorMs;
  // Who is refused may hear when to ask again, rather than when all is back.
  return perMs > 0 ? fits || remaining < 1 : fits && isRolling;
}

/**
 * All who share a bucket see what is missing, and wait in proportion to it. So each gets the same, and all together
 * what flows in: a hundred keep some forty missing, beside a twentieth of the bucket. Who is alone lets it run dry.
 */
function followBucket(quota: Quota, report: RateLimit, { index, waitedMs }: Slot, sentCount: number, now: number) {
  const { limit, perMs, flowed } = quota;
  const { remaining, windowMs = 0 } = report;
  quota.perMs = limit / windowMs;
  if (perMs === 0) {
    // What is on its way there, and will be missing by and by, is ours.
    quota.flowed = { out: 0, own: sentCount - Math.min(index, limit - remaining), sentCount };
    return;
  }
  const passedMs = now - quota.reportedAt;
  const kept = flowed.out > 100 ? 0.5 : 1;
  const out = flowed.out * kept + Math.max(0, quota.remaining - remaining + passedMs * perMs);
  const own = flowed.own * kept + sentCount - flowed.sentCount;
  quota.flowed = { out, own, sentCount };

  // Half a request is lost in rounding.
  const others = Math.max(0, (out - own - 0.5) / Math.max(1, out));
  const turns = 2.3 * Math.max(0, Math.min(60, limit - remaining - limit / 20));
  const everyMs = Math.min(turns, 1 + others * (turns - 1)) / perMs;
  // Faster only bit by bit, since all the others do the same.
  quota.everyMs = Math.max(everyMs, quota.everyMs - passedMs / 3);
  quota.isPaced = others > 0.05 || (quota.isPaced && waitedMs > 0);
}

/** Goes into the next window with half of what the last ones have taught. */
function closeAccount(quota: Quota): void {
  if (quota.isWeighted) return;
  quota.others = (quota.others + Math.max(0, quota.used - quota.own)) / 2;
  quota.watchedMs /= 2;
  quota.used = 0;
  quota.own = 0;
}

/** When the next request may go, as far as this quota is concerned. */
function quotaOpensAt(quota: Quota, now: number, inFlight: number, lastSentAt: number, maxWaitMs: number): number {
  const { limit, remaining, reportedAt, earliestResetAt, latestResetAt, used, own, others, isRolling } = quota;
  if (quota.perMs > 0) {
    const left = remaining - inFlight;
    quota.isPaced ||= left <= limit * ROLLING_RESERVE_RATIO;
    const everyMs = quota.isPaced && quota.everyMs <= maxWaitMs ? quota.everyMs : 0;
    return Math.max(reportedAt + (1 - left) / quota.perMs, lastSentAt + everyMs);
  }
  // What a moment showed says little about an hour.
  const share = (ms: number) => Math.min(10, Math.max(0, ms) / Math.max(1, quota.watchedMs));

  const gone = others * share(now - reportedAt);
  // By chance more may be gone than is usual: two standard deviations.
  if (remaining - inFlight - gone - 2 * Math.sqrt(gone) < 1) {
    if (latestResetAt === Infinity && isSpent(quota)) return lastSentAt + ASK_BLINDLY_EVERY_MS;
    // One request asks what there is now, once a reset that is in sight is past.
    const askAt = inFlight === 0 ? now : lastSentAt + PROBE_EVERY_MS;
    return latestResetAt === Infinity ? askAt : Math.max(latestResetAt, askAt);
  }

  const cost = quota.isWeighted ? Math.max(1, used / Math.max(1, own)) : 1;
  const othersNow = others + Math.max(0, used - (own + inFlight) * cost);
  // Others get what they are used to, but a tenth stays ours.
  const ours = Math.max(remaining - othersNow * share(earliestResetAt - now), remaining / 10);
  const left = ours / cost - inFlight;
  const reserve = limit * (isRolling ? ROLLING_RESERVE_RATIO : RESERVE_RATIO);
  if (now >= earliestResetAt || left * cost > reserve) return now;

  const spreadMs = (earliestResetAt - lastSentAt) / Math.max(1, left + 1);
  const refillMs = isRolling ? (latestResetAt - reportedAt) / (limit - remaining) : Infinity;
  const everyMs = Math.min(spreadMs, refillMs);
  // The last requests of a day are not for sleeping on.
  return everyMs > maxWaitMs ? now : Math.min(lastSentAt + everyMs, latestResetAt);
}

/**
 * Reads the limits that a response announces, in every dialect in use: all revisions of the IETF drafts, every
 * `…limit-remaining…` family (GitHub, X, Discord, HubSpot, OpenAI, Anthropic, Jira, Intercom…), Shopify's and Salesforce's
 * used/limit pairs, Zendesk's endpoint limits and Microsoft Graph's percentage. What is malformed counts as absent.
 *
 * @param nowMs - The local time in epoch milliseconds, for a reset that is a time in a response without `Date`.
 */
export function readRateLimits(headers: Headers, nowMs: number = Date.now()): RateLimit[] {
  const fields = new Map(headers);
  // A cached answer tells of another time's quota.
  if (Number(fields.get('age')) > 0) return [];
  const readers = [memberLimits, familyLimits, usedLimits];
  const announcing = [...fields].filter(([name]) => name.includes('limit'));
  return announcing.flatMap(([name, value]) => readers.flatMap((reader) => reader(name, value, fields, nowMs)));
}

/** The headers by their names in lower case. */
type Fields = ReadonlyMap<string, string>;

/** `"burst";r=50;t=30` of the IETF drafts since revision 7, Jira's preview of them and Zendesk's endpoints. */
function memberLimits(name: string, value: string, fields: Fields, nowMs: number): RateLimit[] {
  const members = structured(value);
  const policies = new Map(structured(fields.get(`${name}-policy`)).map((policy) => [policy.get(''), policy]));
  // Revision 7 was one dictionary: `limit=100, remaining=50, reset=5`.
  const isDictionary = members.some((member) => member.has('remaining'));
  const states = isDictionary ? [new Map(members.flatMap((member) => [...member]))] : members;

  return states.flatMap((state) => {
    const policy = policies.get(state.get('') ?? state.get('limit'));
    const remaining = numberIn(state.get('r') ?? state.get('remaining'));
    // Places rather than requests: what is in flight counts as spent anyway.
    const isOfPlaces = policy?.get('qu') === 'concurrent-requests' || name.endsWith('-inflight-jobs');
    if (remaining === undefined || isOfPlaces) return [];
    return {
      name: state.get('') ?? name,
      limit: numberIn(state.get('limit') ?? state.get('total') ?? policy?.get('q')),
      remaining,
      unit: policy?.get('qu'),
      ...resetIn(state.get('t') ?? state.get('reset') ?? state.get('resets'), fields, nowMs),
      windowMs: numberIn(policy?.get('w'), 1_000),
    };
  });
}

/** `…-remaining` with its neighbours `-limit` and `-reset`, wherever in the name the vendor has its own words. */
function familyLimits(name: string, value: string, fields: Fields, nowMs: number): RateLimit[] {
  const [head = '', tail] = name.split('-remaining');
  const remaining = numberIn(value);
  if (tail === undefined || !head.includes('limit') || remaining === undefined) return [];

  const field = (suffix: string) => fields.get(head + suffix);
  const quota = field(`-limit${tail}`) ?? field('-max') ?? field('');
  const limit = numberIn(quota);
  const policies = [...structured(quota), ...structured(fields.get('ratelimit-policy'))];
  const policy = policies.find((one) => one.has('w') && numberIn(one.get('')) === limit);
  const scope = field('-resource') ?? field('-bucket');
  const reset = field(`-reset-after${tail}`) ?? field(`-reset${tail}`);
  const documentedMs = reset === undefined ? WINDOWS_MS[head] : undefined;
  return [
    {
      name: head + tail + (scope ? `:${scope}` : ''),
      limit,
      remaining,
      unit: name.includes('tokens') ? 'tokens' : undefined,
      ...resetIn(reset, fields, nowMs),
      windowMs: numberIn(field('-interval-milliseconds')) ?? numberIn(policy?.get('w'), 1_000) ?? documentedMs,
    },
  ];
}

/** Windows that are found in the vendor's documentation only: HubSpot's and Zendesk's. */
const WINDOWS_MS: Record<string, number> = { 'x-hubspot-ratelimit-secondly': 1_000, 'x-rate-limit': 60_000 };

/** What is used rather than what remains: Shopify's `32/40`, Salesforce's `api-usage=18/5000`, Graph's share of 1. */
function usedLimits(name: string, value: string): RateLimit[] {
  if (name === 'x-ms-throttle-limit-percentage' && Number(value) > 0) {
    // Sent above 0.8 only, and may pass 1. The windows behind it have ten seconds.
    return [{ name, limit: 100, remaining: Math.max(0, 100 - 100 * Number(value)), windowMs: 10_000 }];
  }
  const isShopify = name === 'x-shopify-shop-api-call-limit';
  if (!isShopify && name !== 'sforce-limit-info') return [];
  return value.split(';').flatMap((part) => {
    const [, scope = name, used, whole] = /^\s*(?:([\w-]+)=)?(\d+)\/(\d+)/.exec(part) ?? [];
    const limit = Number(whole);
    if (!(limit > 0)) return [];
    const remaining = Math.max(0, limit - Number(used));
    // A leaky bucket, which on every plan takes 20 s to run dry.
    const reset = isShopify ? { resetMs: 20_000 * (1 - remaining / limit), resetErrorMs: 500, windowMs: 20_000 } : {};
    return { name: scope, limit, remaining, ...reset };
  });
}

/** A reset in any spelling: delta seconds, epoch seconds or milliseconds, Go duration, ISO 8601 or HTTP date. */
function resetIn(text: string | undefined, fields: Fields, nowMs: number) {
  const value = text?.trim() ?? '';
  const number = numberIn(value) ?? Number.NaN;
  const errorMs = /\.\d|[mµun]s|^\d{12,}$/.test(value) ? 0 : 1_000;

  // No delta lasts 30 years, and no epoch in seconds is younger.
  const deltaMs = number < 1e9 ? number * 1_000 : goDurationMs(value);
  if (!Number.isNaN(deltaMs)) return { resetMs: Math.min(deltaMs, FARTHEST_MS), resetErrorMs: errorMs };

  // A second has ten digits, a millisecond thirteen.
  const epochMs = number < 1e11 ? number * 1_000 : number || httpDateMs(value) || isoDateMs(value);
  if (Number.isNaN(epochMs)) return {};
  // Both times are the server's, so its clock may be wrong. `Date` is cut to the second.
  const dateMs = httpDateMs(fields.get('date') ?? '');
  const [sentAtMs, dateErrorMs] = Number.isNaN(dateMs) ? [nowMs, 0] : [dateMs + 500, 500];
  const resetMs = Math.min(Math.max(0, epochMs - sentAtMs), FARTHEST_MS);
  return { resetMs, resetErrorMs: errorMs + dateErrorMs };
}

function isoDateMs(text: string): number {
  return /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
}

function goDurationMs(text: string): number {
  if (!/^(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|µs|ns))+$/.test(text)) return Number.NaN;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)([a-zµ]+)/g)) ms += Number(amount) * (GO_UNITS_MS[unit!] ?? 0);
  return ms;
}

const GO_UNITS_MS: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 };

/** The members of a structured field (RFC 9651), each by its parameters; its own value has the empty name. */
function structured(text: string | undefined): Map<string, string>[] {
  const members: Map<string, string>[] = [];
  // Without parameters it says nothing of limits.
  if (!text?.includes('=')) return members;
  let end = 0;
  for (const { 0: part, 1: separator, 2: name = '', 3: quoted, 4: bare = '', index } of text.matchAll(PART)) {
    if (separator !== ';') members.push(new Map());
    members.at(-1)?.set(name, quoted?.replace(/\\(.)/gs, '$1') ?? bare.trim());
    end = index + part.length;
  }
  // What is malformed somewhere is malformed as a whole.
  return end === text.length ? members : [];
}

/** A value, bare or quoted, with its name, if it has one, and what separates it from the last. */
const PART = /(^|[,;])\s*(?:([\w*.-]+)\s*=\s*)?(?:"((?:\\.|[^"\\])*)"\s*|([^",;]*))/gsy;

/** The number that a field begins with; a list joined from several lines counts by its first. */
function numberIn(text: string | undefined, unit = 1): number | undefined {
  const [, number] = /^\s*(-?\d+(?:\.\d+)?)\s*(?:[,;]|$)/.exec(text ?? '') ?? [];
  return number === undefined ? undefined : Math.max(0, Number(number) * unit);
}

/** Whether a response says that there were too many requests; for a 403 only its body can tell. */
function isRefusal(response: Response, isHinted: boolean): boolean | Promise<boolean> {
  const { status, headers } = response;
  if (status === 429 || isHinted) return [403, 429, 503, 529].includes(status);
  const isJson = /\bjson\b/.test(headers.get('content-type') ?? '');
  return status === 403 && isJson && tellsOfLimit(response.clone());
}

/** Reads the beginning of a copy, so that the caller's body stays whole. */
async function tellsOfLimit({ body }: Response): Promise<boolean> {
  const decoder = new TextDecoder();
  const reader = body?.getReader();
  let text = '';
  try {
    for (let part = await reader?.read(); part?.value && text.length < 16_384; part = await reader?.read()) {
      text += decoder.decode(part.value, { stream: true });
    }
  } catch {
    // The caller sees the same failure.
  }
  reader?.cancel().catch(() => {});
  return TELLS_OF_LIMIT.test(text);
}

/** On the clock of the wall, within what a calendar can hold. */
function toEpochMs(at: number): number {
  return Math.min(Math.ceil(Date.now() + at - performance.now()), 8.64e15);
}

/** GitHub's secondary limits, Google's reasons and Salesforce's error code. */
const TELLS_OF_LIMIT =
  /\bsecondary rate\b|rate ?limit ?exceeded|(?:daily)?limitExceeded|quotaExceeded|REQUEST_LIMIT_EXCEEDED/i;
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
  (async () => onEvent?.(event))().catch(() => {});
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
