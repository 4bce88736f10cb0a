/** How much of a quota one client uses, and how clients that do not know of each other share one. */
import { type ConfigInput, createProvider } from '@steadfetch/fake-provider';
import { progress, report, table, verdict } from './report.ts';
import { fairness, quantile } from './statistics.ts';
import { type Throttler, throttlers } from './throttlers.ts';
import { inVirtualTime, sleep } from './virtual-time.ts';

const LIMIT = 600;
const WINDOW_SECONDS = 60;
const WINDOW_MS = WINDOW_SECONDS * 1_000;
const WINDOWS = 3;
/** Among all clients: each asks again as soon as it was answered, or as it may after a refusal. */
const WORKERS = 100;
const COUNTS = [1, 10, 100];

type Limit = NonNullable<ConfigInput['limits']>[number];
const kinds: Readonly<Record<string, Limit>> = {
  'fixed window': { kind: 'fixed-window', name: 'quota', with: { limit: LIMIT, windowSeconds: WINDOW_SECONDS } },
  'sliding window': { kind: 'sliding-window', name: 'quota', with: { limit: LIMIT, windowSeconds: WINDOW_SECONDS } },
  'token bucket': {
    kind: 'token-bucket',
    name: 'quota',
    with: { ratePerSecond: LIMIT / WINDOW_SECONDS, burst: LIMIT / 10 },
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
for (const [kind, limit] of Object.entries(kinds)) {
  for (const clients of COUNTS) {
    const results: Result[] = [];
    for (const throttler of throttlers) {
      const result = await inVirtualTime(0.5, () => share(throttler, limit, clients));
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
The fake provider in process and in virtual time: ${LIMIT} requests per ${WINDOW_SECONDS} s (as a bucket: ${LIMIT / WINDOW_SECONDS} a second, ${LIMIT / 10} at most), honest headers,
answers in 20 to 60 ms. ${WORKERS} workers, spread over the clients, ask again as soon as they were answered, and after a refusal when
\`Retry-After\` is over; ${WINDOWS} windows count, after one to settle. Clients know nothing of each other. The last four have to be
told the limit, and with several clients each is told its exact share, which in truth nobody could tell them. octokit meets the provider
in GitHub's dialect, all others in that of the IETF drafts. The wait is from the call to an answer that is no refusal.`,
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

async function share({ name, isTold, make }: Throttler, limit: Limit, clients: number): Promise<Result> {
  const provider = createProvider({
    auth: false,
    dialect: name.startsWith('octokit') ? 'github' : 'ietf',
    resources: { items: { records: 1, pagination: 'cursor' } },
    latency: { minMs: 20, maxMs: 60 },
    limits: [{ ...limit, per: 'everyone' }],
    ledger: { keep: 1 },
  });
  const startMs = performance.now();
  const endMs = startMs + (WINDOWS + 1) * WINDOW_MS;
  const isCounted = () => performance.now() >= startMs + WINDOW_MS && performance.now() < endMs;
  const served: number[] = Array(clients).fill(0);
  const waitsMs: number[] = [];
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
    const call = make(send, { limit: LIMIT / (isTold ? clients : 1), windowMs: WINDOW_MS });
    const worker = async (): Promise<void> => {
      while (performance.now() < endMs) {
        const askedMs = performance.now();
        const status = await call();
        if (status >= 400) await sleep(Math.max(1_000, mayAskAtMs - performance.now()));
        else if (isCounted()) waitsMs.push(performance.now() - askedMs);
      }
    };
    for (let each = 0; each < WORKERS / clients; each += 1)
      void worker().catch((error) => progress(`${name}: ${error}`));
  };
  for (let index = 0; index < clients; index += 1) void client(index);
  await sleep(endMs - startMs);

  return {
    name,
    clients,
    used: served.reduce((sum, count) => sum + count, 0) / (LIMIT * WINDOWS),
    refusedPerRequest: refused / sent,
    fairness: fairness(served),
    p99WaitMs: quantile(waitsMs, 0.99),
  };
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

/** Says who uses more of the quota, or is refused less often, than ours. */
function ahead([own, ...others]: readonly Result[]): string {
  const names = (rivals: readonly Result[]) => rivals.map(({ name }) => name).join(', ') || 'nobody';
  const more = others.filter(({ used }) => used > own!.used);
  const seldomer = others.filter(({ refusedPerRequest }) => refusedPerRequest < own!.refusedPerRequest);
  const fairer = others.filter((rival) => rival.fairness > own!.fairness);
  return `Ahead of adaptive-throttle: in use ${names(more)}; in refusals ${names(seldomer)}; in fairness ${names(fairer)}.`;
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
