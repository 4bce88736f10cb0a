import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

/** How many calls there are in all. `STEADFETCH_CALLS=1000000` looks harder, for as long as it takes. */
const CALLS = Number(process.env.STEADFETCH_CALLS ?? 10_000);

// In a process of its own, whose memory no other test fills.
it(`keeps nothing of ${CALLS} calls through every policy at once`, { timeout: 60_000 + CALLS }, async () => {
  const argv = ['--expose-gc', `${import.meta.dirname}/client.ts`, `${CALLS}`];
  const { stdout } = await promisify(execFile)(process.execPath, argv);
  const { before, after } = JSON.parse(stdout);

  expect({ listeners: after.listeners, timers: after.timers }).toEqual({ listeners: 0, timers: before.timers });
  expect((after.heapBytes - before.heapBytes) / 2 ** 20).toBeLessThan(1);
});
