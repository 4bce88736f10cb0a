import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const isInstalled = spawnSync('redis-server', ['--version']).status === 0;
const isRequired = process.env.STEADFETCH_REQUIRE_ALL === '1';

/** Whether there is no Redis, and the tests that need one may be skipped for it. */
export const isRedisMissing: boolean = !isInstalled && !isRequired;

if (isRedisMissing) {
  console.warn(
    'SKIPPED: no redis-server is installed, so nothing is tested with one (STEADFETCH_REQUIRE_ALL=1 makes this fail).',
  );
}

/** A real Redis on a port of its own, which remembers nothing. */
export interface RedisServer {
  readonly port: number;
  /** Kills it as a power cut would, and starts another one in its place when called again. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts one, and returns when it takes connections. */
export async function startRedis(): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'steadfetch-redis-'));
  const port = await freePort();
  let server = await start(port, folder);

  return {
    port,
    kill: () => end(server, 'SIGKILL'),
    async restart() {
      server = await start(port, folder);
    },
    async [Symbol.asyncDispose]() {
      await end(server, 'SIGKILL');
      rmSync(folder, { recursive: true });
    },
  };
}

async function start(port: number, folder: string): Promise<ChildProcess> {
  if (!isInstalled) throw new Error('no redis-server is installed');
  const flags = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'];
  const server = spawn('redis-server', flags, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  for await (const chunk of server.stdout) {
    said += chunk;
    if (said.includes('Ready to accept connections')) break;
  }
  if (!said.includes('Ready to accept connections')) throw new Error(`redis-server did not start: ${said}`);
  return server;
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, 'exit');
  server.kill(signal);
  await exited;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}
