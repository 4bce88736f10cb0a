/** One of many processes that share a token: calls a provider for as long as it is told, and prints what it does. */
import { createInterface } from 'node:readline';
import { setTimeout as after } from 'node:timers/promises';
import { tokenCache } from '@steadfetch/token-cache';
import { bearer, clientCredentials } from '@steadfetch/token-cache/oauth';
import { connect, sharedToken } from '../../examples/shared-token.ts';

/** What a worker is told. */
export interface Shift {
  /** The provider. */
  readonly url: string;
  readonly name: string;
  readonly forMs: number;
  readonly refreshBeforeMs: number;
  readonly lockMs: number;
}

const redis = await connect(`redis://127.0.0.1:${process.argv[2]}`);

print('ready');
for await (const line of createInterface(process.stdin)) {
  await work(JSON.parse(line));
  print('done');
}
process.exit(0);

async function work({ url, name, forMs, refreshBeforeMs, lockMs }: Shift): Promise<void> {
  const store = sharedToken({ redis, name, lockMs });
  const request = clientCredentials({
    tokenUrl: `${url}/oauth/token`,
    clientId: 'demo-client',
    clientSecret: 'demo-secret',
  });
  const cache = tokenCache({
    ...store,
    lock: (key, locked) =>
      store.lock(key, async () => {
        print('locked');
        await locked();
        print('unlocked');
      }),
    request: (context) => {
      print('requested');
      return request(context);
    },
    refreshBeforeMs,
    onEvent: ({ type }) => print(type),
  });
  const send = bearer(cache, { origins: [url] })(fetch);

  const endsAt = performance.now() + forMs;
  while (performance.now() < endsAt) {
    const response = await send(`${url}/items?limit=1`);
    await response.text();
    if (response.status !== 200) print(`refused: ${response.status}`);
    await after(50);
  }
}

function print(type: string): void {
  process.stdout.write(`${JSON.stringify({ type, atMs: Date.now() })}\n`);
}
