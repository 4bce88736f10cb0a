/** A server that fails everything for a minute: how much harder is it hit, and how soon is everybody well again? */
import { adaptiveThrottle } from '@steadfetch/adaptive-throttle';
import { backoff } from '@steadfetch/backoff';
import { circuitBreaker } from '@steadfetch/circuit-breaker';
import { timeout } from '@steadfetch/timeout';
import {
  circuitBreaker as cockatielBreaker,
  retry as cockatielRetry,
  ExponentialBackoff,
  handleAll,
  SamplingBreaker,
  wrap,
} from 'cockatiel';
import { randomExponential, randomUniform } from 'd3-random';
import CircuitBreaker from 'opossum';
import { progress, report, table, verdict } from './report.ts';
import { backoffRetrier, peers, type Retrier, type Send, URL_ASKED } from './retriers.ts';
import { inVirtualTime, sleep } from './virtual-time.ts';

const HEALTHY_MS = 5_000;
const OUTAGE_MS = 60_000;
const AFTERWARDS_MS = 60_000;
/** More than this a second, and the rest is refused: half as much again as everybody asks for. */
const CAPACITY_RATIO = 1.5;
const MOST_AMPLIFICATION = 1.2;

/** How many clients ask how often, each by itself. */
interface Load {
  readonly clients: number;
  readonly callsPerSecond: number;
}

interface Result {
  readonly name: string;
  /** Requests sent to calls made, during the outage. */
  readonly amplification: number;
  /** The most that were sent in one second, to the calls in a second. */
  readonly peak: number;
  /** From the end of the outage until 99 of 100 calls that begin succeed, second by second, to the end. */
  readonly recoveredMs: number;
  /** Of the calls begun after the outage. */
  readonly failedShare: number;
}

const stack: Retrier = {
  name: '**recommended stack**',
  make: () => {
    const policies = [backoff(), adaptiveThrottle(), circuitBreaker(), timeout()];
    return (send) =>
      policies.reduceRight((next, policy) => policy(next), send as typeof fetch)(URL_ASKED, { method: 'PUT' });
  },
};
const ours = [stack, backoffRetrier('**backoff**', {})];
const plain: Retrier[] = [
  { name: 'no retry', make: () => (send) => send() },
  { name: 'a loop, 5 attempts, 1 s apart', make: () => loop(5, 1_000) },
  { name: 'a loop, 5 attempts, at once', make: () => loop(5, 0) },
];
const breakers: Retrier[] = [
  {
    name: 'cockatiel, retry around breaker',
    make: () => {
      const sampling = new SamplingBreaker({ threshold: 0.5, duration: 30_000 });
      const breaker = cockatielBreaker(handleAll, { halfOpenAfter: 10_000, breaker: sampling });
      const policy = wrap(cockatielRetry(handleAll, { maxAttempts: 3, backoff: new ExponentialBackoff() }), breaker);
      return (send) => policy.execute(() => successOf(send));
    },
  },
  {
    name: 'opossum',
    make: () => {
      const breaker = new CircuitBreaker(successOf);
      return (send) => breaker.fire(send);
    },
  },
];

// got takes a millisecond of real time a call, which are minutes here; it retries as often as ky.
const light = peers.filter(({ name }) => name !== 'got');
const many = await all([...ours, ...breakers, ...plain, ...light], { clients: 1_000, callsPerSecond: 1 });
const busy = await all([...ours, ...breakers], { clients: 50, callsPerSecond: 20 });
const both = [...many.slice(0, ours.length), ...busy.slice(0, ours.length)];

report({
  title: 'Overload',
  method: `
Virtual time. A server answers in 20 to 60 ms; for ${OUTAGE_MS / 1_000} s it answers everything with 503, afterwards it serves ${CAPACITY_RATIO} times the
ordinary load in any second and answers the rest with 503. Clients call at random moments at a steady mean, whatever became of earlier
calls, each with a policy of its own. Amplification is requests sent in the outage to calls made in it; the peak is the busiest second
since it began, to the ordinary load. Recovered is when, second by second, 99 % of the calls begun succeed from there on.`,
  findings: [
    `1,000 clients, each 1 call a second:`,
    show(many),
    `50 clients, each 20 calls a second:`,
    show(busy),
    both.map(judge).join('\n'),
    aheadIn(many),
  ],
  peers: [
    '@smithy/core',
    'cockatiel',
    'p-retry',
    'effect',
    'axios-retry',
    'ky',
    'got',
    'opossum',
    '@sinonjs/fake-timers',
  ],
});

async function all(retriers: readonly Retrier[], load: Load): Promise<Result[]> {
  const results: Result[] = [];
  for (const retrier of retriers) {
    const result = await inVirtualTime(0.5, () => overload(retrier, load));
    progress(`${retrier.name}: ${JSON.stringify(result)}`);
    results.push(result);
  }
  return results;
}

async function overload({ name, make }: Retrier, { clients, callsPerSecond }: Load): Promise<Result> {
  const perSecond = clients * callsPerSecond;
  const startMs = performance.now();
  const second = () => Math.floor((performance.now() - startMs) / 1_000);
  const isDown = () => second() * 1_000 >= HEALTHY_MS && second() * 1_000 < HEALTHY_MS + OUTAGE_MS;
  const latencyMs = randomUniform.source(Math.random)(20, 60);
  const pauseMs = randomExponential.source(Math.random)(callsPerSecond / 1_000);
  const seconds = (HEALTHY_MS + OUTAGE_MS + AFTERWARDS_MS) / 1_000;
  const [sent, begun, failed] = [
    Array(seconds + 600).fill(0),
    Array(seconds).fill(0),
    Array(seconds).fill(0),
  ] as number[][] as [number[], number[], number[]];

  const send: Send = async () => {
    sent[second()]! += 1;
    const isServed = !isDown() && sent[second()]! <= CAPACITY_RATIO * perSecond;
    await sleep(latencyMs());
    return new Response(null, { status: isServed ? 200 : 503 });
  };
  const call = async (retry: ReturnType<Retrier['make']>): Promise<void> => {
    const begunIn = second();
    begun[begunIn]! += 1;
    const answer = await retry(send).catch(() => ({ ok: false }));
    if (answer !== undefined && Object(answer).ok === false) failed[begunIn]! += 1;
  };
  const client = async (): Promise<void> => {
    const retry = make();
    const calls: Promise<void>[] = [];
    await sleep(pauseMs());
    while (second() < seconds) {
      calls.push(call(retry));
      await sleep(pauseMs());
    }
    await Promise.all(calls);
  };
  await Promise.all(Array.from({ length: clients }, client));

  const from = HEALTHY_MS / 1_000;
  const to = from + OUTAGE_MS / 1_000;
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const lastBad = begun.findLastIndex((calls, index) => failed[index]! > calls / 100);
  return {
    name,
    amplification: sum(sent.slice(from, to)) / sum(begun.slice(from, to)),
    peak: Math.max(...sent.slice(from)) / perSecond,
    recoveredMs: Math.max(0, lastBad + 1 - to) * 1_000,
    failedShare: sum(failed.slice(to)) / sum(begun.slice(to)),
  };
}

function loop(attempts: number, waitMs: number) {
  return async (send: Send): Promise<Response> => {
    for (let attempt = 1; ; attempt += 1) {
      const response = await send();
      if (response.ok || attempt === attempts) return response;
      if (waitMs > 0) await sleep(waitMs);
    }
  };
}

async function successOf(send: Send): Promise<Response> {
  const response = await send();
  if (!response.ok) throw new Error(`${response.status}`);
  return response;
}

function show(results: readonly Result[]): string {
  return table(
    ['', 'amplification', 'peak', 'recovered after', 'failed after the outage'],
    results.map(({ name, amplification, peak, recoveredMs, failedShare }) => [
      name,
      amplification.toFixed(2),
      peak.toFixed(2),
      recoveredMs >= AFTERWARDS_MS ? 'never' : `${recoveredMs / 1_000} s`,
      `${(failedShare * 100).toFixed(1)} %`,
    ]),
  );
}

function judge({ name, amplification }: Result): string {
  return verdict(
    `${name} amplifies at most ${MOST_AMPLIFICATION} times`,
    amplification <= MOST_AMPLIFICATION,
    `It is ${amplification.toFixed(2)}.`,
  );
}

function aheadIn(results: readonly Result[]): string {
  const [own, ...others] = results.filter(({ name }) => name !== ours[1]!.name) as [Result, ...Result[]];
  const names = (ahead: readonly Result[]) => ahead.map(({ name }) => name).join(', ') || 'nobody';
  const lighter = others.filter(({ amplification }) => amplification < own.amplification);
  const sooner = others.filter(({ recoveredMs }) => recoveredMs < own.recoveredMs);
  return `With 1,000 clients, lighter on the server than our stack: ${names(lighter)}. Sooner well again: ${names(sooner)}.`;
}
