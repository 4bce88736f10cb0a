import fc from 'fast-check';
import { expect, it } from 'vitest';
import { GAP, ORIGIN } from './collection.ts';
import { firstKeySince, idOf, keyAt, keyOf, makeRecord, type RecordSource } from './record.ts';

it('makes the same record from the same seed, resource and key', () => {
  expect(makeRecord(SOURCE, ORIGIN)).toEqual(makeRecord({ ...SOURCE }, ORIGIN));
});

it.each([{ seed: 2 }, { resource: 'orders' }])('makes other records from %o', (other) => {
  const amounts = (source: RecordSource) => KEYS.map((key) => makeRecord(source, key).amount_cents);

  expect(amounts({ ...SOURCE, ...other })).not.toEqual(amounts(SOURCE));
});

it('makes records that differ', () => {
  const records = KEYS.map((key) => makeRecord(SOURCE, key));

  expect(new Set(records.map(({ id }) => id)).size).toBe(records.length);
  expect(new Set(records.map(({ name }) => name)).size).toBeGreaterThan(30);
  expect(new Set(records.map(({ amount_cents }) => amount_cents)).size).toBeGreaterThan(90);
});

it('changes with every version what can change, and nothing else', () => {
  const [first, second] = [makeRecord(SOURCE, ORIGIN), makeRecord(SOURCE, ORIGIN, 2, SOURCE.startMs)];

  expect(first).toMatchObject({ version: 1, updated_at: first.created_at });
  expect(second).toEqual({
    ...first,
    version: 2,
    updated_at: new Date(SOURCE.startMs).toISOString(),
    amount_cents: expect.any(Number),
  });
  expect(second.amount_cents).not.toBe(first.amount_cents);
});

it('sorts by id as by created_at, whatever the keys', () => {
  fc.assert(
    fc.property(key, key, instants, (one, other, recordsPerInstant) => {
      const source = { ...SOURCE, recordsPerInstant };
      const [less, more] = [Math.min(one, other), Math.max(one, other)].map((each) => makeRecord(source, each));
      expect(less!.id <= more!.id).toBe(true);
      expect(less!.created_at <= more!.created_at).toBe(true);
    }),
  );
});

it('gives as many neighbours the same instant as it is told to', () => {
  const created = KEYS.slice(0, 12).map((each) => makeRecord({ ...SOURCE, recordsPerInstant: 4 }, each).created_at);

  expect(new Set(created).size).toBe(3);
  expect(new Set(created.slice(0, 4)).size).toBe(1);
});

it('finds the key behind an id', () => {
  fc.assert(fc.property(key, (each) => keyOf('users', idOf('users', each)) === each));
});

it.each([
  '',
  'use_',
  'use_1',
  'ord_b33j9ynrb4',
  'USE_b33j9ynrb4',
  'use_B33J9YNRB4',
  'use_b33j9ynrb45',
  'use_b33j9ynr.4',
])('finds no key behind %j', (id) => {
  expect(keyOf('users', id)).toBeUndefined();
});

it('finds the first key since an instant', () => {
  fc.assert(
    fc.property(key, instants, (each, recordsPerInstant) => {
      const source = { ...SOURCE, recordsPerInstant };
      const atMs = Date.parse(makeRecord(source, each).created_at);
      const first = firstKeySince(source, atMs);
      expect(first).toBeLessThanOrEqual(each);
      expect(Date.parse(makeRecord(source, first).created_at)).toBe(atMs);
      expect(Date.parse(makeRecord(source, first - 1).created_at)).toBeLessThan(atMs);
    }),
  );
});

it('keys a newcomer so that it was created now, to the second', () => {
  fc.assert(
    fc.property(fc.nat(10 ** 9), (laterMs) => {
      const nowMs = SOURCE.startMs + laterMs;
      expect(makeRecord(SOURCE, keyAt(SOURCE, nowMs)).created_at).toBe(
        new Date(Math.floor(nowMs / 1_000) * 1_000).toISOString(),
      );
    }),
  );
});

const SOURCE: RecordSource = {
  seed: 1,
  resource: 'users',
  initialCount: 100,
  startMs: Date.UTC(2026, 0, 1),
  recordsPerInstant: 1,
};

/** Those of the records that were there from the start. */
const KEYS = Array.from({ length: SOURCE.initialCount }, (_, index) => ORIGIN + index * GAP);

const key = fc.integer({ min: ORIGIN - 1_000 * GAP, max: ORIGIN + 10_000_000 * GAP });
const instants = fc.integer({ min: 1, max: 50 });
