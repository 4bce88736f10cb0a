import { expect, it } from 'vitest';
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

it('does not carry the request out', async () => {
  const { get, provider } = open({});
  await get();

  expect(provider.resource('items').collection.revision).toBe(0);
});

function open(options: { retryAfterSeconds?: number }) {
  const items = { churn: { insertsPerRequest: 1 } };
  const faults = [{ fault: 'unavailable' as const, with: options }];
  const provider = createProvider({ auth: false, resources: { items }, faults });
  return { provider, get: () => provider.fetch('https://api.test/items') };
}
