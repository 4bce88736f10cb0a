import { expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import type { ProviderRecord } from '../data/record.ts';
import { createProvider } from '../provider.ts';

it('lists from an instant on, and up to another that it leaves out', async () => {
  const { list, records, at } = open();

  expect(await list(`?created_from=${at(2)}&created_to=${at(5)}`)).toEqual({
    data: records.slice(2, 5),
    total: 3,
    has_more: false,
  });
});

it('begins at the first record, and ends at the last, where it is not told', async () => {
  const { list, records, at } = open();

  expect((await list(`?created_to=${at(3)}`)).data).toEqual(records.slice(0, 3));
  expect((await list(`?created_from=${at(7)}`)).data).toEqual(records.slice(7));
});

it('says of a window that holds more than a page that it is cut off, and how many there are', async () => {
  const { list, records, at } = open();

  expect(await list(`?created_from=${at(1)}&created_to=${at(9)}`)).toEqual({
    data: records.slice(1, 5),
    total: 8,
    has_more: true,
  });
});

it('has no record of one instant in two windows that meet there', async () => {
  const { list, records, at } = open(3);
  const seen = [
    ...(await list(`?limit=10&created_to=${at(4)}`)).data,
    ...(await list(`?limit=10&created_from=${at(4)}`)).data,
  ];

  expect(seen).toEqual(records);
});

it('finds nothing in a window of no length, and where nothing was created', async () => {
  const { list, at } = open();

  for (const window of [`?created_from=${at(2)}&created_to=${at(2)}`, '?created_from=2030-01-01T00:00:00Z']) {
    expect(await list(window)).toEqual({ data: [], total: 0, has_more: false });
  }
});

it('refuses a window that ends before it begins', async () => {
  const { list, at } = open();

  expect((await list(`?created_from=${at(5)}&created_to=${at(2)}`)).error).toEqual({
    code: 'invalid_parameter',
    message: 'created_to must not be before created_from',
    field: 'created_to',
  });
});

it.each(['', 'today', '2026-01-01'])('refuses the end %j', async (instant) => {
  expect((await open().list(`?created_to=${instant}`)).error).toMatchObject({ field: 'created_to' });
});

/** Ten records, four to a page, some sharing an instant if told so. */
function open(recordsPerInstant = 1) {
  const size = { default: 4, max: 10 };
  const items = { records: 10, pagination: 'time-window', recordsPerInstant, pageSize: size } as const;
  const provider = createProvider({ auth: false, resources: { items } }, { clock: manualClock() });
  const records = provider.resource('items').slice(0, 10);
  const list = async (query: string): Promise<Page> =>
    (await provider.fetch(`https://api.test/items${query}`)).json() as Promise<Page>;
  return { list, records, at: (index: number) => records[index]!.created_at };
}

interface Page {
  readonly data: readonly ProviderRecord[];
  readonly total: number;
  readonly has_more: boolean;
  readonly error?: unknown;
}
