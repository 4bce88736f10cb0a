#!/usr/bin/env node
import { main } from './cli.ts';

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interruption.abort());

const { exitCode, server } = await main(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
  terminal: process.stderr.isTTY ? process.stderr : undefined,
  interruption: interruption.signal,
});
process.exitCode = exitCode;
if (server !== undefined) {
  const close = (): void => void server.close();
  // Whoever read the log has gone.
  process.stdout.on('error', close);
  if (interruption.signal.aborted) close();
  else interruption.signal.addEventListener('abort', close);
}
