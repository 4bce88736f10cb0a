import { z } from 'zod';
import { defineFault } from '../fault.ts';
import { Problem } from '../problem.ts';

/** Answers 429 though no limit was reached, and says in `Retry-After`, rightly or not, how long to stay away. */
export const rateLimited = defineFault({
  name: 'rate-limited',
  summary: '429 with Retry-After, in seconds, as a date, or as no RFC has it',
  options: z.strictObject({
    /** Whole seconds, because the header is. */
    retryAfterSeconds: z.int().min(0).max(1_000_000_000).default(1),
    /** How they are written. RFC 9110, section 10.2.3, allows `seconds` and the three dates; `zero` is legal too. */
    retryAfterAs: z
      .enum([
        'seconds',
        'http-date',
        'http-date-rfc850',
        'http-date-asctime',
        'decimal',
        'milliseconds-by-mistake',
        'negative',
        'garbage',
        'absent',
        'zero',
      ])
      .default('seconds'),
  }),
  apply({ retryAfterSeconds, retryAfterAs }, _next, { nowMs, answer }) {
    const value = SPELLINGS[retryAfterAs](retryAfterSeconds, nowMs);
    const more = value === undefined ? {} : { headers: { 'retry-after': value } };
    return answer(new Problem(429, 'rate_limited', 'Too many requests', more));
  },
});

/** Every way to write so many seconds from now, right and wrong. */
const SPELLINGS = {
  seconds: (seconds) => `${seconds}`,
  'http-date': (seconds, nowMs) => dateIn(seconds, nowMs).toUTCString(),
  'http-date-rfc850'(seconds, nowMs) {
    const { weekday, day, month, year, time } = partsOf(dateIn(seconds, nowMs));
    return `${weekday}, ${day}-${month}-${year.slice(-2)} ${time} GMT`;
  },
  'http-date-asctime'(seconds, nowMs) {
    const { weekday, day, month, year, time } = partsOf(dateIn(seconds, nowMs));
    return `${weekday.slice(0, 3)} ${month} ${day.replace(/^0/, ' ')} ${time} ${year}`;
  },
  decimal: (seconds) => seconds.toFixed(1),
  'milliseconds-by-mistake': (seconds) => `${seconds * 1_000}`,
  negative: (seconds) => `-${Math.max(1, seconds)}`,
  garbage: () => 'soon',
  absent: () => undefined,
  zero: () => '0',
} as const satisfies Readonly<Record<string, (seconds: number, nowMs: number) => string | undefined>>;

/** A date has whole seconds only: rounded up, so that nobody is invited too early. */
function dateIn(seconds: number, nowMs: number): Date {
  return new Date(Math.ceil(nowMs / 1_000) * 1_000 + seconds * 1_000);
}

/** The parts of a date as HTTP spells them, in UTC. */
function partsOf(date: Date) {
  const [, day = '', month = '', year = '', time = ''] = date.toUTCString().split(' ');
  return { weekday: WEEKDAYS[date.getUTCDay()]!, day, month, year, time };
}

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
