import { expect, it } from 'vitest';
import { manualClock } from '../../clock.ts';
import type { ConfigInput } from '../../config.ts';
import { createProvider } from '../../provider.ts';

const NAME = 'spread-retries';

it('passes waits that grow and differ', async () => {
  const { get, clock, judgement } = open({ faults: [{ fault: 'unavailable' }] });
  for (const ms of [90, 310, 150, 700, 1_900, 1_200, 4_000]) {
    await get('/items');
    clock.advance(ms);
  }

  expect(judgement()).toMatchObject({ passed: true });
});

it('catches a fixed beat', async () => {
  const { get, clock, judgement } = open({ faults: [{ fault: 'unavailable' }] });
  for (let attempt = 0; attempt < 7; attempt += 1, clock.advance(1_000)) await get('/items');

  expect(judgement().findings).toMatchObject([{ sequences: [2, 3, 4, 5, 6], actual: '5 waits of 1000 ms' }]);
});

it('catches waits that grow the same for every request', async () => {
  const { get, clock, judgement } = open({ faults: [{ fault: 'unavailable' }] });
  for (let request = 0; request < 5; request += 1, clock.advance(100_000)) {
    await get(`/items?limit=${request + 1}`);
    clock.advance(200);
    await get(`/items?limit=${request + 1}`);
    clock.advance(400);
    await get(`/items?limit=${request + 1}`);
  }

  expect(judgement().findings.map(({ actual }) => actual)).toEqual(['5 waits of 200 ms', '5 waits of 400 ms']);
});

it('does not mind equal waits that the provider asked for', async () => {
  const { get, clock, judgement } = open({ faults: [{ fault: 'rate-limited', with: { retryAfterSeconds: 2 } }] });
  for (let attempt = 0; attempt < 9; attempt += 1, clock.advance(2_000)) await get('/items');

  expect(judgement().passed).toBe(true);
});

it.each([
  ['a herd', () => 300, false],
  ['a crowd that comes one by one', (index: number) => 300 + 25 * index, true],
] as const)('tells %s', async (_what, waitMs, isFine) => {
  const { get, clock, judgement } = open({ faults: [{ fault: 'unavailable' }] });
  for (let index = 0; index < 20; index += 1) await get(`/items?offset=${index}`);
  let passedMs = 0;
  for (let index = 0; index < 20; index += 1) {
    clock.advance(waitMs(index) - passedMs);
    passedMs = waitMs(index);
    await get(`/items?offset=${index}`);
  }

  expect(judgement().findings.every(({ actual }) => !actual.includes('retries within'))).toBe(isFine);
});

function open(config: ConfigInput = {}) {
  const clock = manualClock();
  const provider = createProvider({ auth: false, ...config }, { clock });
  const get = (path: string, init?: RequestInit) =>
    provider.fetch(`https://api.test${path}`, init).catch(() => undefined);
  const judgement = () => provider.report().manners.find(({ verdict }) => verdict === NAME)!;
  return { provider, clock, get, judgement };
}
