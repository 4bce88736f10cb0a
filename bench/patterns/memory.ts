/** Long listings over HTTP, from a provider in another process: in how much memory. */
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import type { Ask } from './pages-server.ts';
import { type Listing, listings, PAGE, serving } from './readers.ts';
import { progress, report, table, verdict } from './report.ts';

const LONG = { records: 500_000, warmAfter: 50_000 };
const WARM = LONG.warmAfter.toLocaleString('en');
/** Keeps V8 from letting garbage lie. */
const BOUNDED = ['--max-old-space-size=48', '--max-semi-space-size=1'];
const MOST_GROWN_BYTES = 64_000_000;
/** Some pages of records and their answers. */
const FLAT_BYTES = 2_000_000;

const server = fork(new URL('pages-server.ts', import.meta.url));
const [url] = (await once(server, 'message')) as [string];
const findings: string[] = [];
for (const listing of listings) findings.push(`### ${listing.kind}`, ...(await remember(listing)));
server.disconnect();

report({
  title: 'Memory of a long listing',
  method: `
The clients of the section before, each in a process of its own, read ${LONG.records.toLocaleString('en')} records over HTTP, ${PAGE} a page. **In use** is
what is still held with the last page and was not after ${WARM} records, all garbage collected both times: it is what a client
answers for, and flat if it does not grow with the records. **Grown by** is what the process grew at most (RSS) since its first page.
With Node's defaults that is mostly garbage which V8 is in no hurry to collect: it gives its youngest objects twice as much room again
and again, up to 64 MB and more, for as long as enough of them survive a collection, as those do that \`fetch\` registers to be finalized, in the plain loop
as in ours. With \`node ${BOUNDED.join(' ')}\` it must collect, so there it shows what a client needs. Lower is better.`,
  findings,
  peers: ['@octokit/core', '@octokit/plugin-paginate-rest', 'got', 'stripe'],
});

/** What one client needs. */
interface Memory {
  readonly records: number;
  /** By how much the process grew at most, since the first page. */
  readonly grownBytes: number;
  readonly keptBytes: number;
}

interface Figures extends Memory {
  readonly boundedGrownBytes: number;
}

/** By how much a process grows that reads a long listing. */
async function remember(listing: Listing): Promise<string[]> {
  const { kind, loop, ours: usual, bounded = [], peers } = listing;
  const ours = [...usual, ...bounded];
  const found = new Map<string, Figures>();
  for (const { name } of [loop, ...ours, ...peers]) {
    const usual = await measured(listing, name, []);
    const { grownBytes: boundedGrownBytes } = await measured(listing, name, BOUNDED);
    found.set(name, { ...usual, boundedGrownBytes });
    progress(`${kind}: ${name} ${JSON.stringify(found.get(name))}`);
  }
  const isOurs = (name: string) => ours.some((reader) => reader.name === name);
  const least = Math.min(...ours.map(({ name }) => found.get(name)!.boundedGrownBytes));
  const smaller = peers.filter(({ name }) => found.get(name)!.boundedGrownBytes < least).map(({ name }) => name);
  const loops = found.get(loop.name)!;
  return [
    table(
      ['Memory', 'more in use', 'grown by', 'grown by, heap bounded'],
      [...found].map(([name, { keptBytes, grownBytes, boundedGrownBytes }]) => {
        return [isOurs(name) ? `**${name}**` : name, ...[keptBytes, grownBytes, boundedGrownBytes].map(megabytes)];
      }),
    ),
    [
      ...ours.flatMap(({ name }) => {
        const { keptBytes, grownBytes, boundedGrownBytes } = found.get(name)!;
        const isSmall = boundedGrownBytes < MOST_GROWN_BYTES;
        const more = `It grew by ${megabytes(boundedGrownBytes)}, the loop by ${megabytes(loops.boundedGrownBytes)}; with Node's defaults by ${megabytes(grownBytes)} and ${megabytes(loops.grownBytes)}.`;
        return [
          verdict(`${name} is flat`, keptBytes < FLAT_BYTES, `${megabytes(keptBytes)} more are in use at the end.`),
          verdict(`${name} grows by less than ${megabytes(MOST_GROWN_BYTES)}, heap bounded`, isSmall, more),
        ];
      }),
      ...(smaller.length > 0 ? [`- Grown by less than ours, bounded: **${smaller.join(', ')}**.`] : []),
    ].join('\n'),
  ];
}

async function measured(listing: Listing, name: string, flags: readonly string[]): Promise<Memory> {
  await asked({ serve: serving(listing, LONG.records) });
  const argv = [...flags, '--expose-gc', `${import.meta.dirname}/pages-memory.ts`, listing.kind, name, url];
  const { stdout } = await promisify(execFile)(process.execPath, [...argv, `${LONG.warmAfter}`, `${LONG.records}`]);
  const memory: Memory = JSON.parse(stdout);
  if (memory.records === LONG.records) return memory;
  throw new Error(`${listing.kind}: ${name} read ${memory.records} of ${LONG.records}`);
}

async function asked(ask: Ask): Promise<void> {
  const answer = once(server, 'message');
  server.send(ask);
  await answer;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
