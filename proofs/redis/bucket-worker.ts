/** One of many processes that share a bucket: at each line it is told, sends what it may and prints when it was let. */
import { createInterface } from 'node:readline';
import { setTimeout as after } from 'node:timers/promises';
import { tokenBucket } from '@steadfetch/token-bucket';
import { redisBucket } from '@steadfetch/token-bucket/redis';
import { type Client, connect } from './clients.ts';

/** What a worker is told. */
export interface Shift {
  readonly name: string;
  /** How many requests to send, if fewer than fit in the time. */
  readonly requests?: number;
  readonly forMs: number;
  readonly ratePerSecond: number;
  readonly burst: number;
  readonly fallbackRatio: number;
  /** By how much the wall clock of this process is wrong. */
  readonly skewMs: number;
}

const [kind, port] = process.argv.slice(2);
const client = await connect(kind as Client, Number(port));
const rightly = Date.now;

print({ type: 'ready' });
for await (const line of createInterface(process.stdin)) {
  await work(JSON.parse(line));
  print({ type: 'done' });
}
process.exit(0);

async function work({
  name,
  requests = Infinity,
  forMs,
  ratePerSecond,
  burst,
  fallbackRatio,
  skewMs,
}: Shift): Promise<void> {
  Date.now = () => rightly() + skewMs;
  let grantedAtMs: number | undefined;
  const acquire = redisBucket({
    name,
    async eval(script, keys, args) {
      const reply = await client.eval(script, keys, args);
      const [taken, micros] = reply as [number, string];
      // Granted when Redis says so, by the one clock that all share.
      if (taken === 1) grantedAtMs = Number(micros) / 1_000;
      return reply;
    },
    fallbackRatio,
    timeoutMs: 300,
    onEvent: ({ type }) => print({ type }),
  });
  const send = tokenBucket({ ratePerSecond, burst, acquire })(async () => {
    print(grantedAtMs === undefined ? { type: 'local', atMs: rightly() } : { type: 'granted', atMs: grantedAtMs });
    grantedAtMs = undefined;
    return new Response();
  });

  const signal = AbortSignal.timeout(forMs);
  let left = requests;
  const callers = Array.from({ length: 5 }, async () => {
    // Who asks again at once for as long as it is refused leaves no time for the answer that would end it.
    while (!signal.aborted && left-- > 0) await send('https://api.test', { signal }).catch(() => after(10));
  });
  await Promise.all(callers);
}

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
