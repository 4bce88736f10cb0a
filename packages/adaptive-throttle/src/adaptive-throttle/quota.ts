import { isSpent, latestResetMs, type RateLimit } from './rate-limits.ts';

/** Leave to send one request. Times that end in `At` are monotonic. */
export interface Slot {
  readonly sentAt: number;
  /** The how-manieth request of its lane. */
  readonly index: number;
  /** When the request before it went. */
  readonly previousAt: number;
  readonly waitedMs: number;
}

/** What is known of one announced limit. */
export class Quota {
  /** The whole of it. */
  private limit = 0;
  /** What is left for sure, but for what is in flight: the lowest report, less what was sent and told nothing. */
  remaining: number;
  /** The report that counted last. */
  private reported: number;
  /** The lowest report since the one that counted last. */
  private lowest: number = Infinity;
  /** Servers round, and answers take their time: the reset lies between these two. */
  private earliestResetAt: number = -Infinity;
  latestResetAt: number = Infinity;
  private reportedAt: number;
  /** The last request sent before that report was in. */
  private reportedIndex = -1;
  /** What went in this window, and with how many answers of ours; the first of all only tells where it starts from. */
  private used = 0;
  private own = -1;
  /** What others took in past windows, each counting half as much as the next, and in how long. */
  private others = 0;
  private watchedMs = 0;
  /** The reset moves away with every request, as in token buckets: quota comes back bit by bit. */
  private isRolling = false;
  /** How much flows in per millisecond, if it is a bucket. */
  private perMs = 0;
  /** What has flowed out of it, the past counting less, and how much of that was ours, of so many requests sent. */
  private flowed = { out: 0, own: 0, sentCount: 0 };
  /** How far apart requests go while it is shared, or runs dry. */
  private everyMs = 0;
  private isPaced = false;
  private isLow = false;
  /** Counts tokens or bytes, not requests. */
  private readonly isWeighted: boolean;

  constructor({ remaining, unit = 'requests' }: RateLimit, now: number) {
    this.remaining = remaining;
    this.reported = remaining;
    this.reportedAt = now;
    this.isWeighted = unit !== 'requests';
  }

  /** Whether so little is left that it is spread. */
  get isScarce(): boolean {
    return this.remaining <= RESERVE_RATIO * this.limit;
  }

  /** What a request takes, of late. */
  private get cost(): number {
    return this.isWeighted ? Math.max(1, this.used / Math.max(1, this.own)) : 1;
  }

  /** Tells once that no more than a fifth is left while the reset is farther away than `farMs`; anew once much is back. */
  runsLow(now: number, farMs: number): boolean {
    const wasLow = this.isLow;
    this.isLow &&= this.remaining <= 2 * RESERVE_RATIO * this.limit;
    this.isLow ||= this.isScarce && this.latestResetAt - now > farMs;
    return this.isLow && !wasLow;
  }

  /**
   * Answers overtake each other. The lowest report is what is left for sure, whichever came last: only the answer to a
   * request sent after it was in may raise it, and no higher than any other answer since.
   */
  takeIn(report: RateLimit, slot: Slot, sentCount: number, now: number): void {
    const { limit, remaining, resetMs, resetErrorMs = 0 } = report;
    this.limit = limit ?? Math.max(this.limit, remaining);
    this.own += 1;
    const earliest = resetMs === undefined ? -Infinity : slot.sentAt + resetMs - resetErrorMs;
    const latest = now + latestResetMs(report);
    // Sent before the last report was in, it may be the older; and it is, where it tells of the window before.
    const mayBeOlder = slot.index <= this.reportedIndex;
    if (mayBeOlder && latest < this.earliestResetAt) return;
    this.lowest = Math.min(this.lowest, remaining);
    if (mayBeOlder && remaining > this.remaining) return;

    const isNext = earliest > this.latestResetAt || remaining > this.reported;
    const mayBeNext = now >= this.earliestResetAt;

    this.used += Math.max(0, this.remaining - remaining);
    if (this.isWeighted && this.own > MANY_REQUESTS) {
      this.used /= 2;
      this.own /= 2;
    }
    if (isNext) {
      this.isRolling = !mayBeNext;
      this.closeAccount();
    } else {
      this.watchedMs += now - this.reportedAt;
    }
    if (this.isBucket(report)) this.followBucket(report, slot, sentCount, now);
    else this.perMs = 0;
    const isSame = !isNext && !mayBeNext && !this.isRolling;
    this.earliestResetAt = isSame ? Math.max(this.earliestResetAt, earliest) : earliest;
    this.latestResetAt = isSame ? Math.min(this.latestResetAt, latest) : latest;
    this.remaining = this.lowest;
    this.reported = this.lowest;
    this.lowest = Infinity;
    this.reportedAt = now;
    this.reportedIndex = sentCount;
  }

  /** Goes into the next window with half of what the last ones have taught. */
  private closeAccount(): void {
    if (this.isWeighted) {
      // What this answer's request took cannot be seen.
      this.own -= 1;
      return;
    }
    this.others = (this.others + Math.max(0, this.used - this.own)) / 2;
    this.watchedMs /= 2;
    this.used = 0;
    this.own = 0;
  }

  /** Whether it is told of as a bucket that fills up: the reset is as far away as what is missing takes to flow in. */
  private isBucket(report: RateLimit): boolean {
    const { remaining, resetMs = 0, resetErrorMs = 0, windowMs = 0 } = report;
    // What is told too roughly would fit any window.
    if (windowMs <= 4 * resetErrorMs || this.isWeighted) return false;
    const fits = Math.abs(resetMs - windowMs * (1 - remaining / this.limit)) <= resetErrorMs;
    // Who is refused may hear when to ask again, rather than when all is back.
    return this.perMs > 0 ? fits || isSpent(report) : fits && this.isRolling;
  }

  /**
   * All who share a bucket see what is missing, and wait in proportion to it. So each gets the same, and all together
   * what flows in: of a hundred, some forty and a twentieth of the bucket stay missing. Who is alone lets it run dry.
   */
  private followBucket({ remaining, windowMs = 0 }: RateLimit, slot: Slot, sentCount: number, now: number): void {
    const { limit, perMs, flowed } = this;
    const missing = limit - remaining;
    this.perMs = limit / windowMs;
    if (perMs === 0) {
      // What is on its way there, and will be missing by and by, is ours.
      this.flowed = { out: 0, own: sentCount - Math.min(slot.index, missing), sentCount };
      return;
    }
    const passedMs = now - this.reportedAt;
    const kept = flowed.out > MANY_REQUESTS ? 0.5 : 1;
    const out = flowed.out * kept + Math.max(0, this.remaining - remaining + passedMs * perMs);
    const own = flowed.own * kept + sentCount - flowed.sentCount;
    this.flowed = { out, own, sentCount };

    // Half a request is lost in rounding.
    const others = Math.max(0, (out - own - 0.5) / Math.max(1, out));
    const turns = TURNS_PER_MISSING * Math.max(0, Math.min(MOST_MISSING, missing - limit * FREE_RATIO));
    const everyMs = Math.min(turns, 1 + others * (turns - 1)) / perMs;
    // Faster only bit by bit, since all the others do the same.
    this.everyMs = Math.max(everyMs, this.everyMs - passedMs / 3);
    this.isPaced = others > CHANCE_RATIO || (this.isPaced && slot.waitedMs > 0);
  }

  /** When the next request may go, as far as this quota is concerned. */
  opensAt(now: number, inFlight: number, lastSentAt: number, maxWaitMs: number): number {
    const { limit, remaining, reportedAt, earliestResetAt, latestResetAt, used, own, others, isRolling, cost } = this;
    if (this.perMs > 0) {
      const left = remaining - inFlight;
      this.isPaced ||= left <= limit * ROLLING_RESERVE_RATIO;
      const everyMs = this.isPaced && this.everyMs <= maxWaitMs ? this.everyMs : 0;
      return Math.max(reportedAt + (1 - left) / this.perMs, lastSentAt + everyMs);
    }
    // What a moment showed says little about an hour: no more than ten times what was seen.
    const share = (ms: number) => Math.min(10, Math.max(0, ms) / Math.max(1, this.watchedMs));

    const gone = others * share(now - reportedAt);
    // By chance more may be gone than is usual: two standard deviations.
    if (remaining - inFlight * cost - gone - 2 * Math.sqrt(gone) < cost) {
      // One request asks what there is now, once a reset that is in sight is past.
      const askAt = inFlight === 0 ? now : lastSentAt + PROBE_EVERY_MS;
      if (latestResetAt === Infinity) return isSpent(this) ? lastSentAt + ASK_BLINDLY_EVERY_MS : askAt;
      // What a request takes and what others have taken is guessed, which is not for sleeping on.
      const guessEndsAt = reportedAt + Math.min(maxWaitMs, ASK_BLINDLY_EVERY_MS);
      const isGuessed = remaining - inFlight >= 1;
      return Math.max(isGuessed ? Math.min(latestResetAt, guessEndsAt) : latestResetAt, askAt);
    }

    const othersNow = others + Math.max(0, used - (own + inFlight) * cost);
    // Others get what they are used to, but a tenth stays ours.
    const ours = Math.max(remaining - othersNow * share(earliestResetAt - now), remaining / 10);
    const left = ours / cost - inFlight;
    const reserve = limit * (isRolling ? ROLLING_RESERVE_RATIO : RESERVE_RATIO);
    if (now >= earliestResetAt || left * cost > reserve) return now;

    const spreadMs = (earliestResetAt - lastSentAt) / Math.max(1, left + 1);
    const refillMs = isRolling ? (cost * (latestResetAt - reportedAt)) / (limit - remaining) : Infinity;
    const everyMs = Math.min(spreadMs, refillMs);
    // The last requests of a day are not for sleeping on.
    return everyMs > maxWaitMs ? now : Math.min(lastSentAt + everyMs, latestResetAt);
  }
}

/** Of the limit: from there on what is left is spread. */
const RESERVE_RATIO = 1 / 5;
/** Where quota comes back bit by bit there is no wall to brake for. */
const ROLLING_RESERVE_RATIO = 1 / 25;
/** While nothing is known, or what is known is over. */
export const PROBE_EVERY_MS: number = 1_000;
/** Where a quota is spent and no reset is in sight. */
const ASK_BLINDLY_EVERY_MS = 60_000;

/** For each request that is missing, a client waits so many times as long as one takes to flow in. */
const TURNS_PER_MISSING = 2.3;
const MOST_MISSING = 60;
/** Of the bucket: so much may be missing before anyone waits. */
const FREE_RATIO = 1 / 20;
/** Of what has flowed out: so much may be unexplained by chance. */
const CHANCE_RATIO = 1 / 20;
/** After so many, the past counts half. */
const MANY_REQUESTS = 100;
