import { expect, it } from 'vitest';
import type { ConfigInput } from '../config.ts';
import { dialects } from '../dialects/index.ts';
import { createProvider } from '../provider.ts';

it('answers 503 and does not say when to come back', async () => {
  const response = await open({}).get();

  expect(response.status).toBe(503);
  expect(response.headers.has('retry-after')).toBe(false);
  expect(response.headers.get('x-fake-provider')).toBe('unavailable');
  expect(await response.json()).toEqual({ error: { code: 'unavailable', message: 'The service is unavailable' } });
});

it.each([0, 9])('says %s seconds where it is told to', async (retryAfterSeconds) => {
  expect((await open({ retryAfterSeconds }).get()).headers.get('retry-after')).toBe(`${retryAfterSeconds}`);
});

it.each(Object.keys(dialects) as DialectName[])('says so in the dialect %s too', async (dialect) => {
  const provider = createProvider({ dialect, auth: false, faults: FAULTS });

  for (const status of [503, 529]) {
    const response = await provider.fetch('https://api.test/items');
    expect([response.status, response.headers.get('retry-after')]).toEqual([status, '9']);
  }
});

it('does not carry the request out', async () => {
  const { get, provider } = open({});
  await get();

  expect(provider.resource('items').collection.revision).toBe(0);
});

const FAULTS: ConfigInput['faults'] = [
  { fault: 'unavailable', with: { retryAfterSeconds: 9 }, on: { calls: [1] } },
  { fault: 'overloaded', with: { retryAfterSeconds: 9 }, on: { calls: [2] } },
];

type DialectName = keyof typeof dialects;

function open(options: { retryAfterSeconds?: number }) {
  const items = { churn: { insertsPerRequest: 1 } };
  const faults = [{ fault: 'unavailable' as const, with: options }];
  const provider = createProvider({ auth: false, resources: { items }, faults });
  return { provider, get: () => provider.fetch('https://api.test/items') };
}
