import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ConfigInput } from './config.ts';
import { createProvider } from './provider.ts';

it('strikes the named calls of each client on each route, and no others', () => {
  const { send } = open([{ fault: 'unavailable', on: { route: 'GET /items', calls: [2, 4] } }]);

  expect([1, 2, 3, 4, 5].map(() => send('one', '/items'))).toEqual([200, 503, 200, 503, 200]);
  expect([1, 2].map(() => send('other', '/items'))).toEqual([200, 503]);
  expect([1, 2].map(() => send('one', '/users'))).toEqual([200, 200]);
});

it('strikes always where it is not told when', () => {
  const { send } = open([{ fault: 'unavailable', on: { route: 'GET /items' } }]);

  expect([1, 2, 3].map(() => send('one', '/items'))).toEqual([503, 503, 503]);
});

it('strikes the named calls besides a share of the others', () => {
  const { send } = open([{ fault: 'unavailable', on: { route: 'GET /items', calls: [1, 2, 3], ratio: 0 } }]);

  expect([1, 2, 3, 4, 5].map(() => send('one', '/items'))).toEqual([503, 503, 503, 200, 200]);
});

it.each([0.02, 0.25, 0.8])('strikes a share of %s on average', (ratio) => {
  const { send } = open([{ fault: 'unavailable', on: { ratio } }]);
  const struck = Array.from({ length: 3_000 }, () => send('one', '/items')).filter((status) => status === 503);

  expect(Math.abs(struck.length / 3_000 - ratio)).toBeLessThan(0.02);
});

it('decides for each fault alone', () => {
  const { send } = open([
    { fault: 'unavailable', on: { ratio: 0.5 } },
    { fault: 'rate-limited', on: { ratio: 0.5 } },
  ]);
  const statuses = Array.from({ length: 400 }, () => send('one', '/items'));

  const share = (status: number) => statuses.filter((each) => each === status).length / 400;
  expect(Math.abs(share(503) - 0.5)).toBeLessThan(0.1);
  expect(Math.abs(share(429) - 0.25)).toBeLessThan(0.1);
});

it('lets the first of two faults have the last word', () => {
  const { send } = open([
    { fault: 'rate-limited', on: { route: 'GET /items' } },
    { fault: 'unavailable', on: { route: 'GET /items' } },
  ]);

  expect(send('one', '/items')).toBe(429);
});

it('strikes the same in every replay, and otherwise with another seed', () => {
  const run = (seed: number) => {
    const { send } = open([{ fault: 'unavailable', on: { ratio: 0.5 } }], seed);
    return Array.from({ length: 50 }, () => send('one', '/items'));
  };

  expect(run(1)).toEqual(run(1));
  expect(run(2)).not.toEqual(run(1));
});

it('strikes each client and each route at other times', () => {
  const { send } = open([{ fault: 'unavailable', on: { ratio: 0.5 } }]);
  const met = (client: string, path: string) => Array.from({ length: 50 }, () => send(client, path)).join();

  expect(new Set([met('one', '/items'), met('other', '/items'), met('one', '/users')]).size).toBe(3);
});

it('strikes each client the same, however their requests interleave', () => {
  const faults: ConfigInput['faults'] = [
    { fault: 'unavailable', on: { ratio: 0.3 } },
    { fault: 'reset', on: { route: 'GET /items', ratio: 0.3 } },
    { fault: 'rate-limited', on: { calls: [3, 5] } },
  ];
  const plan = fc.uniqueArray(fc.constantFrom(...CLIENTS), { minLength: 1 }).chain((clients) =>
    fc.record({
      seed: fc.nat(),
      paths: fc.array(fc.constantFrom('/items', '/users', '/items/nothing'), { minLength: 1, maxLength: 12 }),
      turns: fc.array(fc.constantFrom(...clients), { maxLength: 40 }),
    }),
  );
  fc.assert(
    fc.property(plan, ({ seed, paths, turns }) => {
      const { send } = open(faults, seed);
      const met = new Map<string, number[]>();
      for (const client of [...turns, ...CLIENTS.flatMap((each) => paths.map(() => each))]) {
        const statuses = met.get(client) ?? [];
        if (statuses.length < paths.length) met.set(client, [...statuses, send(client, paths[statuses.length]!)]);
      }

      for (const client of CLIENTS) {
        const alone = open(faults, seed);
        expect(met.get(client)).toEqual(paths.map((path) => alone.send(client, path)));
      }
    }),
    { numRuns: 100 },
  );
});

it('spares HEAD and OPTIONS, and counts them for nothing', () => {
  const { send } = open([{ fault: 'unavailable', on: { route: 'GET /items', calls: [1] } }]);

  expect([send('one', '/items', 'HEAD'), send('one', '/items', 'OPTIONS'), send('one', '/items')]).toEqual([
    200, 204, 503,
  ]);
});

const CLIENTS = ['one', 'other', 'third'];

/** Sends requests and tells the status of each; 0 where the wire broke. */
function open(faults: ConfigInput['faults'], seed = 1) {
  const secrets = Object.fromEntries(CLIENTS.map((client) => [client, 'secret']));
  const provider = createProvider({
    seed,
    auth: { clients: secrets },
    resources: { items: { records: 1 }, users: { records: 1 } },
    faults,
  });
  const tokens = new Map(CLIENTS.map((client) => [client, tokenFor(client)]));

  /** Asks again where a fault is in the way: the token endpoint has some too. */
  function tokenFor(client: string): string {
    for (let attempt = 0; attempt < 50; attempt += 1) {
      const { status, body } = provider.handle({
        ...{ method: 'POST', path: '/oauth/token', query: NO_QUERY, ip: '127.0.0.1', origin: '' },
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: `grant_type=client_credentials&client_id=${client}&client_secret=secret`,
      });
      if (status === 200) return JSON.parse(body).access_token;
    }
    throw new Error('no token');
  }

  return {
    send(client: string, path: string, method = 'GET'): number {
      const headers = { authorization: `Bearer ${tokens.get(client)}` };
      return provider.handle({ method, path, query: NO_QUERY, headers, body: '', ip: '127.0.0.1', origin: '' }).status;
    },
  };
}

const NO_QUERY = new URLSearchParams();
