import { expect, it } from 'vitest';
import { createProvider } from './provider.ts';

it('tells of a defect when it shows, and not before', async () => {
  const shown: string[] = [];
  const provider = createProvider(
    {
      auth: false,
      clock: 'manual',
      resources: { items: { records: 300, defects: [{ defect: 'cursor-loop', with: { fromPage: 2 } }] } },
    },
    { onDefect: (defect, resource) => shown.push(`${defect} of ${resource}`) },
  );
  const page = async (query: string) => (await provider.fetch(`https://provider.test/items?limit=100${query}`)).json();

  const { next_cursor: cursor } = await page('');
  expect(shown).toEqual([]);

  await page(`&cursor=${cursor}`);
  expect(shown).toEqual(['cursor-loop of items']);
});

it('tells of a defect that refuses a page', async () => {
  const shown: string[] = [];
  const provider = createProvider(
    {
      auth: false,
      clock: 'manual',
      resources: {
        items: { records: 300, defects: [{ defect: 'cursor-expires', on: { calls: [2] }, with: { afterSeconds: 0 } }] },
      },
    },
    { onDefect: (defect) => shown.push(defect) },
  );
  const { next_cursor: cursor } = await (await provider.fetch('https://provider.test/items')).json();

  expect((await provider.fetch(`https://provider.test/items?cursor=${cursor}`)).status).toBe(410);
  expect(shown).toEqual(['cursor-expires']);
});
