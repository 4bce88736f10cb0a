import type { Observation } from './entry.ts';

/** Figures over a part of the ledger. */
export interface Tally {
  readonly requests: number;
  /** Answers with status 429. */
  readonly throttled: number;
  /** Answers with a status of 500 or more, and connections that broke. */
  readonly failed: number;
  /** Requests to the token endpoint. */
  readonly tokenRequests: number;
}

/** Exact figures over any stretch of any number of requests, at one byte each. */
export interface Tallies {
  /** How many requests there were. */
  readonly count: number;
  add(request: Observation): void;
  /** Counts what came after the request with sequence number `after`. */
  after(after: number): Tally;
}

const THROTTLED = 1;
const FAILED = 2;
const TOKEN = 4;

/** Makes empty figures. */
export function createTallies(): Tallies {
  let marks = new Uint8Array(1_024);
  let count = 0;

  return {
    get count() {
      return count;
    },
    add({ status, operation }) {
      if (count === marks.length) {
        const more = new Uint8Array(2 * marks.length);
        more.set(marks);
        marks = more;
      }
      marks[count] =
        (status === 429 ? THROTTLED : 0) |
        (status >= 500 || status === 0 ? FAILED : 0) |
        (operation === 'token' ? TOKEN : 0);
      count += 1;
    },
    after(after) {
      const tally = { requests: 0, throttled: 0, failed: 0, tokenRequests: 0 };
      for (let index = Math.max(0, after); index < count; index += 1) {
        const mark = marks[index]!;
        tally.requests += 1;
        if (mark & THROTTLED) tally.throttled += 1;
        if (mark & FAILED) tally.failed += 1;
        if (mark & TOKEN) tally.tokenRequests += 1;
      }
      return tally;
    },
  };
}
