import { backoff } from '@steadfetch/backoff';
import { judgeRetryAfter } from '@steadfetch/fake-provider';
import { describe, expect } from 'vitest';
import { WORLDS } from './world.ts';

describe.each(WORLDS)('backoff $name', ({ name, open, it }) => {
  it.each(['rate-limit/retry-after-seconds', 'rate-limit/retry-after-http-date'] as const)(
    '%s: comes back, and never too early',
    async (id) => {
      await using world = await open(id);
      const steady = backoff({ baseMs: 10 })(world.fetch);

      for (let call = 0; call < 5; call += 1) expect((await steady(`${world.baseUrl}/items`)).status).toBe(200);

      const { ledger } = world.provider;
      expect(ledger.tally().throttled).toBe(2);
      expect(judgeRetryAfter(ledger.entries)).toEqual([]);
    },
  );

  it.each(['resilience/unavailable-now-and-then', 'wire/reset'] as const)(
    '%s: every call ends well, and failures are repeated',
    async (id) => {
      await using world = await open(id, 7);
      const steady = backoff({ baseMs: 1, capMs: 5, attempts: 6 })(world.fetch);

      for (let call = 0; call < 60; call += 1) {
        const response = await steady(`${world.baseUrl}/items`);
        expect(response.status).toBe(200);
        await response.arrayBuffer();
      }

      expect(world.provider.ledger.tally().failed).toBeGreaterThan(0);
    },
  );

  it('resilience/outage: sends at most a fifth more than the calls it was given, and a floor of ten', async () => {
    await using world = await open('resilience/outage');
    const steady = backoff({ baseMs: 1, capMs: 2 })(world.fetch);
    const calls = name === 'over HTTP' ? 100 : 1_000;

    for (let call = 0; call < calls; call += 1) expect((await steady(`${world.baseUrl}/items`)).status).toBe(503);

    const { requests } = world.provider.ledger.tally();
    expect(requests).toBeGreaterThan(calls);
    expect(requests).toBeLessThanOrEqual(calls * 1.2 + 10);
  });
});
