import { expect, it } from 'vitest';
import { manualClock } from '../../clock.ts';
import type { ConfigInput } from '../../config.ts';
import { createProvider } from '../../provider.ts';

const NAME = 'user-agent';

it('passes a client that has a name, if only that of its platform', async () => {
  const { get, judgement } = open();
  await get('/items');
  await get('/items', { headers: { 'user-agent': 'sync/1.0' } });

  expect(judgement()).toMatchObject({ passed: true });
});

it('catches a client without one, once', async () => {
  const { get, judgement } = open();
  await get('/items', { headers: { 'user-agent': '' } });
  await get('/items', { headers: { 'user-agent': '' } });

  expect(judgement().findings).toMatchObject([{ sequences: [1], actual: 'none' }]);
});

function open(config: ConfigInput = {}) {
  const clock = manualClock();
  const provider = createProvider({ auth: false, ...config }, { clock });
  const get = (path: string, init?: RequestInit) =>
    provider.fetch(`https://api.test${path}`, init).catch(() => undefined);
  const judgement = () => provider.report().manners.find(({ verdict }) => verdict === NAME)!;
  return { provider, clock, get, judgement };
}
