import { expect, it } from 'vitest';
import { createProvider } from '../provider.ts';

it('sends a bare array, and spells its links as everyone can read them', async () => {
  const { list, ids } = open();
  const { data, link } = await list('https://api.test/items?per_page=4');

  expect(data).toEqual(ids.slice(0, 4));
  expect(link).toMatch(
    /^<https:\/\/api\.test\/items\?per_page=4&cursor=[\w%]+>; rel="next", <https:\/\/api\.test\/items\?per_page=4>; rel="first"$/,
  );
});

it('links to the origin that the client used', async () => {
  const { list } = open();

  expect(next((await list('http://127.0.0.1:4010/items')).link)).toMatch(/^http:\/\/127\.0\.0\.1:4010\/items\?/);
});

it('leads from page to page, and has no next on the last', async () => {
  const { list, ids } = open();
  const first = await list('https://api.test/items');
  const second = await list(next(first.link)!);
  const last = await list(next(second.link)!);

  expect([first.data, second.data, last.data]).toEqual([ids.slice(0, 4), ids.slice(4, 8), ids.slice(8)]);
  expect(last.link).toBe('<https://api.test/items?per_page=4>; rel="first"');
});

it('has no next where the last page is full', async () => {
  expect(next((await open().list('https://api.test/items?per_page=10')).link)).toBeUndefined();
});

it('links to pages of the size that was sent, where it caps', async () => {
  const { list, ids } = open('cap');
  const { data, link } = await list('https://api.test/items?per_page=50');

  expect(data).toEqual(ids.slice(0, 10));
  expect(link).toContain('per_page=10');
});

it('survives the deletion of the record that a link marks', async () => {
  const { list, ids, collection } = open();
  const { link } = await list('https://api.test/items');
  collection.removeAt(3);

  expect((await list(next(link)!)).data).toEqual(ids.slice(4, 8));
});

it.each(['', 'x', btoa('ite_b33j9ynrb4.0')])('refuses the cursor %j', async (cursor) => {
  expect((await open().list(`https://api.test/items?cursor=${cursor}`)).data.error).toMatchObject({
    code: 'invalid_parameter',
    field: 'cursor',
  });
});

/** Ten records, four to a page. Pages hold ids in place of records. */
function open(overMax: 'reject' | 'cap' = 'reject') {
  const items = { records: 10, pagination: 'link', pageSize: { default: 4, max: 10, overMax } } as const;
  const provider = createProvider({ auth: false, resources: { items } });
  const resource = provider.resource('items');
  const { collection } = resource;
  const ids = collection.slice(0, 10).map((key) => resource.recall(key).id);
  async function list(url: string) {
    const response = await provider.fetch(url);
    const page = await response.json();
    const data = Array.isArray(page) ? page.map(({ id }: { id: string }) => id) : page;
    return { data, link: response.headers.get('link') };
  }
  return { list, ids, collection };
}

/** As the regular expressions in the wild find it. */
function next(link: string | null): string | undefined {
  return /<([^>]+)>; rel="next"/.exec(link ?? '')?.[1];
}
