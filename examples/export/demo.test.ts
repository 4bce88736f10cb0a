import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

// The whole job in real time, twice over: far longer than other tests may take.
it.concurrent('exports everything once, through a bad day and a SIGKILL', { timeout: 90_000 }, async () => {
  const { exitCode, out } = await demo('--json', '--seed', '1');
  const { sources, throttled, retries, tokenRefreshes, resumedAfterKill, seed } = JSON.parse(out);

  expect(sources.map(({ name, lost, duplicated }: Source) => ({ name, lost, duplicated }))).toEqual(
    ['users', 'transactions', 'events', 'invoices'].map((name) => ({ name, lost: 0, duplicated: 0 })),
  );
  expect(sources.reduce((sum: number, { delivered }: Source) => sum + delivered, 0)).toBeGreaterThan(20_000);
  expect(Math.min(throttled, retries, tokenRefreshes - 1)).toBeGreaterThan(0);
  expect({ resumedAfterKill, seed, exitCode }).toEqual({ resumedAfterKill: true, seed: 1, exitCode: 0 });
});

it.concurrent('shows that a plain loop loses records on the same day', { timeout: 60_000 }, async () => {
  const { exitCode, out } = await demo('--json', '--naive', '--seed', '1');
  const { sources } = JSON.parse(out);

  expect(exitCode).toBe(1);
  expect(sources.reduce((sum: number, { lost }: Source) => sum + lost, 0)).toBeGreaterThan(1_000);
});

it.each([['--seed', 'nope'], ['--nope']])('refuses %s %s in one line', { timeout: 30_000 }, async (...argv) => {
  const { exitCode, out, error } = await demo(...argv.filter((arg) => typeof arg === 'string'));

  expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' });
  expect(error).toMatch(/^demo: .+\n$/);
});

interface Source {
  readonly name: string;
  readonly delivered: number;
  readonly lost: number;
  readonly duplicated: number;
}

async function demo(...argv: readonly string[]): Promise<{ exitCode: number; out: string; error: string }> {
  const file = fileURLToPath(new URL('demo.ts', import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file, ...argv]);
  const [out, error, [exitCode]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { exitCode, out, error };
}
