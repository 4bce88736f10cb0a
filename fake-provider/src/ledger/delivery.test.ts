import fc from 'fast-check';
import { expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import { parseConfig } from '../config.ts';
import type { ProviderRecord } from '../data/record.ts';
import { createResource } from '../data/resource.ts';
import { createProvider } from '../provider.ts';
import { judgeDelivery } from './delivery.ts';

it('finds nothing wrong where every record was delivered once', () => {
  const { records, judge } = open();

  expect(judge(records)).toEqual({ ...NOTHING_WRONG, expected: 10, delivered: 10 });
});

it('does not mind the order', () => {
  const { records, judge } = open();

  expect(judge(records.toReversed())).toEqual({ ...NOTHING_WRONG, expected: 10, delivered: 10 });
});

it('finds a lost record', () => {
  const { records, judge } = open();

  expect(judge(records.toSpliced(3, 1))).toEqual({
    ...NOTHING_WRONG,
    expected: 10,
    delivered: 9,
    lost: [records[3]!.id],
  });
});

it('finds a doubled record, once for each time too many', () => {
  const { records, judge } = open();
  const [first] = records;

  expect(judge([...records, first!, first!])).toEqual({
    ...NOTHING_WRONG,
    expected: 10,
    delivered: 12,
    duplicated: [first!.id, first!.id],
  });
});

it.each(['use_b33j9ynrb5', 'ord_b33j9ynrb4', 'nonsense', ''])('finds the invented record %j', (id) => {
  const { records, judge } = open();

  expect(judge([...records, { id }])).toEqual({ ...NOTHING_WRONG, expected: 10, delivered: 11, invented: [id] });
});

it.each<Partial<Record<keyof ProviderRecord, unknown>>>([
  { name: 'someone else' },
  { amount_cents: -1 },
  { amount_cents: '5' },
  { created_at: '2020-01-01T00:00:00.000Z' },
  { updated_at: '2020-01-01T00:00:00.000Z' },
  { version: 2 },
  { version: 0 },
  { version: -1 },
  { version: 0.5 },
  { name: null },
])('finds a record corrupted by %o', (damage) => {
  const { records, judge } = open();
  const [first, ...rest] = records;

  expect(judge([{ ...first, ...damage } as ProviderRecord, ...rest])).toEqual({
    ...NOTHING_WRONG,
    expected: 10,
    delivered: 10,
    corrupted: [first!.id],
  });
});

it('does not mind what a client left out', () => {
  const { records, judge } = open();

  expect(judge(records.map(({ id, amount_cents }) => ({ id, amount_cents })))).toMatchObject(NOTHING_WRONG);
});

it('takes an earlier version for genuine, but not a mixture of two', () => {
  const { resource, records, judge } = open({ updatesPerRequest: 10 });
  resource.drift();
  const after = resource.slice(0, 10);
  const changed = after.findIndex(({ version }) => version === 2);
  const mixture = { ...records[changed]!, amount_cents: after[changed]!.amount_cents };

  expect(judge(records)).toMatchObject(NOTHING_WRONG);
  expect(judge(after)).toMatchObject(NOTHING_WRONG);
  expect(judge(records.with(changed, mixture))).toMatchObject({ corrupted: [mixture.id] });
});

it('asks only for what existed throughout, and takes what existed for a while', () => {
  const { resource, records } = open();
  const { collection } = resource;
  collection.removeAt(0);
  const from = collection.revision;
  collection.removeAt(0);
  collection.insert(collection.slice(3, 1)[0]! + 1);
  const to = collection.revision;
  collection.removeAt(0);
  const [before, during, after] = records;
  const newcomer = resource.slice(3, 1)[0]!;

  const rest = records.slice(2);
  expect(judgeDelivery(resource, rest, { from, to })).toMatchObject({ ...NOTHING_WRONG, expected: 8 });
  expect(judgeDelivery(resource, [...rest, during!, newcomer], { from, to })).toMatchObject(NOTHING_WRONG);
  expect(judgeDelivery(resource, [...rest, before!], { from, to })).toMatchObject({ invented: [before!.id] });
  expect(judgeDelivery(resource, rest.slice(1), { from, to })).toMatchObject({ lost: [after!.id] });
});

it('catches any loss, repetition or damage, whatever drifts', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.nat({ max: 9 }), { maxLength: 6 }), (drifts, picks) => {
      const { resource, records, judge } = open({ insertsPerRequest: 1, updatesPerRequest: 1 });
      for (let count = 0; count < drifts; count += 1) resource.drift();
      const doubled = picks.filter((each) => each % 2 === 0);
      const dropped = new Set(picks.filter((each) => each % 2 === 1));
      const delivered = [
        ...records.filter((_, index) => !dropped.has(index)),
        ...doubled.map((each) => records[each]!),
      ];

      const verdict = judge(delivered);

      expect(verdict.lost).toEqual([...dropped].sort().map((each) => records[each]!.id));
      expect(verdict.duplicated).toEqual(doubled.map((each) => records[each]!.id));
      expect(verdict).toMatchObject({ invented: [], corrupted: [] });
    }),
  );
});

it('judges by what the ledger says the client could have seen', async () => {
  const items = { records: 6, pageSize: { default: 3, max: 3 }, churn: { insertsPerRequest: 1 } };
  const provider = createProvider({ auth: false, resources: { items } });
  const list = async (query: string) =>
    (await (await provider.fetch(`https://api.test/items${query}`)).json()) as {
      data: ProviderRecord[];
      next_cursor: string | null;
    };
  await list('');
  const start = provider.ledger.entries.length;
  const first = await list('');
  const second = await list(`?cursor=${first.next_cursor}`);

  const delivered = [...first.data, ...second.data];
  expect(provider.judge('items', delivered, start)).toMatchObject({ expected: 8, delivered: 6, duplicated: [] });
  expect(provider.judge('items', delivered)).toMatchObject({ expected: 7 });
  expect(() => provider.judge('others', [])).toThrow(new RangeError('no resource others: there are items'));
});

const NOTHING_WRONG = { lost: [], duplicated: [], invented: [], corrupted: [] };

/** Ten users, and a verdict over all that happens to them. */
function open(churn = {}) {
  const { resources } = parseConfig({ resources: { users: { records: 10, churn } } });
  const resource = createResource('users', resources.users!, 1, manualClock());
  return {
    resource,
    records: resource.slice(0, 10),
    judge: (delivered: Parameters<typeof judgeDelivery>[1]) =>
      judgeDelivery(resource, delivered, { from: 0, to: resource.collection.revision }),
  };
}
