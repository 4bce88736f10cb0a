/** Long listings over HTTP, from a provider in another process: in how much memory. */
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import type { Mark } from './pages-memory.ts';
import type { Ask } from './pages-server.ts';
import { type Listing, listings, PAGE, serving } from './readers.ts';
import { progress, report, table, verdict } from './report.ts';

const LONG = { records: 500_000, warmAfter: 50_000 };
/** With Node's defaults it is warm when V8 has given young objects all the room it gives: by hand, after 300,000 to 800,000 records. */
const LONGER = { records: 1_500_000, warmAfter: 1_000_000 };
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
The clients of the section before, each in a process of its own, read ${words(LONG.records)} records over HTTP, ${PAGE} a page. **In use** is
what is still held with the last page and was not after ${words(LONG.warmAfter)} records, all garbage collected both times: it is what a client
answers for, and flat if it does not grow with the records. **Grown by** is what the process grew at most (RSS) since its first page.
With Node's defaults that is mostly garbage which V8 is in no hurry to collect: it gives its youngest objects twice as much room again
and again, up to 134 MB on this machine, for as long as enough of them survive a quick collection, as some of what each \`fetch\` leaves
does, in the plain loop as in ours. That has an end, so **once warm** is by how much more the loop and ours grew at most, with the same
defaults, while they read on from ${words(LONGER.warmAfter)} records to ${words(LONGER.records)}. With \`node ${BOUNDED.join(' ')}\`
(**heap bounded**) it must collect from the first page on, so there it shows what a client needs. Lower is better.`,
  findings,
  peers: ['@octokit/core', '@octokit/plugin-paginate-rest', 'got', 'stripe'],
});

/** What one client needs. */
interface Figures {
  /** What is in use at the end, and was not when the client was warm. */
  readonly keptBytes: number;
  /** By how much the process grew at most, since its first page. */
  readonly grownBytes: number;
  /** By how much it grew at most after it was warm. Peers are not asked for so many: got stops after 10,000 requests. */
  readonly warmGrownBytes: number | undefined;
  /** By how much it grew with its heap bounded. */
  readonly boundedGrownBytes: number;
}

/** By how much a process grows that reads a long listing. */
async function remember(listing: Listing): Promise<string[]> {
  const { kind, loop, ours: usual, bounded = [], peers } = listing;
  const ours = [...usual, ...bounded];
  const found = new Map<string, Figures>();
  for (const { name } of [loop, ...ours, ...peers]) {
    found.set(name, await figuresOf(listing, name));
    progress(`${kind}: ${name} ${JSON.stringify(found.get(name))}`);
  }
  const isOurs = (name: string) => ours.some((reader) => reader.name === name);
  const least = Math.min(...ours.map(({ name }) => found.get(name)!.boundedGrownBytes));
  const smaller = peers.filter(({ name }) => found.get(name)!.boundedGrownBytes < least).map(({ name }) => name);
  const loops = found.get(loop.name)!;
  return [
    table(
      ['Memory', 'more in use', 'grown by', 'grown by, once warm', 'grown by, heap bounded'],
      [...found].map(([name, { keptBytes, grownBytes, warmGrownBytes, boundedGrownBytes }]) => {
        const figures = [keptBytes, grownBytes, warmGrownBytes, boundedGrownBytes];
        return [isOurs(name) ? `**${name}**` : name, ...figures.map(megabytes)];
      }),
    ),
    [
      ...ours.flatMap(({ name }) => {
        const { keptBytes, warmGrownBytes, boundedGrownBytes } = found.get(name)!;
        const small = `${name} grows by less than ${megabytes(MOST_GROWN_BYTES)}`;
        const grown = (mine: number, theirs: number) =>
          `It grew by ${megabytes(mine)}, the loop by ${megabytes(theirs)}.`;
        return [
          verdict(`${name} is flat`, keptBytes < FLAT_BYTES, `${megabytes(keptBytes)} more are in use at the end.`),
          verdict(
            `${small} once warm, Node's defaults`,
            warmGrownBytes! < MOST_GROWN_BYTES,
            grown(warmGrownBytes!, loops.warmGrownBytes!),
          ),
          verdict(
            `${small} from the first page, heap bounded`,
            boundedGrownBytes < MOST_GROWN_BYTES,
            grown(boundedGrownBytes, loops.boundedGrownBytes),
          ),
        ];
      }),
      verdict(
        `ours grow by less than ${megabytes(MOST_GROWN_BYTES)} from the first page, Node's defaults`,
        ours.every(({ name }) => found.get(name)!.grownBytes < MOST_GROWN_BYTES),
        `The loop, too, grew by ${megabytes(loops.grownBytes)}.`,
      ),
      ...(smaller.length > 0 ? [`- Grown by less than ours, bounded: **${smaller.join(', ')}**.`] : []),
    ].join('\n'),
  ];
}

async function figuresOf(listing: Listing, name: string): Promise<Figures> {
  const isPeer = listing.peers.some((peer) => peer.name === name);
  const further = isPeer ? [] : [LONGER.warmAfter, LONGER.records];
  const [long, warm, longer] = await marked(listing, name, [], [LONG.records, ...further]);
  const [early, late] = await marked(listing, name, [...BOUNDED, '--expose-gc'], [LONG.warmAfter, LONG.records]);
  return {
    keptBytes: late!.heldBytes! - early!.heldBytes!,
    grownBytes: long!.grownBytes,
    warmGrownBytes: warm && longer && longer.grownBytes - warm.grownBytes,
    boundedGrownBytes: late!.grownBytes,
  };
}

/** The memory of a client after so many records each, of which the last are all there are. */
async function marked(
  listing: Listing,
  name: string,
  flags: readonly string[],
  counts: readonly number[],
): Promise<readonly Mark[]> {
  await asked({ serve: serving(listing, counts.at(-1)!) });
  const argv = [...flags, `${import.meta.dirname}/pages-memory.ts`, listing.kind, name, url, ...counts.map(String)];
  const { stdout } = await promisify(execFile)(process.execPath, argv);
  const marks: readonly Mark[] = JSON.parse(stdout);
  if (marks.length === counts.length && marks.at(-1)!.records === counts.at(-1)) return marks;
  throw new Error(`${listing.kind}: ${name} did not read all ${counts.at(-1)}`);
}

async function asked(ask: Ask): Promise<void> {
  const answer = once(server, 'message');
  server.send(ask);
  await answer;
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? '' : `${(bytes / 1e6).toFixed(0)} MB`;
}

function words(records: number): string {
  return records.toLocaleString('en');
}
