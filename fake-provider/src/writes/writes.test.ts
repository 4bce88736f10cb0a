import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ConfigInput } from '../config.ts';
import { createProvider } from '../provider.ts';

it('creates a record that keeps what the client says, and lists it', async () => {
  const { send, ids } = open();
  const created = await send('POST', '/items', { name: 'one', colour: 'red', tags: ['a', { b: null }] });
  const { id } = created.json;

  expect(created).toMatchObject({
    status: 201,
    location: `/items/${id}`,
    json: { name: 'one', colour: 'red', tags: ['a', { b: null }], version: 1, created_at: '2026-01-01T00:00:00.000Z' },
  });
  expect((await send('GET', `/items/${id}`)).json).toEqual(created.json);
  expect((await send('GET', '/items')).json.data.at(-1)).toEqual(created.json);
  expect(ids()).toContain(id);
});

it('changes the fields that a client names, and no others', async () => {
  const { send } = open();
  const { id, name } = (await send('GET', '/items')).json.data[0];
  await send('PATCH', `/items/${id}`, { amount_cents: 5 });
  const updated = await send('PATCH', `/items/${id}`, { colour: 'red' });

  expect(updated).toMatchObject({ status: 200, json: { id, name, amount_cents: 5, colour: 'red', version: 3 } });
  expect((await send('GET', '/items')).json.data[0]).toEqual(updated.json);
});

it('keeps what the client said, though the record changes by itself', async () => {
  const { send } = open({ records: 0, churn: { updatesPerRequest: 1 } });
  await send('POST', '/items', { name: 'one', amount_cents: 7 });
  await send('GET', '/items');

  expect((await send('GET', '/items')).json.data).toMatchObject([{ name: 'one', amount_cents: 7, version: 3 }]);
});

it('deletes a record, once', async () => {
  const { send } = open();
  const [{ id }] = (await send('GET', '/items')).json.data;

  expect(await send('DELETE', `/items/${id}`)).toMatchObject({ status: 204, text: '' });
  expect((await send('DELETE', `/items/${id}`)).status).toBe(404);
  expect((await send('PATCH', `/items/${id}`, {})).status).toBe(404);
  expect((await send('GET', `/items/${id}`)).status).toBe(404);
});

it('judges a record that a client wrote by what it said', async () => {
  const { send, provider } = open({ records: 2 });
  await send('POST', '/items', { name: 'one', tags: ['a'] });
  const { data } = (await send('GET', '/items')).json;
  const none = { lost: [], duplicated: [], invented: [], corrupted: [] };

  expect(provider.judge('items', data)).toEqual({ expected: 3, delivered: 3, ...none });
  expect(provider.judge('items', [...data.slice(0, 2), { ...data[2], tags: [] }]).corrupted).toEqual([data[2].id]);
});

it.each<[string, unknown, string]>([
  ['no JSON', '{', 'body'],
  ['nothing', '', 'body'],
  ['an array', [], 'body'],
  ['null', null, 'body'],
  ['no name', { amount_cents: 1 }, 'name'],
  ['a name that is none', { name: 7 }, 'name'],
  ['an empty name', { name: '' }, 'name'],
  ['an amount that is none', { name: 'one', amount_cents: 0.5 }, 'amount_cents'],
  ['an id', { name: 'one', id: 'ite_b33j9ynrb4' }, 'id'],
  ['a time', { name: 'one', created_at: '2020-01-01T00:00:00Z' }, 'created_at'],
  ['a field of the prototype', '{"name": "one", "__proto__": {"x": 1}}', 'body'],
  ['too many fields', Object.fromEntries(['name', ...Array(500).keys()].map((key) => [`f${key}`, 1])), 'name'],
])('refuses to create from %s', async (_what, body, field) => {
  const { send, ids } = open();
  const before = ids();

  expect(await send('POST', '/items', body)).toMatchObject({ status: 400, json: { error: { field } } });
  expect(ids()).toEqual(before);
  expect(Object.keys(Object.prototype)).toEqual([]);
});

it('asks for the fields that are configured', async () => {
  const { send } = open({ required: ['email'] });

  expect((await send('POST', '/items', { name: 'one' })).json.error).toMatchObject({ field: 'email' });
  expect((await send('POST', '/items', { email: 'a@b.test' })).status).toBe(201);
});

it('reads JSON only', async () => {
  const { send } = open();

  expect(await send('POST', '/items', 'name=one', { 'content-type': 'text/plain' })).toMatchObject({
    status: 415,
    json: { error: { field: 'content-type' } },
  });
  expect((await send('POST', '/items', '{"name":"one"}', { 'content-type': 'application/vnd.api+json' })).status).toBe(
    201,
  );
});

it('has no such routes where it is read only', async () => {
  const { send } = open({ writable: false });

  expect((await send('POST', '/items', { name: 'one' })).status).toBe(405);
  expect((await send('POST', '/items/batch', [])).status).toBe(405);
});

it('counts writes as such, where limits tell them apart', async () => {
  const provider = createProvider({
    auth: false,
    limits: [{ kind: 'token-bucket', name: 'writes', classes: ['write'], with: { ratePerSecond: 0.001, burst: 1 } }],
  });
  const post = () =>
    provider.fetch('https://api.test/items', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name":"one"}',
    });

  expect([(await post()).status, (await post()).status]).toEqual([201, 429]);
  expect((await provider.fetch('https://api.test/items')).status).toBe(200);
});

it.each([
  ['arrays', '[', ']'],
  ['objects', '{"a":', '}'],
])(
  'refuses %s that are nested too deep to be written out again, and lists as before',
  async (_what, opening, closing) => {
    const { send } = open();
    const nested = (levels: number) => `{"name":"one","note":${opening.repeat(levels)}1${closing.repeat(levels)}}`;

    for (const levels of [101, 100_000]) {
      expect(await send('POST', '/items', nested(levels))).toMatchObject({
        status: 400,
        json: { error: { field: 'note', message: 'note must not be nested more than 100 levels deep' } },
      });
    }
    expect((await send('GET', '/items')).json.data).toHaveLength(10);
    expect((await send('POST', '/items', nested(100))).status).toBe(201);
  },
);

it('answers any JSON with what became of it or with the field at fault', async () => {
  const { send } = open();
  const name = fc.constantFrom('name', 'id', 'items', 'delete', 'amount_cents', '__proto__', 'constructor', 'toJSON');
  const value = fc.oneof(fc.jsonValue(), fc.dictionary(fc.oneof(name, fc.string()), fc.jsonValue()));
  const path = fc.constantFrom('/items', '/items/batch', '/items/ite_b33j9ynrb4', '/items/__proto__');
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('POST', 'PATCH', 'DELETE'),
      path,
      fc.oneof(value, fc.array(value)),
      fc.option(
        fc.string().map((key) => encodeURIComponent(key.toWellFormed())),
        { nil: undefined },
      ),
      async (method, at, body, key) => {
        const answer = await send(
          method,
          at,
          JSON.stringify(body),
          key === undefined ? {} : { 'idempotency-key': key },
        );
        expect(answer.status).toBeLessThan(500);
        if (answer.status >= 400) expect(answer.json.error.field).toEqual(expect.any(String));
      },
    ),
    { numRuns: 300 },
  );
  expect((await send('GET', '/items')).status).toBe(200);
  expect(Object.keys(Object.prototype)).toEqual([]);
});

type Item = NonNullable<ConfigInput['resources']>[string];

function open(item: Item = {}) {
  const items = { records: 10, ...item };
  const clock = { now: () => Date.UTC(2026, 0, 1) };
  const provider = createProvider({ auth: false, resources: { items } }, { clock });
  const resource = provider.resource('items');
  async function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const response = await provider.fetch(`https://api.test${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = text === '' ? undefined : JSON.parse(text);
    return { status: response.status, location: response.headers.get('location'), text, json };
  }
  const ids = () => resource.collection.slice(0, 1_000).map((key) => resource.recall(key).id);
  return { provider, send, ids };
}
