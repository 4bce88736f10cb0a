import { expect, it } from 'vitest';
import { manualClock } from '../../clock.ts';
import type { ConfigInput } from '../../config.ts';
import { createProvider } from '../../provider.ts';

const NAME = 'bounded-retries';

it('passes a client that gives up', async () => {
  const { get, clock, judgement } = open({ faults: [{ fault: 'unavailable' }] });
  for (let attempt = 1; attempt <= 10; attempt += 1, clock.advance(1_000)) await get('/items');

  expect(judgement()).toMatchObject({ passed: true, findings: [] });
});

it('catches a client that never does', async () => {
  const { get, clock, judgement } = open({ faults: [{ fault: 'reset' }] });
  for (let attempt = 1; attempt <= 12; attempt += 1, clock.advance(1_000)) await get('/items');

  expect(judgement()).toMatchObject({ passed: false, found: 2 });
  expect(judgement().findings[0]).toMatchObject({
    ...{ sequences: [10, 11], route: 'GET /items', expected: 'at most 10 attempts', actual: 'attempt 11' },
  });
});

it('takes requests that were sent together for what they are, and a late one for a new one', async () => {
  const { get, clock, judgement } = open({ faults: [{ fault: 'unavailable' }], manners: { maxAttempts: 1 } });
  await Promise.all(Array.from({ length: 50 }, () => get('/items')));
  clock.advance(61_000);
  await get('/items');

  expect(judgement().passed).toBe(true);
});

it('records what a client stack repeats by itself on a kept connection, and does not score it', () => {
  const { provider, judgement } = open({
    faults: [{ fault: 'reset', on: { calls: [1] } }],
    manners: { maxAttempts: 1 },
  });
  const call = { method: 'GET', path: '/items', query: new URLSearchParams(), headers: {}, body: '', ip: '::1' };
  for (const isConnectionReused of [true, false]) provider.handle({ ...call, origin: 'http://a', isConnectionReused });

  expect(provider.ledger.entries[1]).toMatchObject({ isSilent: true, attempt: 1, retryOf: 1 });
  expect(judgement().passed).toBe(true);
});

function open(config: ConfigInput = {}) {
  const clock = manualClock();
  const provider = createProvider({ auth: false, ...config }, { clock });
  const get = (path: string, init?: RequestInit) =>
    provider.fetch(`https://api.test${path}`, init).catch(() => undefined);
  const judgement = () => provider.report().manners.find(({ verdict }) => verdict === NAME)!;
  return { provider, clock, get, judgement };
}
