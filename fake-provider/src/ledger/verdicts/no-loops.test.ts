import { expect, it } from 'vitest';
import { manualClock } from '../../clock.ts';
import type { ConfigInput } from '../../config.ts';
import { createProvider } from '../../provider.ts';

const NAME = 'no-loops';

it('passes a client that polls', async () => {
  const { get, clock, judgement } = open();
  for (let poll = 0; poll < 300; poll += 1, clock.advance(1_000)) await get('/items');

  expect(judgement()).toMatchObject({ passed: true });
});

it('catches a client that goes in circles', async () => {
  const { get, clock, judgement } = open();
  for (let round = 0; round < 120; round += 1, clock.advance(20)) {
    await get('/items?limit=1');
    await get('/items?limit=2');
  }

  expect(judgement().findings).toMatchObject([
    { sequences: [1, 201], expected: 'at most 100 equal requests in 60 s' },
    { sequences: [2, 202] },
  ]);
});

function open(config: ConfigInput = {}) {
  const clock = manualClock();
  const provider = createProvider({ auth: false, ...config }, { clock });
  const get = (path: string, init?: RequestInit) =>
    provider.fetch(`https://api.test${path}`, init).catch(() => undefined);
  const judgement = () => provider.report().manners.find(({ verdict }) => verdict === NAME)!;
  return { provider, clock, get, judgement };
}
