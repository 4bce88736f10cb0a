import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A Redis to work with. */
export interface RunningRedis {
  readonly url: string;
  /** Stops it, if it was started here. */
  close(): Promise<void>;
}

/** The one at `REDIS_URL`; without that, a `redis-server` of our own, which remembers nothing. */
export async function openRedis(): Promise<RunningRedis> {
  const { REDIS_URL: url } = process.env;
  if (url) return { url, close: async () => {} };

  const folder = mkdtempSync(join(tmpdir(), 'steadfetch-redis-'));
  const port = await freePort();
  const flags = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  const server = spawn('redis-server', flags, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(server, 'spawn').catch((error) => {
    throw new Error('Install redis-server, or set REDIS_URL', { cause: error });
  });
  const exited = once(server, 'exit');
  let said = '';
  for await (const chunk of server.stdout) {
    said += chunk;
    if (said.includes('Ready to accept connections')) break;
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    async close() {
      server.kill();
      await exited;
      rmSync(folder, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}
