/** Reads one listing with one client, and prints by how much its memory grew up to so many records: `node pages-memory.ts <kind> <client> <url> <records>…`. With `--expose-gc`, what is in use then, too. */
import { setImmediate } from 'node:timers/promises';
import { consume, listings } from './readers.ts';

/** The memory of a process that has read so many records. */
export interface Mark {
  readonly records: number;
  /** By how much the process grew at most, since its first page. */
  readonly grownBytes: number;
  /** All that is in use, where garbage can be collected to know it. */
  readonly heldBytes?: number | undefined;
}

const [kind, name, url, ...counts] = process.argv.slice(2) as [string, string, string, ...string[]];
const { loop, ours, bounded = [], peers } = listings.find((listing) => listing.kind === kind)!;
const { read } = [loop, ...ours, ...bounded, ...peers].find((reader) => reader.name === name)!;

let firstBytes = 0;
let mostBytes = 0;
const marks: Mark[] = [];
await consume(read(url), async (_, records) => {
  const bytes = process.memoryUsage.rss();
  firstBytes ||= bytes;
  mostBytes = Math.max(mostBytes, bytes);
  const count = counts[marks.length];
  if (count === undefined || records < Number(count)) return;
  // A collection disturbs all that follows, so it is only where it is asked for.
  const heldBytes = globalThis.gc && (await held(globalThis.gc));
  marks.push({ records, grownBytes: mostBytes - firstBytes, heldBytes });
});
process.stdout.write(JSON.stringify(marks));
// Whatever connections a client keeps, nobody needs them.
process.exit();

/** What is in use on the heap, and in buffers beside it. What is registered to be finalized takes some turns to go. */
async function held(gc: () => unknown): Promise<number> {
  for (let turn = 0; turn < 5; turn += 1) {
    gc();
    await setImmediate();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
