/** How much of a quota one client uses, and how clients that do not know of each other share one. */
import { type ConfigInput, createProvider } from '@steadfetch/fake-provider';
import { progress, report, table, verdict } from './report.ts';
import { fairness, quantile } from './statistics.ts';
import { type Throttler, type Told, throttlers } from './throttlers.ts';
import { inVirtualTime, sleep } from './virtual-time.ts';

const LIMIT = 600;
const WINDOW_SECONDS = 60;
const WINDOW_MS = WINDOW_SECONDS * 1_000;
const WINDOWS = 3;
/** Before those: in the first the clients start, in the second they settle. */
const WINDOWS_BEFORE = 2;
/** Of the bucket: a tenth of a window's quota. */
const BURST = LIMIT / 10;
/** Among all clients: each asks again as soon as it was answered, or as it may after a refusal. */
const WORKERS = 100;
const COUNTS = [1, 10, 100];

type Limit = NonNullable<ConfigInput['limits']>[number];
interface Quota {
  readonly limit: Limit;
  /** What all clients together are told of it. */
  readonly told: Told;
}
const window = { limit: LIMIT, windowSeconds: WINDOW_SECONDS };
const bucket = { ratePerSecond: LIMIT / WINDOW_SECONDS, burst: BURST };
const kinds: Readonly<Record<string, Quota>> = {
  'fixed window': {
    limit: { kind: 'fixed-window', name: 'quota', with: window },
    told: { limit: LIMIT, windowMs: WINDOW_MS },
  },
  'sliding window': {
    limit: { kind: 'sliding-window', name: 'quota', with: window },
    told: { limit: LIMIT, windowMs: WINDOW_MS },
  },
  // Whoever was told a minute's quota would spend it at once, on a bucket that holds six seconds' worth.
  'token bucket': {
    limit: { kind: 'token-bucket', name: 'quota', with: bucket },
    told: { limit: BURST, windowMs: (BURST / bucket.ratePerSecond) * 1_000 },
  },
};

interface Result {
  readonly name: string;
  readonly clients: number;
  /** Served to what could have been. */
  readonly used: number;
  readonly refusedPerRequest: number;
  /** Jain's index over what each client was served. */
  readonly fairness: number;
  readonly p99WaitMs: number;
}

const findings: string[] = [];
const ours: (Result & { readonly kind: string })[] = [];
for (const [kind, quota] of Object.entries(kinds)) {
  for (const clients of COUNTS) {
    const results: Result[] = [];
    for (const throttler of throttlers) {
      const result = await inVirtualTime(0.5, () => share(throttler, quota, clients));
      progress(`${kind}, ${clients}: ${JSON.stringify(result)}`);
      results.push(result);
    }
    ours.push({ ...results[0]!, kind });
    findings.push(
      `### ${kind[0]!.toUpperCase()}${kind.slice(1)}, ${clients === 1 ? 'one client' : `${clients} clients`}`,
      show(results),
      ahead(results),
    );
  }
}
const judged = ours.filter(({ clients }) => clients !== 10);

report({
  title: 'Quota used',
  method: `
The fake provider in process and in virtual time: ${LIMIT} requests per ${WINDOW_SECONDS} s (as a bucket: ${bucket.ratePerSecond} a second, ${BURST} at most), honest headers,
answers in 20 to 60 ms. ${WORKERS} workers, spread over the clients, ask again as soon as they were answered, and after a refusal when
\`Retry-After\` is over. ${WINDOWS} windows count, after one in which the clients start, each at a moment of its own, and one to settle.
They know nothing of each other. The last four have to be told the limit (of the bucket: as many as it holds in the time in which it
fills), and with several clients each is told its exact share, which in truth nobody could tell them. octokit meets the provider in
GitHub's dialect, all others in that of the IETF drafts. The wait is from when a worker first asked until it had an answer that is no
refusal, however often it was refused meanwhile; who still waits at the end has waited as long as that. What a bucket still held as
the windows began can bring use above 100 %.`,
  findings: [...findings, judged.map(judge).join('\n')],
  peers: [
    '@smithy/core',
    '@octokit/core',
    '@octokit/plugin-throttling',
    'bottleneck',
    'p-throttle',
    'effect',
    '@sinonjs/fake-timers',
  ],
});

async function share({ name, make }: Throttler, { limit, told }: Quota, clients: number): Promise<Result> {
  const provider = createProvider({
    auth: false,
    dialect: name.startsWith('octokit') ? 'github' : 'ietf',
    resources: { items: { records: 1, pagination: 'cursor' } },
    latency: { minMs: 20, maxMs: 60 },
    limits: [{ ...limit, per: 'everyone' }],
    ledger: { keep: 1 },
  });
  const startMs = performance.now();
  const endMs = startMs + (WINDOWS_BEFORE + WINDOWS) * WINDOW_MS;
  const isCounted = () => performance.now() >= startMs + WINDOWS_BEFORE * WINDOW_MS && performance.now() < endMs;
  const served: number[] = Array(clients).fill(0);
  const waitsMs: number[] = [];
  const waiting = new Set<{ readonly sinceMs: number }>();
  let [sent, refused] = [0, 0];

  const client = async (index: number): Promise<void> => {
    let mayAskAtMs = 0;
    const send: typeof fetch = async (input, init) => {
      const counts = isCounted();
      const response = await provider.fetch(input, init);
      if (counts) sent += 1;
      if (counts && response.ok) served[index]! += 1;
      if (counts && !response.ok) refused += 1;
      const retryAfter = response.headers.get('retry-after');
      if (retryAfter !== null) mayAskAtMs = performance.now() + Number(retryAfter) * 1_000;
      return response;
    };
    // By chance alone, nobody starts when all the others do.
    await sleep(index === 0 ? 0 : Math.random() * WINDOW_MS);
    const call = make(send, partOf(told, clients));
    const worker = async (): Promise<void> => {
      while (performance.now() < endMs) {
        const wait = { sinceMs: performance.now() };
        waiting.add(wait);
        while ((await call()) >= 400) await sleep(Math.max(1_000, mayAskAtMs - performance.now()));
        waiting.delete(wait);
        if (isCounted()) waitsMs.push(performance.now() - wait.sinceMs);
      }
    };
    await Promise.all(Array.from({ length: WORKERS / clients }, worker));
  };
  const all = Array.from({ length: clients }, (_, index) => client(index));
  // Whoever throws ends it, since quota that nobody asks for any more is nobody's merit.
  await Promise.race([sleep(endMs - startMs), Promise.all(all)]);
  for (const { sinceMs } of waiting) waitsMs.push(endMs - sinceMs);

  return {
    name,
    clients,
    used: served.reduce((sum, count) => sum + count, 0) / (LIMIT * WINDOWS),
    refusedPerRequest: refused / sent,
    fairness: fairness(served),
    p99WaitMs: quantile(waitsMs, 0.99),
  };
}

/** What one client is told: its share, and of less than one request the time in which there is one. */
function partOf({ limit, windowMs }: Told, clients: number): Told {
  const part = Math.max(1, limit / clients);
  return { limit: part, windowMs: (windowMs * part * clients) / limit };
}

function show(results: readonly Result[]): string {
  return table(
    ['', 'used (more is better)', '429s per request', 'fairness (1 is best)', 'p99 wait'],
    results.map(({ name, used, refusedPerRequest, fairness, p99WaitMs }) => [
      name,
      percent(used),
      percent(refusedPerRequest),
      fairness.toFixed(3),
      `${(p99WaitMs / 1_000).toFixed(1)} s`,
    ]),
  );
}

/** Says who is ahead of ours, and in what. */
function ahead([own, ...others]: readonly Result[]): string {
  const names = (rivals: readonly Result[]) => rivals.map(({ name }) => name.replace(',', '')).join(', ') || 'nobody';
  const more = others.filter(({ used }) => used > own!.used);
  const seldomer = others.filter(({ refusedPerRequest }) => refusedPerRequest < own!.refusedPerRequest);
  const fairer = others.filter((rival) => rival.fairness > own!.fairness);
  const sooner = others.filter(({ p99WaitMs }) => p99WaitMs < own!.p99WaitMs);
  return [
    `Ahead of adaptive-throttle: in use ${names(more)}; in refusals ${names(seldomer)};`,
    `in fairness ${names(fairer)}; in waiting ${names(sooner)}.`,
  ].join('\n');
}

function judge({ kind, clients, used, refusedPerRequest, fairness }: (typeof ours)[number]): string {
  const found = `${percent(used)} used, ${percent(refusedPerRequest)} refused, fairness ${fairness.toFixed(3)}.`;
  return clients === 1
    ? verdict(`${kind}, one client: at least 99 % used, no 429`, used >= 0.99 && refusedPerRequest === 0, found)
    : verdict(
        `${kind}, ${clients} clients: at least 95 % used, under 1 % of 429s, fairness at least 0.95`,
        used >= 0.95 && refusedPerRequest < 0.01 && fairness >= 0.95,
        found,
      );
}

function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(1)} %`;
}
