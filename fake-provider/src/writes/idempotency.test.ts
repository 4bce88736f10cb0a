import { expect, it } from 'vitest';
import { type ManualClock, manualClock } from '../clock.ts';
import type { ConfigInput } from '../config.ts';
import { createProvider } from '../provider.ts';

it('gives the same answer again, and makes one record', async () => {
  const { create, names } = open();
  const first = await create('one', 'k-1');
  const second = await create('one', 'k-1');

  expect(first).toMatchObject({ status: 201, replayed: null });
  expect(second).toEqual({ ...first, replayed: 'true' });
  expect(names()).toEqual(['one']);
});

it.each([
  ['before', ['one']],
  ['after', ['one']],
] as const)('makes one record, though the first answer was lost %s it took effect', async (when, expected) => {
  const { create, names } = open({ faults: [{ fault: 'reset', on: { calls: [1] }, with: { when } }] });

  await expect(create('one', 'k-1')).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
  expect(names()).toEqual(when === 'after' ? ['one'] : []);
  expect(await create('one', 'k-1')).toMatchObject({ status: 201, replayed: when === 'after' ? 'true' : null });
  expect(names()).toEqual(expected);
});

it('makes two records without a key', async () => {
  const { create, names } = open({
    faults: [{ fault: 'internal-error', on: { calls: [1] }, with: { when: 'after' } }],
  });

  expect((await create('one')).status).toBe(500);
  expect((await create('one')).status).toBe(201);
  expect(names()).toEqual(['one', 'one']);
});

it('takes a key in quotes for the same as bare', async () => {
  const { create, names } = open();

  expect((await create('one', '"k-\\"1\\""')).replayed).toBeNull();
  expect((await create('one', 'k-"1"')).replayed).toBe('true');
  expect(names()).toEqual(['one']);
});

it('refuses a key that was used for another request', async () => {
  const { create, names } = open();
  await create('one', 'k-1');

  expect(await create('two', 'k-1')).toMatchObject({
    status: 422,
    json: { error: { code: 'idempotency_key_reused', field: 'idempotency-key' } },
  });
  expect(names()).toEqual(['one']);
});

it('refuses a key whose first request is under way, until it ends', async () => {
  const { post, clock, names } = open({ latency: { minMs: 100, maxMs: 100 } });
  const status = () => post('one', 'k-1').status;

  expect(status()).toBe(201);
  clock.advance(99);
  expect(status()).toBe(409);
  clock.advance(1);
  expect(status()).toBe(201);
  expect(names()).toEqual(['one']);
});

it('forgets a key in time', async () => {
  const { create, clock, names } = open({ idempotency: { ttlSeconds: 60 } });
  await create('one', 'k-1');
  clock.advance(59_999);
  expect((await create('one', 'k-1')).replayed).toBe('true');
  clock.advance(1);

  expect((await create('one', 'k-1')).replayed).toBeNull();
  expect(names()).toEqual(['one', 'one']);
});

it('keeps the answers of one client from another', async () => {
  const { post, names } = open({ auth: { clients: { one: 'secret', other: 'secret' } } });

  expect(post('one', 'k-1', 'one').status).toBe(201);
  expect(post('two', 'k-1', 'other').status).toBe(201);
  expect(names()).toEqual(['one', 'two']);
});

it('keeps nothing of a request that was invalid, or limited', async () => {
  const { create, clock, names } = open({
    limits: [{ kind: 'fixed-window', name: 'window', with: { limit: 2, windowSeconds: 1 } }],
  });

  expect((await create('', 'k-1')).status).toBe(400);
  expect((await create('one', 'k-1')).status).toBe(201);
  expect((await create('two', 'k-2')).status).toBe(429);
  clock.advance(1_000);
  expect((await create('two', 'k-2')).status).toBe(201);
  expect(names()).toEqual(['one', 'two']);
});

it('asks for a key where it must have one', async () => {
  const { create } = open({ idempotency: { required: true } });

  expect(await create('one')).toMatchObject({ status: 400, json: { error: { field: 'idempotency-key' } } });
});

it.each(['', 'é', 'x'.repeat(256)])('refuses the key %.10j', async (key) => {
  expect(await open().create('one', key)).toMatchObject({ status: 400, json: { error: { field: 'idempotency-key' } } });
});

it('words it all as a platform does', async () => {
  const { provider } = open({
    idempotency: {
      header: 'x-request-key',
      mismatchStatus: 400,
      replayHeader: 'x-idempotency-lookup',
      replayValue: 'hit',
      firstValue: 'miss',
    },
  });
  const create = async (name: string) => {
    const headers = { 'content-type': 'application/json', 'x-request-key': 'k-1' };
    const response = await provider.fetch('https://api.test/items', {
      ...{ method: 'POST', headers, body: JSON.stringify({ name }) },
    });
    return [response.status, response.headers.get('x-idempotency-lookup')];
  };

  expect([await create('one'), await create('one'), await create('two')]).toEqual([
    [201, 'miss'],
    [201, 'hit'],
    [400, null],
  ]);
});

it('knows no keys where it is told so', async () => {
  const { create, names } = open({ idempotency: false });
  await create('one', 'k-1');
  await create('one', 'k-1');

  expect(names()).toEqual(['one', 'one']);
});

function open(config: ConfigInput = {}) {
  const clock: ManualClock = manualClock();
  const provider = createProvider({ auth: false, resources: { items: { records: 0 } }, ...config }, { clock });
  const resource = provider.resource('items');

  /** Does not wait until the answer is given. */
  function post(name: string, key?: string, client?: string) {
    const token = client === undefined ? undefined : tokenOf(client);
    return provider.handle({
      ...{ method: 'POST', path: '/items', query: new URLSearchParams(), ip: '127.0.0.1', origin: '' },
      headers: {
        'content-type': 'application/json',
        ...(key !== undefined && { 'idempotency-key': key }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ name }),
    });
  }

  function tokenOf(client: string): string {
    const { body } = provider.handle({
      ...{ method: 'POST', path: '/oauth/token', query: new URLSearchParams(), ip: '127.0.0.1', origin: '' },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `grant_type=client_credentials&client_id=${client}&client_secret=secret`,
    });
    return JSON.parse(body).access_token;
  }

  async function create(name: string, key?: string) {
    const { status, headers, body, wire } = post(name, key);
    if (wire !== undefined) throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNRESET' } });
    return { status, replayed: headers['idempotent-replayed'] ?? null, json: JSON.parse(body) };
  }

  const names = () => resource.collection.slice(0, 100).map((key) => resource.recall(key).name);
  return { provider, clock, post, create, names };
}
