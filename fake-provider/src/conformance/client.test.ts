import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { ClientStartError, runClient } from './client.ts';

it('starts a client without a shell, and hears its lines', async () => {
  const { lines, log, end } = await run(
    'console.log(process.argv[1]); console.log(process.env.CASE_ID); console.error("oh"); process.exitCode = 7',
    { argument: '$HOME; exit 1' },
  );

  expect(lines).toEqual(['$HOME; exit 1', 'area/name']);
  expect(log).toEqual(['oh']);
  expect(end).toMatchObject({ exitCode: 7, signal: undefined, endedFor: undefined });
});

it('hears a last line without an end', async () => {
  expect((await run('process.stdout.write("one\\ntwo")')).lines).toEqual(['one', 'two']);
});

it('ends a client that is late, even one that does not listen, with all that it started', async () => {
  const grandchild = await listen();
  const { end } = await run(
    `process.on('SIGTERM', () => console.log('no'));
     const inner = "process.on('SIGTERM', () => {}); require('net').connect(${grandchild.port}, '127.0.0.1')";
     require('child_process').spawn(process.execPath, ['-e', inner], { stdio: 'ignore' });
     setInterval(() => {}, 1000)`,
    { deadlineMs: 1_500 },
  );

  expect(end).toMatchObject({ endedFor: 'deadline', exitCode: undefined, signal: 'SIGKILL' });
  await grandchild.gone;
});

it('leaves nothing behind of a client that ended by itself', async () => {
  const grandchild = await listen();
  await run(
    `const inner = "require('net').connect(${grandchild.port}, '127.0.0.1').once('connect', () => console.log('here'))";
     const child = require('child_process').spawn(process.execPath, ['-e', inner], { stdio: ['ignore', 'pipe', 'inherit'] });
     child.stdout.once('data', () => process.exit(0))`,
  );

  await grandchild.gone;
});

it('ends a client on demand', async () => {
  const interruption = new AbortController();
  const running = run('console.log("here"); setInterval(() => {}, 1000)', {
    signal: interruption.signal,
    onLine: () => interruption.abort(),
  });

  expect((await running).end).toMatchObject({ endedFor: 'interruption', signal: 'SIGTERM' });
});

it('ends a client with this process, whatever ends that', async () => {
  const client = await listen();
  const script = `require('net').connect(${client.port}, '127.0.0.1').once('connect', () => console.log('here'))`;
  const runner = `
    import { runClient } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'client.ts')).href)};
    const onLine = () => { throw new Error('a bug'); };
    await runClient([process.execPath, '-e', ${JSON.stringify(script)}], { environment: {}, deadlineMs: 60_000, onLine, onLog() {} });`;
  spawn(process.execPath, ['--input-type=module', '-e', runner], { stdio: 'ignore' });

  await client.gone;
});

it('says which program cannot be started', async () => {
  const options = { environment: {}, deadlineMs: 1_000, signal: undefined, onLine() {}, onLog() {} };

  await expect(runClient(['no-such-program'], options)).rejects.toEqual(
    new ClientStartError('no-such-program cannot be started (ENOENT)'),
  );
});

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A port that somebody connects to, and who is gone when that connection is. */
async function listen() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  const gone = once(server, 'connection').then(([socket]) => {
    const connection = socket as Socket;
    return once(connection.on('error', () => {}).resume(), 'close');
  });
  return { port: (server.address() as { port: number }).port, gone };
}

interface Run {
  readonly argument?: string;
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  readonly onLine?: () => void;
}

async function run(script: string, { argument = '', deadlineMs = 15_000, signal, onLine }: Run = {}) {
  const lines: string[] = [];
  const log: string[] = [];
  const end = await runClient([process.execPath, '-e', script, argument], {
    environment: { CASE_ID: 'area/name' },
    ...{ deadlineMs, signal },
    onLine: (line) => {
      lines.push(line);
      onLine?.();
    },
    onLog: (line) => log.push(line),
  });
  return { lines, log, end };
}
