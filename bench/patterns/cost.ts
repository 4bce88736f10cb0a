/** What one call through a policy costs where nothing goes wrong, which is nearly always. */
import { measure } from 'mitata';
import { type Contestant, contestants } from './cost-contestants.ts';
import { progress, report, table } from './report.ts';
import { median, quantile } from './statistics.ts';

const ROUNDS = 7;
const SAMPLES = 30;
/** Short enough that most samples end before another process takes the core. */
const SAMPLE_MS = 1;
/** How long a contestant warms up. */
const WARM_UP_MS = 100;

const findings: string[] = [];
for (const [kind, rivals] of Object.entries(contestants)) findings.push(await compare(kind, rivals));

report({
  title: 'Cost of a call',
  method: `
One call after the other over a stub that answers at once, so nearly all of the time is the policy's. ${ROUNDS} rounds, every one
through all contestants of a kind, back and forth; a round's figure is the lower quarter of ${SAMPLES} samples of many calls, so that
what else the machine does counts little. The ratio is to the first in the same round: its median, and the quarters around
it. Above 1 is dearer than ours. Functions that a peer runs throw on a bad status, as its users must; ours look at the
response and at the request, whose URL they parse. Clients that cannot be told apart from their retry (axios, ky, got, each
over a stub of its transport) are shown whole, and win nothing. bottleneck sends each call through a timer.`,
  findings,
  peers: [
    'mitata',
    'cockatiel',
    'p-retry',
    'ky',
    'got',
    'axios',
    'axios-retry',
    'opossum',
    'bottleneck',
    'p-throttle',
    'p-queue',
    'effect',
  ],
});

async function compare(kind: string, rivals: readonly Contestant[]): Promise<string> {
  const costs = new Map<Contestant, number[]>(rivals.map((rival) => [rival, []]));
  const calls = new Map<Contestant, number>();
  for (const rival of rivals) calls.set(rival, await callsPerSample(rival));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const rival of round % 2 === 0 ? rivals : rivals.toReversed()) {
      costs.get(rival)!.push(await costNs(rival, calls.get(rival)!));
    }
  }

  const [ours] = rivals as [Contestant];
  const ratios = (rival: Contestant) => costs.get(rival)!.map((ns, round) => ns / costs.get(ours)![round]!);
  const rows = rivals.map((rival) => {
    const spread = [0.25, 0.75].map((share) => quantile(ratios(rival), share).toFixed(2)).join(' to ');
    const name = rival.isOurs ? `**${rival.name}**` : rival.isWholeClient ? `${rival.name} (whole client)` : rival.name;
    return [
      name,
      (median(costs.get(rival)!) / 1_000).toFixed(2),
      median(ratios(rival)).toFixed(2),
      rival === ours ? '' : spread,
    ];
  });
  const peers = rivals.filter(({ isOurs, isWholeClient }) => !isOurs && !isWholeClient);
  const ahead = peers.filter((rival) => median(ratios(rival)) < 1);
  const best = peers.toSorted((one, other) => median(ratios(one)) - median(ratios(other)))[0]!;
  progress(`${kind}: ${rows.map(([name, , ratio]) => `${name} ${ratio}`).join(', ')}`);
  const found =
    ahead.length === 0
      ? `Ours is cheaper than every peer; the best, ${best.name}, costs ${median(ratios(best)).toFixed(2)} times as much.`
      : `**Cheaper than ours**: ${ahead.map((rival) => `${rival.name} (${median(ratios(rival)).toFixed(2)} of our cost)`).join(', ')}.`;
  return [
    `### ${kind[0]!.toUpperCase()}${kind.slice(1)}`,
    table(['', 'µs a call', 'ratio', 'spread'], rows),
    found,
  ].join('\n\n');
}

/** Nanoseconds a call takes: the lower quarter of the samples, since whatever else runs can only make them longer. */
async function costNs({ call }: Contestant, calls: number): Promise<number> {
  const work = async (): Promise<void> => {
    for (let index = 0; index < calls; index += 1) await call();
  };
  const { p25 } = await measure(work, { min_samples: SAMPLES, max_samples: SAMPLES, warmup_samples: 0 });
  return p25 / calls;
}

/** How many calls fill a sample, once the compiler knows them. */
async function callsPerSample({ call }: Contestant): Promise<number> {
  const startMs = performance.now();
  let calls = 0;
  for (; performance.now() < startMs + WARM_UP_MS; calls += 1) await call();
  return Math.ceil((calls * SAMPLE_MS) / WARM_UP_MS);
}
