/** Syncs many accounts with many workers that are killed, stopped and joined by others meanwhile: `pnpm fleet`. */
import { Command, InvalidArgumentError } from 'commander';
import { accountsOf } from './accounts.ts';
import { count, isWhole, openBoard, summary, tableOf, total } from './board.ts';
import type { Harm } from './crew.ts';
import { openRedis } from './redis.ts';
import { CONCURRENCY, type FleetReport, runFleet } from './run.ts';
import { LATENCY_MS, MOST_PAGES_PER_SECOND, measureThroughput, type Throughput } from './scale.ts';

const { accounts, workers, harms, scale, json } = new Command('fleet')
  .description('Syncs many accounts with a fleet of workers, and holds every record against the truth.')
  .option('--accounts <number>', 'how many accounts', numberFrom(1), 40)
  .option('--workers <number>', 'how many workers at the beginning', numberFrom(1), 4)
  .option(
    '--harms <number>',
    'how often a worker is killed, stopped for a while, or joined by one more',
    numberFrom(0),
    18,
  )
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

const redis = await openRedis();
try {
  if (scale) await measure();
  else await disturb();
} finally {
  await redis.close();
}

/** A bad day: workers die, stand still and come, answers fail, and the token ends. */
async function disturb(): Promise<void> {
  // One is so large that it would hold a worker for the whole run, if it were not read in turns.
  const sizes = Array.from({ length: accounts }, (_, nth) => (nth === 0 ? 125 * accounts : 100 + ((nth * 137) % 900)));
  say(`${accounts} accounts, ${workers} workers, one token, one quota of ${RATE_PER_SECOND} requests a second:\n`);

  const board = json ? undefined : openBoard({ records: sizes.reduce((sum, size) => sum + size, 0), accounts });
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
      resources: accountsOf(sizes, { updatesPerRequest: 2, insertsPerRequest: 0.5, deletesPerRequest: 0.5 }),
      // Where a machine pauses, all that was granted and is under way may arrive at once: one request for each turn.
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

/** The same work for 1, 2 and 4 workers, without a quota that they could reach. */
async function measure(): Promise<void> {
  const found: Throughput[] = [];
  for (const workers of [1, 2, 4]) found.push(await measureThroughput(redis.url, workers));
  if (json) return console.log(JSON.stringify(found));

  const table = tableOf(
    'workers',
    'pages/s',
    'records/s',
    'of what latency allows',
    'of one worker',
    'processors busy',
  );
  for (const { workers, pagesPerSecond, recordsPerSecond, ofMostRatio, busyRatio } of found) {
    const ofOne = (pagesPerSecond / found[0]!.pagesPerSecond).toFixed(2);
    const figures = [pagesPerSecond, recordsPerSecond].map((figure) => count(Math.round(figure)));
    table.push([workers, ...figures, percent(ofMostRatio), ofOne, percent(busyRatio)]);
  }
  console.log(table.toString());
  console.log(
    `Latency allows a worker ${count(MOST_PAGES_PER_SECOND)} pages a second: ${CONCURRENCY} at a time, ${LATENCY_MS} ms each. The rest is work\nfor the processors, which the workers share with the provider, Redis and whatever else runs.`,
  );
}

function closingWords({ figures, seconds }: FleetReport): string {
  const { harms, takenOver, overtaken, requests, throttled, failed, tokenRequests } = figures;
  return [
    `${harms.kill} workers killed and replaced, ${harms.stop} stopped for a while, ${harms.join} joined.`,
    `${takenOver} jobs taken over; ${overtaken} pages came too late and were refused.`,
    `${count(requests)} requests, ${throttled} over the quota, ${failed} failed; ${tokenRequests} tokens. ${seconds.toFixed(1)} s.`,
  ].join('\n');
}

function percent(ratio: number): string {
  return `${Math.round(100 * ratio)} %`;
}

function say(text: string): void {
  if (!json) console.log(text);
}

function numberFrom(least: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= 500) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to 500.`);
  };
}
