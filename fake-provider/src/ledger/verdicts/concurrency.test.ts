import { expect, it } from 'vitest';
import { manualClock } from '../../clock.ts';
import type { ConfigInput } from '../../config.ts';
import { createProvider } from '../../provider.ts';

const NAME = 'concurrency';
const LIMITS: ConfigInput['limits'] = [
  { kind: 'fixed-window', name: 'at-once', purpose: 'concurrency', with: { limit: 2, windowSeconds: 1 } },
];

it('passes a client that learns from the first answer', async () => {
  const { get, clock, judgement } = open({ limits: LIMITS });
  await Promise.all([get('/items'), get('/items'), get('/items')]);
  clock.advance(1_000);
  await Promise.all([get('/items'), get('/items')]);

  expect(judgement()).toMatchObject({ passed: true });
});

it('catches a client that goes on beyond what was announced', async () => {
  const { get, clock, judgement } = open({ limits: LIMITS });
  await get('/items');
  clock.advance(1_000);
  await Promise.all([get('/items'), get('/items'), get('/items')]);

  expect(judgement().findings).toMatchObject([{ sequences: [1, 4] }]);
});

it('forgives what nobody announced', async () => {
  const { get, judgement } = open({ limits: [{ ...LIMITS[0]!, announced: false }] });
  await get('/items');
  await Promise.all([get('/items'), get('/items')]);

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
