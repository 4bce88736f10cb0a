/** Syncs many accounts with many workers that are killed, stopped and joined by others meanwhile: `pnpm fleet`. */
import { Command, InvalidArgumentError } from 'commander';
import { count, isWhole, openBoard, summary, tableOf, total } from './board.ts';
import type { Harm } from './crew.ts';
import { openRedis } from './redis.ts';
import { CONCURRENCY, type FleetOptions, type FleetReport, runFleet } from './run.ts';

const { accounts, workers, harms, scale, json } = new Command('fleet')
  .description('Syncs many accounts with a fleet of workers, and holds every record against the truth.')
  .option('--accounts <number>', 'how many accounts, up to 500', toNumber, 40)
  .option('--workers <number>', 'how many workers at the beginning', toNumber, 4)
  .option('--harms <number>', 'how often a worker is killed, stopped for a while, or joined by one more', toNumber, 18)
  .option('--scale', 'measures 1, 2 and 4 undisturbed workers instead')
  .option('--json', 'prints one JSON object and nothing else')
  .parse()
  .opts<{ accounts: number; workers: number; harms: number; scale?: true; json?: true }>();

const HARMS: readonly Harm[] = ['kill', 'stop', 'join'];

/** Of all workers together. */
const RATE_PER_SECOND = 50;
const BURST = 10;

/** Short, since workers die all the time here; BullMQ's 30 s are better where they do not. */
const LOCK_MS = 1_000;

/** How long an answer takes where throughput is measured. */
const LATENCY_MS = 50;

const redis = await openRedis();
try {
  if (scale) await measure();
  else await disturb();
} finally {
  await redis.close();
}

/** A bad day: workers die, stand still and come, answers fail, and the token ends. */
async function disturb(): Promise<void> {
  const sizes = namesOf(accounts).map((name, nth): [string, number] => [name, 100 + ((nth * 137) % 900)]);
  sizes[0]![1] = 125 * accounts;
  const records = sizes.reduce((sum, [, size]) => sum + size, 0);
  say(`${accounts} accounts, ${workers} workers, one token, one quota of ${RATE_PER_SECOND} requests a second:\n`);

  const board = json ? undefined : openBoard({ records, accounts });
  const report = await runFleet({
    redisUrl: redis.url,
    ratePerSecond: RATE_PER_SECOND,
    burst: BURST,
    lockMs: LOCK_MS,
    workers,
    harms: Array.from({ length: harms }, (_, nth) => HARMS[nth % HARMS.length]!),
    pagesBetweenHarms: 25,
    provider: {
      auth: { tokenTtlSeconds: 4, revokeAfterRequests: 250 },
      latency: { minMs: 5, maxMs: 25 },
      resources: resourcesOf(sizes, { updatesPerRequest: 2, insertsPerRequest: 0.5, deletesPerRequest: 0.5 }),
      // What was granted may arrive late and all at once, where a machine pauses: one request for each turn of a worker.
      limits: [
        {
          kind: 'token-bucket',
          name: 'quota',
          with: { ratePerSecond: RATE_PER_SECOND, burst: BURST + CONCURRENCY * (workers + harms) },
        },
      ],
      faults: [{ fault: 'unavailable', on: { ratio: 0.03 } }],
    },
    onProgress: board?.show,
  });
  const { figures, outcomes, seconds } = report;
  board?.show(figures);
  board?.stop();

  const isGood = outcomes.every(isWhole) && figures.complete === accounts && figures.throttled === 0;
  process.exitCode = isGood ? 0 : 1;
  if (json) return console.log(JSON.stringify({ ...figures, ...total(outcomes), seconds }));
  console.log(summary(outcomes));
  console.log(closingWords(report));
}

/** The same work for 1, 2 and 4 workers, without limits; each answer takes a while, as over a real network. */
async function measure(): Promise<void> {
  const mostPerWorker = (CONCURRENCY / LATENCY_MS) * 1_000;
  say(
    `${count(mostPerWorker)} pages a second are the most for one worker: ${CONCURRENCY} at a time, ${LATENCY_MS} ms each.`,
  );
  const table = tableOf('workers', 'pages/s', 'records/s', 'of the most', 'times one worker');
  const found = [];
  for (const workers of [1, 2, 4]) {
    const { figures, seconds } = await runFleet({
      redisUrl: redis.url,
      ratePerSecond: 10_000,
      burst: 1_000,
      lockMs: 30_000,
      workers,
      harms: [],
      pagesBetweenHarms: 1,
      provider: {
        latency: { minMs: LATENCY_MS, maxMs: LATENCY_MS },
        resources: resourcesOf(namesOf(32).map((name) => [name, 1_000])),
      },
    });
    const pagesPerSecond = figures.pages / seconds;
    const recordsPerSecond = figures.records / seconds;
    const share = pagesPerSecond / (workers * mostPerWorker);
    found.push({ workers, pagesPerSecond, recordsPerSecond, share });
    table.push([
      workers,
      count(Math.round(pagesPerSecond)),
      count(Math.round(recordsPerSecond)),
      `${Math.round(100 * share)} %`,
      (pagesPerSecond / found[0]!.pagesPerSecond).toFixed(2),
    ]);
  }
  if (json) return console.log(JSON.stringify(found));
  console.log(table.toString());
}

/** `account-aa`, `account-ab`, and so on: the provider's names hold no digits. */
function namesOf(accounts: number): string[] {
  const letter = (nth: number): string => String.fromCharCode(97 + nth);
  return Array.from({ length: accounts }, (_, nth) => `account-${letter(Math.floor(nth / 26))}${letter(nth % 26)}`);
}

function resourcesOf(sizes: readonly [string, number][], churn = {}): FleetOptions['provider']['resources'] {
  const pageSize = { default: 50, max: 50 };
  return Object.fromEntries(sizes.map(([name, records]) => [name, { records, pageSize, churn }]));
}

function closingWords({ figures, seconds }: FleetReport): string {
  const { harms, takenOver, overtaken, requests, throttled, failed, tokenRequests } = figures;
  return [
    `${harms.kill} workers killed and replaced, ${harms.stop} stopped for a while, ${harms.join} joined.`,
    `${takenOver} jobs taken over; ${overtaken} pages came too late and were refused.`,
    `${count(requests)} requests, ${throttled} over the quota, ${failed} failed; ${tokenRequests} tokens. ${seconds.toFixed(1)} s.`,
  ].join('\n');
}

function say(text: string): void {
  if (!json) console.log(text);
}

function toNumber(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number <= 500) return number;
  throw new InvalidArgumentError('It must be a whole number from 0 to 500.');
}
