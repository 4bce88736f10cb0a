import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createProvider } from '../provider.ts';
import { makeCursor } from './cursor.ts';

it('leads from page to page, and ends with null', async () => {
  const { list, ids } = open();
  const first = await list('');
  const second = await list(`?cursor=${first.next_cursor}`);
  const last = await list(`?cursor=${second.next_cursor}`);

  expect(first).toMatchObject({ data: ids.slice(0, 4), has_more: true, next_cursor: expect.any(String) });
  expect(second).toMatchObject({ data: ids.slice(4, 8), has_more: true, next_cursor: expect.any(String) });
  expect(last).toEqual({ data: ids.slice(8), has_more: false, next_cursor: null });
});

it('ends with null where the last page is full', async () => {
  expect(await open().list('?limit=10')).toMatchObject({ has_more: false, next_cursor: null });
});

it('ends with null where there is nothing', async () => {
  const { list, collection } = open();
  while (collection.size > 0) collection.removeAt(0);

  expect(await list('')).toEqual({ data: [], has_more: false, next_cursor: null });
});

it.each(['oldest-first', 'newest-first'] as const)(
  'survives the deletion of the record it marks, %s',
  async (order) => {
    const { list, ids, collection } = open(order);
    const { next_cursor } = await list('');
    collection.removeAt(order === 'oldest-first' ? 3 : 6);

    expect((await list(`?cursor=${next_cursor}`)).data).toEqual(ids.slice(4, 8));
  },
);

it('survives the deletion of all that came after, too', async () => {
  const { list, collection } = open();
  const { next_cursor } = await list('');
  while (collection.size > 2) collection.removeAt(collection.size - 1);

  expect(await list(`?cursor=${next_cursor}`)).toEqual({ data: [], has_more: false, next_cursor: null });
});

it('neither repeats nor skips a record that is there throughout, whatever else happens', async () => {
  const change = fc.record({ position: fc.nat(), insert: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('oldest-first' as const, 'newest-first' as const),
      fc.array(fc.array(change, { maxLength: 3 }), { maxLength: 8 }),
      async (order, rounds) => {
        const { list, collection, idOf } = open(order);
        const seen: string[] = [];
        for (let page = await list('?limit=2'), round = 0; ; round += 1) {
          seen.push(...page.data);
          if (page.next_cursor === null) break;
          for (const { position, insert } of rounds[round] ?? []) {
            if (insert) collection.insert(collection.slice(position % collection.size, 1)[0]! + 1);
            else if (collection.size > 1) collection.removeAt(position % collection.size);
          }
          page = await list(`?limit=2&cursor=${page.next_cursor}`);
        }
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen).toEqual(
          expect.arrayContaining([...collection.existedThroughout(0, collection.revision)].map(idOf)),
        );
      },
    ),
    { numRuns: 60 },
  );
});

it('takes a cursor for this resource only', async () => {
  const { list, provider } = open();
  const foreign = makeCursor(provider.resource('others'), 'oth_b33j9ynrb4');

  expect((await list(`?cursor=${foreign}`)).error).toMatchObject({ field: 'cursor' });
});

it.each(['', 'x', 'null', '%00', '💥', btoa('ite_b33j9ynrb4'), btoa('ite_b33j9ynrb4.0'), btoa('.'), 'a'.repeat(9_000)])(
  'refuses the cursor %.20s',
  async (cursor) => {
    const { error } = await open().list(`?cursor=${cursor}`);

    expect(error).toMatchObject({ code: 'invalid_parameter', field: 'cursor' });
    expect(error.message).toMatch(/^cursor must be a cursor from an earlier page, got ".{0,50}"$/);
  },
);

/** Ten records, four to a page. Pages hold ids in place of records. */
function open(order: 'oldest-first' | 'newest-first' = 'oldest-first') {
  const items = { records: 10, pagination: 'cursor', order, pageSize: { default: 4, max: 10 } } as const;
  const provider = createProvider({ auth: false, resources: { items, others: {} } });
  const resource = provider.resource('items');
  const { collection } = resource;
  const idOf = (key: number): string => resource.recall(key).id;
  const oldestFirst = collection.slice(0, 10).map(idOf);
  const ids = order === 'oldest-first' ? oldestFirst : oldestFirst.toReversed();
  async function list(query: string) {
    const page = await (await provider.fetch(`https://api.test/items${query}`)).json();
    return { ...page, ...(page.data && { data: page.data.map(({ id }: { id: string }) => id) }) };
  }
  return { list, ids, idOf, collection, provider };
}
