import { expect, it } from 'vitest';
import { manualClock } from '../../clock.ts';
import { createProvider } from '../../provider.ts';
import { judgeRetryAfter } from './retry-after.ts';

it.each(['seconds', 'http-date'] as const)(
  'catches a client that comes back before Retry-After in %s',
  async (retryAfterAs) => {
    const { provider, clock } = limitedOnce(retryAfterAs);
    await provider.fetch('https://provider.test/items');
    clock.advance(2_999);
    await provider.fetch('https://provider.test/items');

    expect(judgeRetryAfter(provider.ledger.entries)).toEqual([
      expect.objectContaining({
        sequences: [1, 2],
        expected: 'not before 2026-01-01T00:00:03.000Z',
        actual: '2026-01-01T00:00:02.999Z',
      }),
    ]);
  },
);

it('has nothing to say of a client that waits, or that calls another route meanwhile', async () => {
  const { provider, clock } = limitedOnce('seconds');
  await provider.fetch('https://provider.test/items');
  await provider.fetch('https://provider.test/others');
  clock.advance(3_000);
  await provider.fetch('https://provider.test/items');

  expect(judgeRetryAfter(provider.ledger.entries)).toEqual([]);
});

const START_MS = Date.UTC(2026, 0, 1);

function limitedOnce(retryAfterAs: 'seconds' | 'http-date') {
  const clock = manualClock(START_MS);
  const config = {
    auth: false as const,
    resources: { items: {}, others: {} },
    faults: [
      {
        fault: 'rate-limited' as const,
        on: { route: 'GET /items', calls: [1] },
        with: { retryAfterSeconds: 3, retryAfterAs },
      },
    ],
  };
  return { provider: createProvider(config, { clock }), clock };
}

it('does not mind what was under way when the 429 was sent', async () => {
  const { provider } = limitedOnce('seconds');
  await Promise.all(['', '?limit=1', '?limit=2'].map((query) => provider.fetch(`https://provider.test/items${query}`)));
  expect(provider.report().manners.find(({ verdict }) => verdict === 'retry-after')).toMatchObject({ passed: true });

  await provider.fetch('https://provider.test/items');
  expect(provider.report().manners.find(({ verdict }) => verdict === 'retry-after')?.findings).toMatchObject([
    { sequences: [1, 4] },
  ]);
});
