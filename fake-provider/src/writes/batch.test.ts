import { expect, it } from 'vitest';
import type { ConfigInput } from '../config.ts';
import { createProvider } from '../provider.ts';

it('carries out every item, in order', async () => {
  const { batch, ids, names } = open();
  const [first, second] = ids();
  const { status, results } = await batch([
    { name: 'new' },
    { id: first, name: 'changed' },
    { id: second, delete: true },
  ]);

  expect(status).toBe(200);
  expect(results).toMatchObject([
    { index: 0, status: 201, record: { name: 'new' } },
    { index: 1, status: 200, id: first, record: { id: first, name: 'changed' } },
    { index: 2, status: 204, id: second },
  ]);
  expect(names()).toEqual(['changed', 'new']);
});

it.each([207, 200] as const)(
  'carries out the good items of a batch, and says with %s which were bad',
  async (status) => {
    const { batch, names } = open({ batch: { status } });
    const answer = await batch([{ name: 'one' }, { name: 7 }, { id: 'nonsense' }, 'x', null, { name: 'two' }]);

    expect(answer.status).toBe(status);
    expect(answer.results).toMatchObject([
      { index: 0, status: 201 },
      { index: 1, status: 400, error: { field: 'name' } },
      { index: 2, status: 404, id: 'nonsense', error: { code: 'not_found', field: 'id' } },
      { index: 3, status: 400, error: { field: 'body' } },
      { index: 4, status: 400, error: { field: 'body' } },
      { index: 5, status: 201 },
    ]);
    expect(names().slice(2)).toEqual(['one', 'two']);
  },
);

it('carries out nothing of a batch with a bad item, where it is atomic', async () => {
  const { batch, names } = open({ batch: { atomic: true } });
  const before = names();
  const { status, results } = await batch([{ name: 'one' }, {}, { name: 'two' }]);

  expect(status).toBe(207);
  expect(results.map((result: { status: number }) => result.status)).toEqual([424, 400, 424]);
  expect(names()).toEqual(before);
});

it('deletes the same record once', async () => {
  const { batch, ids } = open();
  const [id] = ids();
  const { results } = await batch([
    { id, delete: true },
    { id, delete: true },
  ]);

  expect(results).toMatchObject([{ status: 204 }, { status: 404, error: { field: 'id' } }]);
});

it.each([413, 400] as const)('refuses too many items with %s', async (tooManyStatus) => {
  const { batch, names } = open({ batch: { maxItems: 3, tooManyStatus } });
  const items = Array.from({ length: 4 }, (_, index) => ({ name: `n${index}` }));

  expect(await batch(items)).toMatchObject({
    status: tooManyStatus,
    error: { code: 'too_many_items', field: 'items' },
  });
  expect((await batch(items.slice(1))).status).toBe(200);
  expect(names()).toHaveLength(5);
});

it.each([[[]], [{}], ['x'], [{ items: 7 }]])('refuses %j for a batch', async (body) => {
  expect(await open().send(body)).toMatchObject({ status: 400, error: { field: 'items' } });
});

it('takes the items under their name, too', async () => {
  expect((await open().send({ items: [{ name: 'one' }] })).status).toBe(200);
});

it('lets some items fail, which succeed another time', async () => {
  const { batch } = open({ batch: { failures: { ratio: 0.3, status: 503 }, maxItems: 1_000 } });
  let items = Array.from({ length: 200 }, (_, index) => ({ name: `n${index}` }));
  const failed: number[] = [];
  while (items.length > 0) {
    const { results } = await batch(items);
    items = items.filter((_, index) => results[index].status === 503);
    failed.push(items.length);
  }

  expect(failed[0]).toBeGreaterThan(30);
  expect(failed[0]).toBeLessThan(90);
  expect(failed.length).toBeLessThan(12);
});

it('fails as a whole for a poisonous item, wherever it stands, and does not say which', async () => {
  const { batch, names } = open({ batch: { poison: { names: ['bad'], status: 500 } } });
  const before = names();

  expect(await batch([{ name: 'good' }, { name: 'bad' }])).toMatchObject({
    status: 500,
    error: { code: 'batch_failed', field: 'items' },
  });
  expect((await batch([{ name: 'bad' }])).status).toBe(500);
  expect(names()).toEqual(before);
  expect((await batch([{ name: 'good' }])).status).toBe(200);
});

it('poisons a share of all items by seed: a client that halves finds them', async () => {
  const { batch } = open({ batch: { poison: { ratio: 0.05 }, maxItems: 1_000 } });
  const items = Array.from({ length: 200 }, (_, index) => ({ name: `n${index}` }));
  async function poisonOf(some: typeof items): Promise<string[]> {
    if ((await batch(some)).status !== 400) return [];
    if (some.length === 1) return [some[0]!.name];
    const half = Math.ceil(some.length / 2);
    return [...(await poisonOf(some.slice(0, half))), ...(await poisonOf(some.slice(half)))];
  }
  const found = await poisonOf(items);

  expect(found.length).toBeGreaterThan(2);
  expect(found.length).toBeLessThan(25);
  expect(await poisonOf(items)).toEqual(found);
});

it('answers a batch again by its key', async () => {
  const { send, names } = open();
  const first = await send([{ name: 'one' }], 'k-1');

  expect(await send([{ name: 'one' }], 'k-1')).toEqual(first);
  expect(names()).toHaveLength(3);
});

type Item = NonNullable<ConfigInput['resources']>[string];

/** Two records to begin with. */
function open(item: Item = {}) {
  const provider = createProvider({ auth: false, resources: { items: { records: 2, ...item } } });
  const resource = provider.resource('items');
  const alive = () => resource.collection.slice(0, 1_000).map((key) => resource.recall(key));
  async function send(body: unknown, key?: string) {
    const response = await provider.fetch('https://api.test/items/batch', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
      body: JSON.stringify(body),
    });
    const { results, error } = await response.json();
    return { status: response.status, results, error };
  }
  return { send, batch: send, ids: () => alive().map(({ id }) => id), names: () => alive().map(({ name }) => name) };
}
