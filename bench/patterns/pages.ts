/** Whole listings over HTTP, from a provider in another process: how fast, with how many requests, how completely. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ask, Truth } from './pages-server.ts';
import { consume, type Item, type Listing, listings, PAGE, type Reader, serving } from './readers.ts';
import { progress, report, table, verdict } from './report.ts';
import { median, quantile } from './statistics.ts';

const ROUNDS = 7;
const FAST = { records: 20_000 };
const SLOW = { records: 4_000, latencyMs: 10, workMs: 5 };
const AHEAD_ROUNDS = 5;
const PREFETCH = 2;
const LEAST_OF_LOOP = 0.95;
const CHURN = { insertsPerRequest: 2, deletesPerRequest: 3, insertAt: 'anywhere' } as const;
const CHURNING = { records: 5_000, seeds: [1, 2, 3, 4, 5] };

/** A client in a race. */
interface Racer extends Reader {
  readonly isOurs: boolean;
  readonly isAhead?: boolean;
}

const server = fork(new URL('pages-server.ts', import.meta.url));
const [url] = (await once(server, 'message')) as [string];
const findings: string[] = [];
for (const listing of listings) {
  findings.push(`### ${listing.kind}`, ...(await race(listing)), ...(await keepUp(listing)));
}
server.disconnect();

report({
  title: 'Pages over HTTP',
  method: `
The fake provider in another process, over HTTP on the same machine, without limits, ${PAGE} records a page; every peer as its
documentation says, and a loop around \`fetch\` as one writes it oneself. **At full speed**: ${FAST.records.toLocaleString('en')} records, an answer at once, ${ROUNDS} rounds, every
one through all clients, back and forth, after one to warm up. The ratio is to the loop in the same round, its median, and the
quarters around it. Above 1 is faster than the loop. Extra requests are those beyond one a page. **With work**: the provider takes
${SLOW.latencyMs} ms, the consumer ${SLOW.workMs} ms a page, ${SLOW.records.toLocaleString('en')} records, ${AHEAD_ROUNDS} rounds; ours as they are, and with ${PREFETCH} pages of prefetch. **In a changing
listing**: ${CHURNING.records.toLocaleString('en')} records at first, ${CHURN.insertsPerRequest} inserted anywhere and ${CHURN.deletesPerRequest} deleted with every request, ${CHURNING.seeds.length} seeds, judged by what the
provider knows: lost are records that were there throughout and never came. In losses, lower is better.`,
  findings,
  peers: ['@octokit/core', '@octokit/plugin-paginate-rest', 'got', 'stripe'],
});

/** Records a second, as ratios to the loop; and the requests it took. */
async function race(listing: Listing): Promise<string[]> {
  const { loop, ours, peers } = listing;
  const still: Racer[] = [
    { ...loop, isOurs: false },
    ...ours.map((reader) => ({ ...reader, isOurs: true })),
    ...peers.map((reader) => ({ ...reader, isOurs: false })),
  ];
  await asked({ serve: serving(listing, FAST.records) });
  const extra = new Map<string, number>();
  for (const { name, read } of still) {
    const before = await asked<number>({ count: true });
    const found = await consume(read(url));
    if (found !== FAST.records) throw new Error(`${listing.kind}: ${name} read ${found} of ${FAST.records}`);
    extra.set(name, (await asked<number>({ count: true })) - before - FAST.records / PAGE);
  }
  const fast = await rounds(listing.kind, still, ROUNDS, ({ read }) => consume(read(url)));

  const ahead = ours.map(({ name, read }) => {
    return { name: `${name}, prefetch`, isOurs: true, isAhead: true, read: (url: string) => read(url, PREFETCH) };
  });
  const working = [...still.slice(0, 1 + ours.length), ...ahead, ...still.slice(1 + ours.length)];
  const latency = { minMs: SLOW.latencyMs, maxMs: SLOW.latencyMs };
  await asked({ serve: serving(listing, SLOW.records, { latency }) });
  const work = async (): Promise<void> => void (await sleep(SLOW.workMs));
  const slow = await rounds(`${listing.kind}, with work`, working, AHEAD_ROUNDS, ({ read }) =>
    consume(read(url), work),
  );

  const rows = still.map(({ name, isOurs }) => {
    const figures = fast.get(name)!;
    return [
      show(name, isOurs),
      `${Math.round(median(figures.perSecond))}`,
      ...spread(figures.ratios),
      `${extra.get(name)}`,
    ];
  });
  const slowRows = working.map(({ name, isOurs }) => {
    const figures = slow.get(name)!;
    return [show(name, isOurs), `${Math.round(median(figures.perSecond))}`, ...spread(figures.ratios)];
  });
  const verdicts = [
    ...ours.map(({ name }) => {
      const ratio = median(fast.get(name)!.ratios);
      const found = `It has ${ratio.toFixed(2)}, with ${extra.get(name)} extra requests.`;
      return verdict(`${name}, no prefetch: at least ${LEAST_OF_LOOP} of the loop`, ratio >= LEAST_OF_LOOP, found);
    }),
    ...ahead.map(({ name }) => {
      const ratio = median(slow.get(name)!.ratios);
      return verdict(`${name}, with work: ahead of the loop`, ratio > 1, `It has ${ratio.toFixed(2)}.`);
    }),
    ...peers.map(({ name }) => {
      const own = Math.max(...ours.map((reader) => median(fast.get(reader.name)!.ratios)));
      const ratio = median(fast.get(name)!.ratios);
      return `- ${name} reads ${(ratio / own).toFixed(2)} times as fast as our faster one at full speed${ratio > own ? ': **ahead of ours**' : ''}.`;
    }),
  ];
  return [
    table(['At full speed', 'records per s (more is better)', 'ratio', 'quarters', 'extra requests'], rows),
    table(['With work', 'records per s (more is better)', 'ratio', 'quarters'], slowRows),
    verdicts.join('\n'),
  ];
}

interface Figures {
  readonly perSecond: number[];
  /** To the first racer, round by round. */
  readonly ratios: number[];
}

async function rounds(
  what: string,
  racers: readonly Racer[],
  count: number,
  run: (racer: Racer) => Promise<number>,
): Promise<ReadonlyMap<string, Figures>> {
  const figures = new Map<string, Figures>(racers.map(({ name }) => [name, { perSecond: [], ratios: [] }]));
  for (let round = 0; round < count; round += 1) {
    for (const racer of round % 2 === 0 ? racers : racers.toReversed()) {
      globalThis.gc!();
      const startMs = performance.now();
      const records = await run(racer);
      figures.get(racer.name)!.perSecond.push((records * 1_000) / (performance.now() - startMs));
    }
    for (const { perSecond, ratios } of figures.values()) {
      ratios.push(perSecond[round]! / figures.get(racers[0]!.name)!.perSecond[round]!);
    }
  }
  progress(`${what}: ${[...figures].map(([name, { ratios }]) => `${name} ${median(ratios).toFixed(2)}`).join(', ')}`);
  return figures;
}

/** What is lost, and what comes twice, where records come and go meanwhile. */
async function keepUp(listing: Listing): Promise<string[]> {
  const { kind, resource, loop, ours, peers } = listing;
  const truths = new Map<string, Truth>();
  for (const { name, read } of [loop, ...ours, ...peers]) {
    const sum = { expected: 0, lost: 0, repeated: 0 };
    for (const seed of CHURNING.seeds) {
      await asked({ serve: serving(listing, CHURNING.records, { seed }, CHURN) });
      const delivered: Item[] = [];
      await consume(read(url), (records) => void delivered.push(...records.map(({ id }) => ({ id }))));
      const truth = await asked<Truth>({ judge: resource, delivered });
      for (const key of ['expected', 'lost', 'repeated'] as const) sum[key] += truth[key];
    }
    truths.set(name, sum);
  }
  progress(`${kind}, changing: ${JSON.stringify(Object.fromEntries(truths))}`);
  const own = ours.find(({ isForStill }) => !isForStill)!.name;
  const losing = [loop, ...peers].filter(({ name }) => truths.get(name)!.lost > 0).map(({ name }) => name);
  const isOurs = (name: string) => ours.some((reader) => reader.name === name);
  return [
    table(
      ['In a changing listing', 'lost', 'repeated', 'of'],
      [...truths].map(([name, { lost, repeated, expected }]) => {
        return [show(name, isOurs(name)), `${lost}`, `${repeated}`, `${expected}`];
      }),
    ),
    [
      verdict(`${own} loses nothing`, truths.get(own)!.lost === 0, `It lost ${truths.get(own)!.lost}.`),
      verdict(
        'each of the others loses some',
        losing.length === 1 + peers.length,
        losing.length === 0
          ? 'None does: this way to page holds its place by itself.'
          : `Losing: ${losing.join(', ')}.`,
      ),
    ].join('\n'),
  ];
}

async function asked<Answer>(ask: Ask): Promise<Answer> {
  const answer = once(server, 'message') as Promise<[Answer]>;
  server.send(ask);
  return (await answer)[0];
}

function spread(ratios: readonly number[]): [string, string] {
  const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(ratios, share).toFixed(2));
  return [middle!, `${low} to ${high}`];
}

function show(name: string, isOurs: boolean): string {
  return isOurs ? `**${name}**` : name;
}
