/** One of many processes that share a bucket: sends as much as it may, and prints when it was let. */

import { tokenBucket } from '@steadfetch/token-bucket';
import { redisBucket } from '@steadfetch/token-bucket/redis';
import { type Client, connect } from './clients.ts';

const { PORT, CLIENT, SHIFT_MS = '0', FOR_MS, RATE, BURST, RATIO } = process.env;

// The wall clock of a process that nobody has set right.
const rightly = Date.now;
Date.now = () => rightly() + Number(SHIFT_MS);

const client = await connect(CLIENT as Client, Number(PORT));
let grantedAtMs: number | undefined;
const acquire = redisBucket({
  name: 'shared',
  async eval(script, keys, args) {
    const reply = await client.eval(script, keys, args);
    const [taken, micros] = reply as [number, string];
    // Granted when Redis says so, by the one clock that all share.
    if (taken === 1) grantedAtMs = Number(micros) / 1_000;
    return reply;
  },
  fallbackRatio: Number(RATIO),
  timeoutMs: 300,
  onEvent: ({ type }) => print({ type }),
});
const send = tokenBucket({ ratePerSecond: Number(RATE), burst: Number(BURST), acquire })(async () => {
  print({ type: grantedAtMs === undefined ? 'local' : 'granted', atMs: grantedAtMs ?? rightly() });
  grantedAtMs = undefined;
  return new Response();
});

print({ type: 'ready' });
await new Promise((resolve) => process.stdin.once('data', resolve));
const deadline = AbortSignal.timeout(Number(FOR_MS));
const callers = Array.from({ length: 5 }, async () => {
  while (!deadline.aborted) await send('https://api.test', { signal: deadline }).catch(() => {});
});
await Promise.all(callers);
process.exit(0);

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
