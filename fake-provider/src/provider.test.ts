import { expect, it } from 'vitest';
import { manualClock } from './clock.ts';
import type { ConfigInput } from './config.ts';
import { createProvider } from './provider.ts';

it('reads every time it tells from the one clock', async () => {
  const { get, clock } = open({
    limits: [{ kind: 'fixed-window', name: 'window', with: { limit: 2, windowSeconds: 3_600 } }],
    faults: [{ fault: 'rate-limited', on: { calls: [2] }, with: { retryAfterSeconds: 60, retryAfterAs: 'http-date' } }],
  });
  clock.advance(1_234_567);
  const now = Math.floor(clock.now() / 1_000) * 1_000;
  const [served, faulty] = [await get('/items'), await get('/items')];

  expect(served.headers.get('date')).toBe(new Date(now).toUTCString());
  expect(served.headers.get('ratelimit-reset')).toBe(`${3_600 - 1_234}`);
  expect(faulty.headers.get('retry-after')).toBe(new Date(now + 61_000).toUTCString());
  await get('/items');
  expect((await get('/items')).headers.get('retry-after')).toBe(`${3_600 - 1_234}`);
});

it('lets a browser read every header, on success and when it throttles', async () => {
  const { get } = open({ limits: [{ kind: 'fixed-window', name: 'window', with: { limit: 1, windowSeconds: 60 } }] });

  for (const status of [200, 429]) {
    const response = await get('/items');
    expect(response.status).toBe(status);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('access-control-expose-headers')).toBe('*');
  }
});

it('lets a browser ask first', async () => {
  const { headers } = await open().get('/items', { method: 'OPTIONS' });

  expect(headers.get('access-control-allow-origin')).toBe('*');
  expect(headers.get('access-control-allow-headers')).toContain('authorization');
});

it('tells what it simulates from what it means', async () => {
  const { get } = open({
    limits: [{ kind: 'fixed-window', name: 'window', with: { limit: 2, windowSeconds: 60 } }],
    faults: [{ fault: 'unavailable', on: { calls: [2] } }],
  });
  const sources = [];
  for (const path of ['/items', '/items', '/items?limit=0', '/items', '/nothing']) {
    const { status, headers } = await get(path);
    sources.push([status, headers.get('x-fake-provider')]);
  }

  expect(sources).toEqual([
    [200, null],
    [503, 'unavailable'],
    [400, null],
    [429, 'window'],
    [404, null],
  ]);
});

it('takes the state of a request on its arrival, not when it is answered', async () => {
  const { get, provider } = open({ latency: { minMs: 5, maxMs: 5 } });
  const answer = get('/items');
  while (provider.ledger.entries.length === 0) await Promise.resolve();
  provider.resource('items').collection.removeAt(0);

  expect((await (await answer).json()).data).toHaveLength(3);
});

it('thinks between the two times it is told, the same in every replay', () => {
  const delays = () => {
    const { provider } = open({ latency: { minMs: 10, maxMs: 30 } });
    return Array.from({ length: 200 }, () => provider.handle({ ...CALL, path: '/items' }).delayMs!);
  };

  expect(Math.min(...delays())).toBeGreaterThanOrEqual(10);
  expect(Math.max(...delays())).toBeLessThan(30);
  expect(Math.max(...delays()) - Math.min(...delays())).toBeGreaterThan(15);
  expect(delays()).toEqual(delays());
});

it('holds many resources apart', async () => {
  const { get, provider } = open({ resources: { users: { records: 2 }, orders: { records: 5 } } });
  const [user] = (await (await get('/users')).json()).data;

  expect((await get(`/users/${user.id}`)).status).toBe(200);
  expect((await get(`/orders/${user.id}`)).status).toBe(404);
  expect((await get('/items')).status).toBe(404);
  expect(provider.resource('orders').size).toBe(5);
});

const CALL = {
  ...{ method: 'GET', query: new URLSearchParams(), headers: {}, body: '', ip: '127.0.0.1' },
  origin: 'https://api.test',
} as const;

/** Three items for everyone, at a time that stands still. */
function open(config: ConfigInput = {}) {
  const clock = manualClock();
  const provider = createProvider({ auth: false, resources: { items: { records: 3 } }, ...config }, { clock });
  const get = (path: string, init?: RequestInit) => provider.fetch(`https://api.test${path}`, init);
  return { provider, clock, get };
}

it('begins again after a reset, as if nothing had been asked', async () => {
  const { get, provider } = open({
    limits: [{ kind: 'fixed-window', name: 'window', with: { limit: 1, windowSeconds: 60 } }],
    faults: [{ fault: 'unavailable', on: { calls: [2] } }],
  });
  const day = async () => {
    const statuses = [];
    for (let call = 0; call < 3; call += 1) statuses.push((await get('/items')).status);
    return [statuses, provider.ledger.entries.length, provider.ledger.tally()];
  };
  const first = await day();
  provider.reset();

  expect(provider.ledger.entries).toEqual([]);
  expect(await day()).toEqual(first);
});

it('reports on the traffic, and on the records that are handed to it', async () => {
  const { get, provider } = open();
  const { data } = await (await get('/items')).json();

  expect(provider.report()).toMatchObject({ seed: 1, passed: true, requests: { requests: 1 }, data: {} });
  expect(provider.report({ items: data })).toMatchObject({ passed: true, data: { items: { delivered: 3, lost: [] } } });
  expect(provider.report({ items: [] })).toMatchObject({ passed: false, data: { items: { delivered: 0 } } });
});
