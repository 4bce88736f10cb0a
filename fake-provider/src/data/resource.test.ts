import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import { type ConfigInput, parseConfig } from '../config.ts';
import { createProvider } from '../provider.ts';
import { createResource } from './resource.ts';

it('holds the same records for the same seed, and drifts the same way', () => {
  const churn = {
    insertsPerRequest: 1.5,
    deletesPerRequest: 1.5,
    updatesPerRequest: 1.5,
    insertAt: 'anywhere',
  } as const;
  const [one, again, other] = [1, 1, 2].map((seed) => open({ records: 50, churn }, seed));
  for (let count = 0; count < 20; count += 1) for (const { resource } of [one!, again!, other!]) resource.drift();

  expect(again!.all()).toEqual(one!.all());
  expect(other!.all()).not.toEqual(one!.all());
});

it('lists the newest first where it is told to', () => {
  const { all } = open({ records: 9 });
  const { resource } = open({ records: 9, order: 'newest-first' });

  expect(resource.slice(0, 9)).toEqual(all().toReversed());
  expect(resource.slice(2, 3)).toEqual(all().toReversed().slice(2, 5));
  expect(resource.slice(9, 3)).toEqual([]);
});

it('gets a record by id, unless it is gone', () => {
  const { resource, all } = open({ records: 3 });
  const [first, second] = all();
  resource.collection.removeAt(0);

  expect(resource.get(first!.id)).toBeUndefined();
  expect(resource.get(second!.id)).toEqual(second);
  expect(resource.get('nonsense')).toBeUndefined();
});

it.each(['newest', 'anywhere'] as const)(
  'inserts, deletes and updates as often as told, on average (%s)',
  (insertAt) => {
    const churn = { insertsPerRequest: 0.7, deletesPerRequest: 1.3, updatesPerRequest: 2, insertAt };
    const { resource, clock } = open({ records: 5_000, churn });
    const { collection } = resource;
    for (let count = 0; count < 2_000; count += 1) {
      if (count % 2 === 0) clock.advance(300);
      resource.drift();
    }

    const inserted = collection.size + (collection.revision - (collection.size - 5_000)) / 2 - 5_000;
    const deleted = collection.revision - inserted;
    const updates = resource.slice(0, 10_000).reduce((sum, { version }) => sum + version - 1, 0);
    expect(inserted / 2_000).toBeCloseTo(0.7, 1);
    expect(deleted / 2_000).toBeCloseTo(1.3, 1);
    // Those of the records deleted since are gone with them.
    expect(updates / 2_000).toBeGreaterThan(1);
    expect(updates / 2_000).toBeLessThan(2);
  },
);

it('inserts at the newest end even while no time passes and the newest are deleted', () => {
  const churn = { insertsPerRequest: 1, deletesPerRequest: 1 };
  const { resource } = open({ records: 3, churn });
  const seen = new Set<string>();
  for (let count = 0; count < 100; count += 1) {
    resource.drift();
    const newest = resource.slice(resource.size - 1, 1)[0]!.id;
    expect([...seen].every((id) => id < newest)).toBe(true);
    seen.add(newest);
  }

  expect(resource.size).toBe(3);
  expect(seen.size).toBe(100);
});

it('inserts into the midst of the others where it is told to', () => {
  const { resource, all } = open({ records: 100, churn: { insertsPerRequest: 100, insertAt: 'anywhere' } });
  const before = all().map(({ id }) => id);
  resource.drift();

  const newest = before.at(-1)!;
  expect(all().filter(({ id }) => !before.includes(id) && id < newest).length).toBeGreaterThan(80);
});

it('stamps an update with the time, and counts it', () => {
  const { resource, clock } = open({ records: 1, churn: { updatesPerRequest: 1 } });
  const [before] = resource.slice(0, 1);
  clock.advance(5_000);
  resource.drift();
  clock.advance(5_000);
  resource.drift();

  const [after] = resource.slice(0, 1);
  expect(after).toMatchObject({ id: before!.id, version: 3, updated_at: new Date(clock.now()).toISOString() });
  const key = resource.keyOf(before!.id)!;
  expect(resource.recall(key, 1)).toEqual(before);
  expect(resource.recall(key, 2).updated_at).toBe(new Date(clock.now() - 5_000).toISOString());
});

it('goes on when it is empty', () => {
  const { resource } = open({ records: 1, churn: { deletesPerRequest: 3, updatesPerRequest: 1 } });
  resource.drift();
  resource.drift();

  expect(resource.size).toBe(0);
});

it.each(['newest', 'anywhere'] as const)('fills up from empty (%s)', (insertAt) => {
  const { resource } = open({ records: 0, churn: { insertsPerRequest: 2, insertAt } });
  resource.drift();
  resource.drift();

  expect(resource.size).toBe(4);
});

it('drifts with every listing that is served, and with no other request', async () => {
  const provider = createProvider({
    auth: false,
    resources: { items: { churn: { insertsPerRequest: 1 } } },
    faults: [{ fault: 'unavailable', on: { route: 'GET /items', calls: [2] } }],
  });
  const { collection } = provider.resource('items');
  const revisions: number[] = [];
  for (const [method, path] of [
    ['GET', '/items'],
    ['GET', '/items'],
    ['HEAD', '/items'],
    ['OPTIONS', '/items'],
    ['GET', '/items/nothing'],
    ['GET', '/items'],
  ] as const) {
    await provider.fetch(`https://api.test${path}`, { method });
    revisions.push(collection.revision);
  }

  expect(revisions).toEqual([1, 1, 1, 1, 1, 2]);
});

it('lists a hundred thousand records in the memory of a few', { timeout: 60_000 }, async () => {
  const items = { records: 100_000, pageSize: { default: 5_000, max: 5_000 } };
  const provider = createProvider({ auth: false, resources: { items } });
  const before = heapBytes();
  let count = 0;
  for (let cursor: string | null = ''; cursor !== null; ) {
    const response = await provider.fetch(`https://api.test/items${cursor && `?cursor=${cursor}`}`);
    const page = (await response.json()) as { data: unknown[]; next_cursor: string | null };
    count += page.data.length;
    cursor = page.next_cursor;
  }

  expect(count).toBe(100_000);
  // Kept, they would weigh more than six times as much.
  expect(heapBytes() - before).toBeLessThan(3_000_000);
});

function open(options: NonNullable<ConfigInput['resources']>[string], seed = 1) {
  const clock = manualClock();
  const { resources } = parseConfig({ resources: { users: options } });
  const resource = createResource('users', resources.users!, seed, clock);
  return { resource, clock, all: () => resource.slice(0, resource.size) };
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is alive, not what has yet to be swept. */
function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
