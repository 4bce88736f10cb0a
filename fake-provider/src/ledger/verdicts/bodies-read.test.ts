import { expect, it } from 'vitest';
import { manualClock } from '../../clock.ts';
import type { ConfigInput } from '../../config.ts';
import { createProvider } from '../../provider.ts';

const NAME = 'bodies-read';

it('passes a client that reads, or cancels', async () => {
  const { get, judgement } = open({ faults: [{ fault: 'truncated-body', on: { calls: [4] } }] });
  await (await get('/items'))!.json();
  await (await get('/items'))!.body!.cancel();
  await (await get('/items', { method: 'HEAD' }))!.text();
  await (await get('/items'))!.clone().arrayBuffer();
  await (await get('/items'))!.text().catch(() => {});

  expect(judgement()).toMatchObject({ passed: true });
});

it('catches a client that leaves a body as it is, until it does not', async () => {
  const { get, judgement } = open();
  const answer = await get('/items');

  expect(judgement().findings).toMatchObject([{ sequences: [1], actual: 'the body of the 200 left as it was' }]);
  await answer!.text();
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
