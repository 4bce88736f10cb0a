import { expect, it } from 'vitest';
import { autoClock } from './auto-clock.ts';
import { ConfigError } from './config.ts';
import { createProvider } from './provider.ts';

it('lets an obedient client live through hours at once', async () => {
  const startedAt = process.hrtime.bigint();
  const begin = Date.UTC(2026, 0, 1);
  using clock = await autoClock(begin);
  const provider = createProvider(
    {
      ...{ clock: 'auto', auth: false, latency: { minMs: 100, maxMs: 300 } },
      limits: [{ kind: 'fixed-window', name: 'hour', with: { limit: 2, windowSeconds: 3_600 } }],
    },
    { clock },
  );
  const statuses: number[] = [];
  for (let call = 0; call < 6; call += 1) {
    let answer = await provider.fetch('https://api.test/items');
    if (answer.status === 429) {
      const seconds = Number(answer.headers.get('retry-after'));
      await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
      answer = await provider.fetch('https://api.test/items');
    }
    statuses.push(answer.status);
  }

  expect(statuses).toEqual([200, 200, 200, 200, 200, 200]);
  expect(clock.now() - begin).toBeGreaterThan(2 * 3_600_000);
  expect(Date.now()).toBe(clock.now());
  expect(provider.report().manners.find(({ verdict }) => verdict === 'retry-after')?.passed).toBe(true);
  expect(Number(process.hrtime.bigint() - startedAt) / 1e9).toBeLessThan(5);
});

it('gives the timers back', async () => {
  const { setTimeout: own } = globalThis;
  const clock = await autoClock();
  expect(globalThis.setTimeout).not.toBe(own);
  clock.stop();

  expect(globalThis.setTimeout).toBe(own);
});

it('has to be passed where it is asked for', () => {
  expect(() => createProvider({ clock: 'auto' })).toThrow(ConfigError);
  expect(() => createProvider({ clock: 'auto' })).toThrow(
    'clock: auto moves the timers too: pass { clock: await autoClock() }',
  );
});
