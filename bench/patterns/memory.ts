/** Long listings over HTTP, from a provider in another process: in how much memory. */
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import type { Ask } from './pages-server.ts';
import { type Listing, listings, PAGE, serving } from './readers.ts';
import { progress, report, table, verdict } from './report.ts';

const LONG = { records: 500_000, warmAfter: 50_000 };
const WARM = LONG.warmAfter.toLocaleString('en');
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
The clients of the section before, each in a process of its own with Node's defaults, read ${LONG.records.toLocaleString('en')} records over HTTP, ${PAGE} a page. **In use** is
what is still held with the last page and was not after ${WARM} records, all garbage collected both times: it is what a client
answers for, and flat if it does not grow with the records. **Grown by** is what the process grew at most (RSS), from its first page, and
from ${WARM} records on: mostly garbage that V8 was in no hurry to collect. V8 gives its youngest objects twice as much room again
and again, up to 64 MB and more, for as long as enough of them survive a collection, as those do that \`fetch\` registers to be finalized: in the plain loop
as in ours. \`node --max-semi-space-size=4\` is how to bound that. Lower is better.`,
  findings,
  peers: ['@octokit/core', '@octokit/plugin-paginate-rest', 'got', 'stripe'],
});

/** What one client needs. */
interface Memory {
  readonly records: number;
  /** From the first page. */
  readonly allBytes: number;
  /** From when it was warm. */
  readonly grownBytes: number;
  readonly keptBytes: number;
}

/** By how much a process grows that reads a long listing. */
async function remember(listing: Listing): Promise<string[]> {
  const { kind, loop, ours: usual, bounded = [], peers } = listing;
  const ours = [...usual, ...bounded];
  const found = new Map<string, Memory>();
  for (const { name } of [loop, ...ours, ...peers]) {
    await asked({ serve: serving(listing, LONG.records) });
    const argv = ['--expose-gc', `${import.meta.dirname}/pages-memory.ts`, kind, name, url];
    const { stdout } = await promisify(execFile)(process.execPath, [...argv, `${LONG.warmAfter}`, `${LONG.records}`]);
    const memory: Memory = JSON.parse(stdout);
    if (memory.records !== LONG.records) throw new Error(`${kind}: ${name} read ${memory.records} of ${LONG.records}`);
    found.set(name, memory);
    progress(`${kind}: ${name} ${JSON.stringify(memory)}`);
  }
  const isOurs = (name: string) => ours.some((reader) => reader.name === name);
  const least = Math.min(...ours.map(({ name }) => found.get(name)!.allBytes));
  const smaller = peers.filter(({ name }) => found.get(name)!.allBytes < least).map(({ name }) => name);
  const loops = found.get(loop.name)!;
  return [
    table(
      ['Memory', 'more in use', 'grown by, from the first page', `from ${WARM} records on`],
      [...found].map(([name, { keptBytes, allBytes, grownBytes }]) => {
        return [isOurs(name) ? `**${name}**` : name, ...[keptBytes, allBytes, grownBytes].map(megabytes)];
      }),
    ),
    [
      ...ours.flatMap(({ name }) => {
        const { keptBytes, allBytes, grownBytes } = found.get(name)!;
        const more = `It grew by ${megabytes(allBytes)}, and by ${megabytes(grownBytes)} from ${WARM} records on; the loop by ${megabytes(loops.allBytes)} and ${megabytes(loops.grownBytes)}.`;
        return [
          verdict(`${name} is flat`, keptBytes < FLAT_BYTES, `${megabytes(keptBytes)} more are in use at the end.`),
          verdict(`${name} grows by less than ${megabytes(MOST_GROWN_BYTES)}`, allBytes < MOST_GROWN_BYTES, more),
        ];
      }),
      ...(smaller.length > 0 ? [`- Grown by less than ours: **${smaller.join(', ')}**.`] : []),
    ].join('\n'),
  ];
}

async function asked(ask: Ask): Promise<void> {
  const answer = once(server, 'message');
  server.send(ask);
  await answer;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
