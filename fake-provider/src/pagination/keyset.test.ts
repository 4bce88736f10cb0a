import { expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import type { ProviderRecord } from '../data/record.ts';
import { createProvider } from '../provider.ts';

it('continues after the id that the client saw last', async () => {
  const { list, records } = open();
  const first = await list('');
  const second = await list(`?after_id=${first.data.at(-1)!.id}`);
  const last = await list(`?after_id=${second.data.at(-1)!.id}`);

  expect(first).toEqual({ data: records.slice(0, 4), has_more: true });
  expect(second).toEqual({ data: records.slice(4, 8), has_more: true });
  expect(last).toEqual({ data: records.slice(8), has_more: false });
});

it('says that there is no more where the last page is full', async () => {
  expect(await open().list('?limit=10')).toMatchObject({ has_more: false });
});

it('continues after a record that is gone', async () => {
  const { list, records, collection } = open();
  collection.removeAt(3);

  expect((await list(`?after_id=${records[3]!.id}`)).data).toEqual(records.slice(4, 8));
});

it('begins with the first of all records that share the instant', async () => {
  const { list, records } = open(3);
  const instants = [...new Set(records.map(({ created_at }) => created_at))];
  expect(instants.length).toBeGreaterThan(2);

  for (const instant of instants) {
    const { data } = await list(`?limit=10&created_from=${instant}`);
    expect(data).toEqual(records.filter(({ created_at }) => created_at >= instant));
  }
});

it('begins with the next record where none has the instant itself', async () => {
  const { list, records } = open(3);
  const between = new Date(Date.parse(records[0]!.created_at) + 1).toISOString();

  expect((await list(`?limit=10&created_from=${between}`)).data).toEqual(
    records.filter(({ created_at }) => created_at > records[0]!.created_at),
  );
});

it('reads every record once over ties larger than a page, by id', async () => {
  const { list, records } = open(9);
  const seen: ProviderRecord[] = [];
  for (let page = await list(''); ; page = await list(`?after_id=${seen.at(-1)!.id}`)) {
    seen.push(...page.data);
    if (!page.has_more) break;
  }

  expect(seen).toEqual(records);
});

it('takes the later of both marks', async () => {
  const { list, records } = open();
  const [early, late] = [records[2]!, records[6]!];

  expect((await list(`?after_id=${early.id}&created_from=${late.created_at}`)).data).toEqual(records.slice(6));
  expect((await list(`?after_id=${late.id}&created_from=${early.created_at}`)).data).toEqual(records.slice(7));
});

it('reads an instant in any offset from UTC', async () => {
  const { list, records } = open();
  const utc = records[5]!.created_at;
  const elsewhere = new Date(Date.parse(utc) + 7_200_000).toISOString().replace('Z', '+02:00');

  expect((await list(`?created_from=${encodeURIComponent(elsewhere)}`)).data).toEqual(records.slice(5, 9));
});

it.each(['', 'x', 'oth_b33j9ynrb4', 'ite_1', 'ite_B33J9YNRB4', '__proto__'])('refuses the id %j', async (id) => {
  expect((await open().list(`?after_id=${id}`)).error).toMatchObject({
    code: 'invalid_parameter',
    field: 'after_id',
    message: `after_id must be an id of items, got "${id}"`,
  });
});

it.each(['', 'today', '2026-01-01', '2026-13-01T00:00:00Z', '2026-01-01T00:00:00', '2026-01-01T00:00:00+02:00', '0'])(
  'refuses the instant %j, unencoded plus sign included',
  async (instant) => {
    expect((await open().list(`?created_from=${instant}`)).error).toMatchObject({
      code: 'invalid_parameter',
      field: 'created_from',
      message: expect.stringMatching(/^created_from must be an RFC 3339 timestamp, got "/),
    });
  },
);

/** Ten records, four to a page, some sharing an instant if told so. */
function open(recordsPerInstant = 1) {
  const items = { records: 10, pagination: 'keyset', recordsPerInstant, pageSize: { default: 4, max: 10 } } as const;
  const provider = createProvider({ auth: false, resources: { items } }, { clock: manualClock() });
  const resource = provider.resource('items');
  const list = async (query: string): Promise<Page> =>
    (await provider.fetch(`https://api.test/items${query}`)).json() as Promise<Page>;
  return { list, records: resource.slice(0, 10), collection: resource.collection };
}

interface Page {
  readonly data: readonly ProviderRecord[];
  readonly has_more: boolean;
  readonly error?: unknown;
}
