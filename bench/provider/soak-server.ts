/** Serves what its parent tells it to, and says on demand what it still holds: `node --expose-gc soak-server.ts`. */
import { type ConfigInput, createProvider, type RunningServer, serve } from '@steadfetch/fake-provider';

/** What a process holds after its garbage was collected. */
export interface Held {
  readonly rssBytes: number;
  /** On the heap, and in buffers beside it. */
  readonly heapBytes: number;
  /** Connections, the channel to the parent left out. */
  readonly sockets: number;
  readonly timers: number;
}

let server: RunningServer | undefined;
process.on('message', async (message: { readonly config: ConfigInput } | 'hold?') => {
  if (message === 'hold?') return void process.send!(held());
  server = await serve(createProvider(message.config));
  process.send!(server.url);
});
process.once('SIGTERM', async () => {
  await server?.close();
  process.disconnect();
});

function held(): Held {
  for (let round = 0; round < 3; round += 1) globalThis.gc!();
  const { rss, heapUsed, external } = process.memoryUsage();
  const active = process.getActiveResourcesInfo();
  const count = (kind: string): number => active.filter((each) => each === kind).length;
  return { rssBytes: rss, heapBytes: heapUsed + external, sockets: count('TCPSocketWrap'), timers: count('Timeout') };
}
