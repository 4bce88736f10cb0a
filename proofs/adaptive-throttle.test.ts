import { adaptiveThrottle } from '@steadfetch/adaptive-throttle';
import { judgeRetryAfter } from '@steadfetch/fake-provider';
import { describe, expect } from 'vitest';
import { WORLDS, type World } from './world.ts';

describe.each(WORLDS)('adaptive-throttle $name', ({ open, it }) => {
  it.each([
    // Ten at once, then ten every two seconds: the sixtieth request can go at 10 s.
    { id: 'rate-limit/fixed-window', requests: 60, withinMs: 12_500 },
    // Ten at once, then ten a second, would take 5 s. A reset in whole seconds hides how fast so small a bucket fills.
    { id: 'rate-limit/token-bucket', requests: 60, withinMs: 12_500 },
  ] as const)('$id: is never refused, and ends in time', async ({ id, requests, withinMs }) => {
    await using world = await open(id);
    const throttled = adaptiveThrottle()(world.fetch);
    const startMs = performance.now();

    await Promise.all(Array.from({ length: requests }, () => throttled(`${world.baseUrl}/items`)));

    expect(statuses(world)).toEqual(Array(requests).fill(200));
    expect(performance.now() - startMs).toBeLessThan(withinMs);
  });

  it.each(['rate-limit/retry-after-seconds', 'rate-limit/retry-after-http-date'] as const)(
    '%s: keeps everybody away until the time has come',
    async (id) => {
      await using world = await open(id);
      const throttled = adaptiveThrottle()(world.fetch);

      for (let call = 0; call < 6; call += 1) await throttled(`${world.baseUrl}/items`);

      expect(statuses(world)).toEqual([200, 429, 200, 200, 429, 200]);
      expect(judgeRetryAfter(world.provider.ledger.entries)).toEqual([]);
    },
  );
});

function statuses({ provider }: World): number[] {
  return provider.ledger.entries.map(({ status }) => status);
}
