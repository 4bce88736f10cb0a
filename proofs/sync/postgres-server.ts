import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Debian keeps the programs of each version out of the PATH. */
const FOLDERS = [...(process.env.PATH ?? '').split(':'), ...globSync('/usr/lib/postgresql/*/bin')];
const folder = FOLDERS.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
/** PostgreSQL refuses to run as root, so root lets `nobody` run it. */
const NOBODY = 65_534;
const other = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
const isRequired = process.env.STEADFETCH_REQUIRE_ALL === '1';

/** Whether there is no PostgreSQL, and the tests that need one may be skipped for it. */
export const isPostgresMissing: boolean = folder === undefined && !isRequired;

if (isPostgresMissing) {
  console.warn(
    'SKIPPED: no PostgreSQL is installed, so nothing is tested with one (STEADFETCH_REQUIRE_ALL=1 makes this fail).',
  );
}

/** A real PostgreSQL with databases of its own, which are gone with it. */
export interface PostgresServer {
  readonly url: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts one, and returns when it takes connections. It listens on a socket in its folder, where no other can be. */
export async function startPostgres(): Promise<PostgresServer> {
  if (folder === undefined) throw new Error('no PostgreSQL is installed');
  const home = mkdtempSync(join(tmpdir(), 'steadfetch-postgres-'));
  if ('uid' in other) chownSync(home, NOBODY, NOBODY);
  const data = join(home, 'data');
  const init = ['-D', data, '-U', 'steadfetch', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  const made = spawnSync(join(folder, 'initdb'), init, { ...other, cwd: home, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);

  const settings = ['listen_addresses=', 'fsync=off', 'shared_buffers=16MB'].flatMap((setting) => ['-c', setting]);
  const flags = ['-D', data, '-k', home, ...settings];
  const stdio: ['ignore', 'ignore', 'pipe'] = ['ignore', 'ignore', 'pipe'];
  const server = spawn(join(folder, 'postgres'), flags, { ...other, cwd: home, stdio });
  let said = '';
  for await (const chunk of server.stderr) {
    said += chunk;
    if (said.includes('ready to accept connections')) break;
  }
  if (!said.includes('ready to accept connections')) throw new Error(`postgres did not start: ${said}`);

  return {
    url: `postgres://steadfetch@localhost/postgres?host=${encodeURIComponent(home)}`,
    async [Symbol.asyncDispose]() {
      await end(server);
      rmSync(home, { recursive: true });
    },
  };
}

/** At once, and its children with it. */
async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, 'exit');
  server.kill('SIGQUIT');
  await exited;
}
