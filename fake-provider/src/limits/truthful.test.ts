import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Reply } from '../call.ts';
import { manualClock } from '../clock.ts';
import type { ConfigInput } from '../config.ts';
import { createProvider } from '../provider.ts';
import { limiterOf } from './limits.ts';

/**
 * How many random configurations an obedient client meets; the other promises are held in a tenth as many.
 * `FAKE_PROVIDER_RUNS=100000` looks harder, for as long as it takes.
 */
const RUNS = Number(process.env.FAKE_PROVIDER_RUNS ?? 10_000);

it('never limits again a client that waited exactly as long as it was told', () => {
  fc.assert(
    fc.property(hardSituation, usage, (given, pauses) => {
      const { send, wait, invitedMs } = open(given);
      for (const ms of pauses) {
        wait(ms);
        const { status, headers } = send('GET');
        if (status === 200) continue;
        if (!THROTTLED.includes(status)) expect.fail(`answered with ${status}`);
        wait(invitedMs(headers));
        // Where a limit is shared, Retry-After has others' traffic in it; an epoch of whole seconds cannot.
        const isCertain =
          'retry-after' in headers || given.limits.every((limit) => limit.othersPerSecond === undefined);
        const { status: then } = send('GET');
        if (isCertain && then !== 200) expect.fail(`answered with ${then} once it had waited`);
      }
    }),
    { numRuns: RUNS },
  );
}, 60_000);

it('lets through at once exactly as many as it says remain', () => {
  fc.assert(
    fc.property(hardSituation, usage, ({ limits, ...given }, pauses) => {
      const plain = limits.map((limit) => ({ ...limit, announced: true, cost: {} }));
      const { send, wait, stand } = open({ ...given, limits: plain });
      for (const ms of pauses) {
        send('GET');
        wait(ms);
      }
      let left = stand('HEAD').remaining;
      for (; left > 0; left -= 1) {
        const { status, remaining } = stand('GET');
        if (status !== 200 || remaining !== left - 1) expect.fail(`${status} with ${remaining} left, after ${left}`);
      }
      expect(stand('GET')).toMatchObject({ status: expect.toBeOneOf(THROTTLED), remaining: 0 });
    }),
    { numRuns: RUNS * 0.1 },
  );
});

it('is whole again when it says so', () => {
  fc.assert(
    fc.property(situation, usage, (given, pauses) => {
      const { send, wait, stand } = open(given);
      for (const ms of pauses) {
        send('GET');
        wait(ms);
      }
      for (const { name } of stand('HEAD').limits) {
        const { limit, remaining, resetMs } = stand('HEAD').limits.find((other) => other.name === name)!;
        wait(resetMs);
        const after = stand('HEAD').limits.find((other) => other.name === name);
        // Of a limit that is spent, ietf says when the next request gets through. Where one limit is announced only,
        // another may be the tightest by now.
        if (given.dialect === 'ietf' && remaining === 0) expect(after?.remaining).toBeGreaterThan(0);
        else if (given.limits.length === 1 || given.dialect === 'ietf') expect(after?.remaining).toBe(limit);
      }
    }),
    { numRuns: RUNS * 0.1 },
  );
});

it('takes nothing for a request that it denied, nor for HEAD and OPTIONS', () => {
  const method = fc.constantFrom<Method>('GET', 'HEAD', 'OPTIONS');
  fc.assert(
    fc.property(situation, usage, fc.array(method, { maxLength: 20 }), (given, pauses, extra) => {
      const [one, other] = [open(given), open(given)];
      for (const ms of pauses) {
        const [status, same] = [one.send('GET').status, other.send('GET').status];
        if (status !== same) expect.fail(`${status} here and ${same} there`);
        one.wait(ms);
        other.wait(ms);
      }
      while (one.send('GET').status === 200) other.send('GET');
      for (const free of extra) one.send(free);

      expect(one.stand('HEAD')).toEqual(other.stand('HEAD'));
      expect(one.send('GET').headers).toEqual(other.send('GET').headers);
    }),
    { numRuns: RUNS * 0.1 },
  );
});

type Method = 'GET' | 'HEAD' | 'OPTIONS';

const count = fc.integer({ min: 3, max: 12 });
const seconds = fc.oneof(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0.001, max: 10, noNaN: true }));
const perSecond = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.double({ min: 0.05, max: 50, noNaN: true }));

const fixedWindow = fc
  .record({ limit: count, windowSeconds: seconds, begins: fc.constantFrom('clock' as const, 'first-request' as const) })
  .map((options) => ({ kind: 'fixed-window' as const, with: options }));
const slidingWindow = fc
  .record({ limit: count, windowSeconds: seconds })
  .map((options) => ({ kind: 'sliding-window' as const, with: options }));
const tokenBucket = fc
  .record({ ratePerSecond: perSecond, burst: count })
  .map((options) => ({ kind: 'token-bucket' as const, with: options }));
const leakyBucket = fc
  .record({ leakPerSecond: perSecond, size: count })
  .map((options) => ({ kind: 'leaky-bucket' as const, with: options }));
const concurrency = count.map((limit) => ({ kind: 'concurrency' as const, with: { limit } }));
const quota = fc
  .record({
    limit: count,
    period: fc.constantFrom('hour' as const, 'day' as const, 'month' as const, 'rolling-24-hours' as const),
    utcOffsetMinutes: fc.integer({ min: -720, max: 840 }),
  })
  .map((options) => ({ kind: 'quota' as const, with: options }));
const penaltyBox = fc
  .record({ limit: count, windowSeconds: seconds, penaltySeconds: seconds })
  .map((options) => ({ kind: 'penalty-box' as const, with: options }));

const scope = fc.constantFrom(
  'client' as const,
  'token' as const,
  'organisation' as const,
  'ip' as const,
  'everyone' as const,
);

/** Limits whose refusals change nothing, of requests that cost one unit. */
const kind = fc.oneof(fixedWindow, slidingWindow, tokenBucket, leakyBucket, concurrency, quota);

const named = <Limit>(limits: fc.Arbitrary<Limit>) =>
  fc
    .array(limits, { minLength: 1, maxLength: 3 })
    .map((all) => all.map((limit, index) => ({ ...limit, name: `limit-${index}` })));

/** What stands around the limits: how they are worded, how long an answer takes, and the instant at which all begins. */
const surroundings = {
  seed: fc.nat(),
  dialect: fc.constantFrom('neutral' as const, 'ietf' as const, 'github' as const),
  latency: fc.record({ minMs: fc.integer({ min: 1, max: 500 }), maxMs: fc.integer({ min: 500, max: 5_000 }) }),
  startMs: fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2027, 0, 1) }),
};
const situation = fc.record({
  ...surroundings,
  limits: named(fc.tuple(kind, scope).map(([limit, per]) => ({ ...limit, per }))),
});

/** And those that punish, count what they refused, cost more, or are shared with others. */
const hardSituation = fc.record({
  ...surroundings,
  limits: named(
    fc
      .tuple(
        fc.oneof(kind, penaltyBox),
        scope,
        fc.record({
          countRefused: fc.boolean(),
          announced: fc.boolean(),
          cost: fc.record({ read: fc.integer({ min: 1, max: 3 }) }),
        }),
        fc.option(fc.double({ min: 0.01, max: 1, noNaN: true }), { nil: undefined }),
      )
      .map(([limit, per, more, share]) => ({ ...limit, per, ...more, ...others(limit, per, more.cost.read, share) })),
  ),
});

/** The traffic of others, where a limit can be shared: some share of what one request leaves of it. */
function others(
  limit: Pick<Parameters<typeof limiterOf>[0], 'kind' | 'with'>,
  per: string,
  cost: number,
  share: number | undefined,
): { othersPerSecond?: number } {
  if (share === undefined || limit.kind === 'concurrency' || !['everyone', 'organisation'].includes(per)) return {};
  const limiter = limiterOf({ ...limit, name: 'shared', announced: true, purpose: 'rate' } as never);
  const { limit: capacity, windowSeconds } = limiter.standing(undefined, { nowMs: 0, cost: 1, endsAtMs: 0 });
  return capacity > cost ? { othersPerSecond: (share * (capacity - cost)) / windowSeconds } : {};
}

/** The pauses between some requests, in milliseconds. */
const usage = fc.array(fc.oneof(fc.constant(0), fc.nat(3_000)), { maxLength: 20 });

interface Situation extends Pick<ConfigInput, 'seed' | 'dialect' | 'latency'> {
  readonly limits: NonNullable<ConfigInput['limits']>;
  readonly startMs: number;
}

function open({ startMs, ...config }: Situation) {
  const clock = manualClock(startMs);
  const provider = createProvider({ ...config, auth: false, resources: { items: { records: 1 } } }, { clock });
  const send = (method: Method): Reply =>
    provider.handle({
      method,
      path: '/items',
      query: NO_QUERY,
      headers: {},
      body: '',
      ip: '127.0.0.1',
      origin: 'https://api.test',
    });

  return {
    send,
    wait: clock.advance,
    /** How long the client is told to wait: GitHub tells it by the reset alone. */
    invitedMs(headers: Reply['headers']): number {
      const { 'retry-after': seconds, 'x-ratelimit-reset': reset } = headers;
      if (seconds === undefined) return Number(reset) * 1_000 - clock.now();
      if (!/^[1-9]\d*$/.test(seconds)) expect.fail(`Retry-After: ${seconds}`);
      return Number(seconds) * 1_000;
    },
    /** Where the client stands, by the headers alone. */
    stand(method: Method) {
      const { status, headers } = send(method);
      const limits = announced(headers, clock.now());
      return { status, limits, remaining: Math.min(...limits.map(({ remaining }) => remaining)) };
    },
  };
}

/** Every limit that the headers tell of, in whichever dialect. */
function announced(headers: Reply['headers'], nowMs: number) {
  if (headers.ratelimit !== undefined) {
    const quotas = headers['ratelimit-policy']!.split(', ').map((item) => Number(/;q=(\d+);/.exec(item)![1]));
    return headers.ratelimit.split(', ').map((item, index) => {
      const [, name, remaining, seconds] = /^"([^"]+)";r=(\d+);t=(\d+)$/.exec(item)!;
      return { name, limit: quotas[index]!, remaining: Number(remaining), resetMs: Number(seconds) * 1_000 };
    });
  }
  const prefix = 'x-ratelimit-limit' in headers ? 'x-ratelimit' : 'ratelimit';
  const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((field) =>
    Number(headers[`${prefix}-${field}`]),
  );
  const resetMs = prefix === 'ratelimit' ? reset! * 1_000 : Math.max(0, reset! * 1_000 - nowMs);
  return [{ name: undefined, limit: limit!, remaining: remaining!, resetMs }];
}

/** What throttled requests are answered with: GitHub's primary limit is a 403. */
const THROTTLED = [403, 429];

const NO_QUERY = new URLSearchParams();
