#!/usr/bin/env node
import { main } from './cli.ts';

const { exitCode, server } = await main(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
});
process.exitCode = exitCode;
if (server !== undefined) {
  // Whoever read the log has gone.
  process.stdout.on('error', () => void server.close());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close());
}
