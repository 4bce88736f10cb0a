import { expect, it } from 'vitest';
import { createProvider } from '../provider.ts';

it('counts pages from 1, and tells the total', async () => {
  const { list, ids } = open();

  expect(await list('')).toEqual({ data: ids.slice(0, 4), page: 1, per_page: 4, total: 10 });
  expect(await list('?page=2&per_page=3')).toEqual({ data: ids.slice(3, 6), page: 2, per_page: 3, total: 10 });
});

it('sends a short last page, and an empty one after it', async () => {
  const { list, ids } = open();

  expect((await list('?page=3')).data).toEqual(ids.slice(8));
  expect((await list('?page=4')).data).toEqual([]);
  expect((await list('?page=999999999999')).data).toEqual([]);
});

it('shifts when a record of an earlier page is deleted', async () => {
  const { list, ids, collection } = open();
  await list('?page=1');
  collection.removeAt(0);

  expect(await list('?page=2')).toMatchObject({ data: ids.slice(5, 9), total: 9 });
});

it('cuts pages of the size it caps to, so that asking for more loses nothing', async () => {
  const { list, ids } = open('cap');

  expect((await list('?page=1&per_page=50')).data).toEqual(ids.slice(0, 6));
  expect((await list('?page=2&per_page=50')).data).toEqual(ids.slice(6));
});

it.each(['0', '-1', 'x', '1000000000000', ''])('refuses page %j', async (page) => {
  expect((await open().list(`?page=${page}`)).error).toMatchObject({
    code: 'invalid_parameter',
    field: 'page',
    message: `page must be a whole number from 1 to 999999999999, got "${page}"`,
  });
});

/** Ten records, four to a page and six at most. Pages hold ids in place of records. */
function open(overMax: 'reject' | 'cap' = 'reject') {
  const items = { records: 10, pagination: 'page-number', pageSize: { default: 4, max: 6, overMax } } as const;
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
