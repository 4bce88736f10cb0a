import { expect, it } from 'vitest';
import { manualClock } from '../../clock.ts';
import type { ConfigInput } from '../../config.ts';
import { createProvider } from '../../provider.ts';

const NAME = 'quota-respect';
const LIMITS: ConfigInput['limits'] = [
  { kind: 'fixed-window', name: 'daily', purpose: 'quota', with: { limit: 2, windowSeconds: 86_400 } },
];

it('passes a client that stops, and looks now and then', async () => {
  const { get, clock, judgement } = open({ limits: LIMITS });
  for (let day = 0; day < 3; day += 1, clock.advance(72_000_000)) {
    for (let request = 0; request < 4; request += 1, clock.advance(3_600_000)) await get('/items');
  }

  expect(judgement()).toMatchObject({ passed: true });
});

it('catches a client that hammers on', async () => {
  const { get, clock, judgement } = open({ limits: LIMITS });
  for (let request = 0; request < 8; request += 1, clock.advance(1_000)) await get('/items');

  expect(judgement()).toMatchObject({ found: 2 });
  expect(judgement().findings[0]).toMatchObject({ sequences: [3, 7] });
});

function open(config: ConfigInput = {}) {
  const clock = manualClock();
  const provider = createProvider({ auth: false, ...config }, { clock });
  const get = (path: string, init?: RequestInit) =>
    provider.fetch(`https://api.test${path}`, init).catch(() => undefined);
  const judgement = () => provider.report().manners.find(({ verdict }) => verdict === NAME)!;
  return { provider, clock, get, judgement };
}
