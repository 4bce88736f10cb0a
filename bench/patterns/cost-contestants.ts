/** One policy of each library, over a `fetch` that answers at once: what is left is the policy's own cost. */
import { adaptiveThrottle } from '@steadfetch/adaptive-throttle';
import { backoff } from '@steadfetch/backoff';
import { circuitBreaker } from '@steadfetch/circuit-breaker';
import { concurrencyLimit } from '@steadfetch/concurrency-limit';
import { timeout } from '@steadfetch/timeout';
import { tokenBucket } from '@steadfetch/token-bucket';
import { tokenCache } from '@steadfetch/token-cache';
import { bearer } from '@steadfetch/token-cache/oauth';
import axios from 'axios';
import axiosRetry from 'axios-retry';
import Bottleneck from 'bottleneck';
import {
  bulkhead,
  circuitBreaker as cockatielBreaker,
  retry as cockatielRetry,
  timeout as cockatielTimeout,
  ExponentialBackoff,
  handleAll,
  SamplingBreaker,
  TimeoutStrategy,
  wrap,
} from 'cockatiel';
import { Effect, Schedule, Semaphore } from 'effect';
import { RateLimiter } from 'effect/persistence';
import got from 'got';
import ky from 'ky';
import CircuitBreaker from 'opossum';
import PQueue from 'p-queue';
import pRetry from 'p-retry';
import pThrottle from 'p-throttle';
import { stubTransport } from './stub-transport.ts';

/** A policy of one library, wrapped around the stub. */
export interface Contestant {
  readonly name: string;
  /** Ours are measured against the best of the others. */
  readonly isOurs?: boolean;
  /** A whole client is not separable from its policy; it is shown, but no rival. */
  readonly isWholeClient?: boolean;
  readonly call: () => Promise<unknown>;
}

const URL_ASKED = 'https://api.test/items?limit=100';
const PLENTY = 1_000_000;
const answer = new Response(null, { status: 200, headers: { 'content-type': 'application/json' } });
const announcing = new Response(null, {
  headers: { 'ratelimit-policy': '"m";q=1000000;w=60', ratelimit: '"m";r=999999;t=60' },
});

const stub = async (): Promise<Response> => answer;
const atOnce = stubTransport(async () => 200);
const announcingStub = async (): Promise<Response> => announcing;
/** What fails, throws: libraries that retry functions know nothing of statuses. */
const send = async (): Promise<Response> => {
  const response = await stub();
  if (!response.ok) throw new Error(`${response.status}`);
  return response;
};
const effect = Effect.tryPromise(send);
const through = (policy: (next: typeof fetch) => typeof fetch, next: typeof fetch = stub) => {
  const wrapped = policy(next);
  return () => wrapped(URL_ASKED);
};

const bottleneck = (options: Bottleneck.ConstructorOptions) => {
  const limiter = new Bottleneck(options);
  return () => limiter.schedule(send);
};
const queue = (options: ConstructorParameters<typeof PQueue>[0]) => {
  const limiter = new PQueue(options);
  return () => limiter.add(send);
};
const breaker = (options: CircuitBreaker.Options) => {
  const circuit = new CircuitBreaker(send, options);
  return () => circuit.fire();
};

const cockatiel = {
  retry: cockatielRetry(handleAll, { maxAttempts: 3, backoff: new ExponentialBackoff() }),
  breaker: cockatielBreaker(handleAll, {
    halfOpenAfter: 30_000,
    breaker: new SamplingBreaker({ threshold: 0.5, duration: 30_000 }),
  }),
  bulkhead: bulkhead(10, PLENTY),
  timeout: cockatielTimeout(10_000, TimeoutStrategy.Aggressive),
};
const cockatielStack = wrap(cockatiel.retry, cockatiel.breaker, cockatiel.bulkhead, cockatiel.timeout);

const limits = Effect.runSync(RateLimiter.make.pipe(Effect.provide(RateLimiter.layerStoreMemory)));
const consume = limits.consume({
  key: 'stub',
  algorithm: 'token-bucket',
  window: '1 second',
  limit: PLENTY,
  onExceeded: 'delay',
});
const permits = Semaphore.makeUnsafe(10);
const retried = Effect.retry({ times: 3, schedule: Schedule.exponential('250 millis') });

const axiosClient = axios.create({
  adapter: async (config) => ({ data: '', status: 200, statusText: 'OK', headers: {}, config }),
});
axiosRetry(axiosClient, { retries: 3, retryDelay: axiosRetry.exponentialDelay });

const tokens = tokenCache({ request: async () => ({ access_token: 'token', expires_in: 3_600 }) });
const stack = [
  backoff(),
  adaptiveThrottle(),
  bearer(tokens, { origins: ['https://api.test'] }),
  circuitBreaker(),
  timeout(),
];

/** By kind; within each, ours and its rivals. */
export const contestants: Readonly<Record<string, readonly Contestant[]>> = {
  retry: [
    { name: 'backoff', isOurs: true, call: through(backoff()) },
    { name: 'cockatiel', call: () => cockatiel.retry.execute(send) },
    { name: 'p-retry', call: () => pRetry(send) },
    { name: 'effect', call: () => Effect.runPromise(effect.pipe(retried)) },
    { name: 'axios-retry', isWholeClient: true, call: () => axiosClient.get(URL_ASKED) },
    { name: 'ky', isWholeClient: true, call: () => ky.get(URL_ASKED, { fetch: stub }) },
    { name: 'got', isWholeClient: true, call: () => got(URL_ASKED, { request: atOnce }) },
  ],
  breaker: [
    { name: 'circuit-breaker', isOurs: true, call: through(circuitBreaker()) },
    { name: 'cockatiel', call: () => cockatiel.breaker.execute(send) },
    { name: 'opossum', call: breaker({ timeout: false }) },
  ],
  limiter: [
    { name: 'token-bucket', isOurs: true, call: through(tokenBucket({ ratePerSecond: PLENTY, burst: PLENTY })) },
    { name: 'adaptive-throttle', isOurs: true, call: through(adaptiveThrottle(), announcingStub) },
    { name: 'bottleneck', call: bottleneck({ reservoir: Number.MAX_SAFE_INTEGER }) },
    { name: 'p-throttle', call: pThrottle({ limit: PLENTY, interval: 1_000 })(send) },
    { name: 'p-queue', call: queue({ intervalCap: PLENTY, interval: 1_000 }) },
    {
      name: 'effect',
      call: () => Effect.runPromise(Effect.flatMap(consume, ({ delay }) => Effect.delay(effect, delay))),
    },
  ],
  concurrency: [
    { name: 'concurrency-limit', isOurs: true, call: through(concurrencyLimit({ max: 10 })) },
    { name: 'cockatiel', call: () => cockatiel.bulkhead.execute(send) },
    { name: 'p-queue', call: queue({ concurrency: 10 }) },
    { name: 'bottleneck', call: bottleneck({ maxConcurrent: 10 }) },
    { name: 'effect', call: () => Effect.runPromise(permits.withPermits(1)(effect)) },
  ],
  timeout: [
    { name: 'timeout', isOurs: true, call: through(timeout()) },
    { name: 'cockatiel', call: () => cockatiel.timeout.execute(send) },
    { name: 'opossum', call: breaker({ timeout: 10_000 }) },
    { name: 'effect', call: () => Effect.runPromise(effect.pipe(Effect.timeout('10 seconds'))) },
  ],
  'whole stack': [
    {
      name: 'recommended stack',
      isOurs: true,
      call: through((next) => stack.reduceRight((inner, policy) => policy(inner), next)),
    },
    { name: 'cockatiel', call: () => cockatielStack.execute(send) },
    {
      name: 'effect',
      call: () =>
        Effect.runPromise(
          permits
            .withPermits(1)(effect.pipe(Effect.timeout('10 seconds')))
            .pipe(retried),
        ),
    },
    {
      name: 'p-retry, opossum and bottleneck',
      call: (() => {
        const circuit = breaker({ timeout: 10_000 });
        const limiter = new Bottleneck({ maxConcurrent: 10 });
        return () => pRetry(() => limiter.schedule(circuit));
      })(),
    },
  ],
};
