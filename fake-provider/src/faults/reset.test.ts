import { expect, it } from 'vitest';
import { createProvider } from '../provider.ts';

it.each([
  ['before', 0],
  ['after', 1],
] as const)('resets the connection %s the request took effect', async (when, changes) => {
  const { get, provider } = open(when);

  await expect(get()).rejects.toMatchObject({ name: 'TypeError', cause: { code: 'ECONNRESET' } });
  expect(provider.resource('items').collection.revision).toBe(changes);
});

it('stands in the ledger as an answer that never came', async () => {
  const { get, provider } = open('before');
  await get().catch(() => {});

  expect(provider.ledger.entries).toMatchObject([{ status: 0, simulated: 'reset' }]);
});

function open(when: 'before' | 'after') {
  const items = { churn: { insertsPerRequest: 1 } };
  const provider = createProvider({ auth: false, resources: { items }, faults: [{ fault: 'reset', with: { when } }] });
  return { provider, get: () => provider.fetch('https://api.test/items') };
}
