/** Reads one listing with one client, and prints by how much its memory grew: `node --expose-gc pages-memory.ts <kind> <client> <url> <after how many records it is warm> <how many there are>`. */
import { setImmediate } from 'node:timers/promises';
import { consume, listings } from './readers.ts';

const [kind, name, url, warmAfter, last] = process.argv.slice(2) as [string, string, string, string, string];
const { loop, ours, bounded = [], peers } = listings.find((listing) => listing.kind === kind)!;
const { read } = [loop, ...ours, ...bounded, ...peers].find((reader) => reader.name === name)!;

let firstBytes = 0;
let warmHeapBytes = 0;
let mostBytes = 0;
let keptBytes = Number.NaN;
let isWarm = false;
const records = await consume(read(url), async (_, count) => {
  firstBytes ||= process.memoryUsage.rss();
  if (count < Number(warmAfter)) return;
  if (!isWarm) {
    warmHeapBytes = await heldBytes();
    isWarm = true;
  }
  mostBytes = Math.max(mostBytes, process.memoryUsage.rss());
  if (count === Number(last)) keptBytes = (await heldBytes()) - warmHeapBytes;
});
process.stdout.write(JSON.stringify({ records, grownBytes: mostBytes - firstBytes, keptBytes }));
// Whatever connections a client keeps, nobody needs them.
process.exit();

/** What is in use on the heap, and in buffers beside it. What is registered to be finalized takes some turns to go. */
async function heldBytes(): Promise<number> {
  for (let turn = 0; turn < 5; turn += 1) {
    globalThis.gc!();
    await setImmediate();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
