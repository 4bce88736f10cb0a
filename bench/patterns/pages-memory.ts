/** Reads one listing with one client, and prints by how much its memory grew: `node --expose-gc pages-memory.ts <kind> <client> <url> <after how many records it is warm>`. */
import { consume, listings } from './readers.ts';

const [kind, name, url, warmAfter] = process.argv.slice(2) as [string, string, string, string];
const { loop, ours, peers } = listings.find((listing) => listing.kind === kind)!;
const { read } = [loop, ...ours, ...peers].find((reader) => reader.name === name)!;

let warmBytes = 0;
let mostBytes = 0;
let isWarm = false;
const records = await consume(read(url), (_, count) => {
  if (count < Number(warmAfter)) return;
  if (!isWarm) {
    globalThis.gc!();
    isWarm = true;
    warmBytes = process.memoryUsage.rss();
  }
  mostBytes = Math.max(mostBytes, process.memoryUsage.rss());
});
process.stdout.write(JSON.stringify({ records, grownBytes: mostBytes - warmBytes }));
// Whatever connections a client keeps, nobody needs them.
process.exit();
