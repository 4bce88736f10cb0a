import { expect, it } from 'vitest';
import { createProvider } from '../provider.ts';

it('counts from the start, and tells the total', async () => {
  const { list, ids } = open();

  expect(await list('?offset=2&limit=3')).toEqual({ data: ids.slice(2, 5), offset: 2, limit: 3, total: 10 });
});

it('begins at the start where no offset is given', async () => {
  const { list, ids } = open();

  expect(await list('')).toEqual({ data: ids.slice(0, 4), offset: 0, limit: 4, total: 10 });
});

it('sends a short last page, and an empty one after it', async () => {
  const { list, ids } = open();

  expect((await list('?offset=8')).data).toEqual(ids.slice(8));
  expect((await list('?offset=10')).data).toEqual([]);
  expect((await list('?offset=999999999999')).data).toEqual([]);
});

it('shifts when a record before the offset is deleted', async () => {
  const { list, ids, collection } = open();
  await list('?offset=0');
  collection.removeAt(0);

  expect(await list('?offset=4')).toMatchObject({ data: ids.slice(5, 9), total: 9 });
});

it('counts from the newest where the listing does', async () => {
  const { list, ids } = open('newest-first');

  expect((await list('?offset=1&limit=3')).data).toEqual(ids.toReversed().slice(1, 4));
  expect((await list('?offset=8')).data).toEqual(ids.toReversed().slice(8));
});

it.each(['-1', 'x', '1.0', '1000000000000', ''])('refuses the offset %j', async (offset) => {
  expect((await open().list(`?offset=${offset}`)).error).toMatchObject({
    code: 'invalid_parameter',
    field: 'offset',
    message: `offset must be a whole number from 0 to 999999999999, got "${offset}"`,
  });
});

/** Ten records, four to a page. Pages hold ids in place of records. */
function open(order: 'oldest-first' | 'newest-first' = 'oldest-first') {
  const items = { records: 10, pagination: 'offset', order, pageSize: { default: 4, max: 10 } } as const;
  const provider = createProvider({ auth: false, resources: { items } });
  const resource = provider.resource('items');
  const { collection } = resource;
  const ids = collection.slice(0, 10).map((key) => resource.recall(key).id);
  async function list(query: string) {
    const page = await (await provider.fetch(`https://api.test/items${query}`)).json();
    return { ...page, ...(page.data && { data: page.data.map(({ id }: { id: string }) => id) }) };
  }
  return { list, ids, collection };
}
