import { expect, it } from 'vitest';
import { createProvider } from '../provider.ts';
import { type PaginationName, paginations } from './index.ts';
import type { PageSize } from './pagination.ts';

const FIELDS = {
  offset: 'limit',
  'page-number': 'per_page',
  cursor: 'limit',
  link: 'per_page',
  keyset: 'limit',
  'time-window': 'limit',
} as const;
const NAMES = Object.keys(paginations) as PaginationName[];

it.each(NAMES)('%s fills a page with the default, or with as many as asked', (pagination) => {
  const { list } = open(pagination, { default: 4, max: 10 });

  expect(list('').count).toBe(4);
  expect(list(`?${FIELDS[pagination]}=10`).count).toBe(10);
  expect(list(`?${FIELDS[pagination]}=1`).count).toBe(1);
});

it.each(NAMES)('%s refuses to fill more than the maximum, and names the field', (pagination) => {
  const { list } = open(pagination, { default: 4, max: 10 });
  const field = FIELDS[pagination];

  expect(list(`?${field}=11`)).toMatchObject({
    status: 400,
    error: { code: 'invalid_parameter', message: `${field} must be a whole number from 1 to 10, got "11"`, field },
  });
});

it.each(NAMES)('%s quietly sends fewer than asked, where it is told to cap', (pagination) => {
  const { list } = open(pagination, { default: 4, max: 10, overMax: 'cap' });

  expect(list(`?${FIELDS[pagination]}=500`)).toMatchObject({ status: 200, count: 10 });
});

it.each(
  NAMES.flatMap((pagination) =>
    ['0', '-1', '1.5', '1e1', ' 1', '', 'ten', '٣'].map((value) => [pagination, value] as const),
  ),
)('%s refuses a page of %j, and names the field', (pagination, value) => {
  const field = FIELDS[pagination];

  expect(open(pagination).list(`?${field}=${value}`)).toMatchObject({ status: 400, error: { field } });
});

it.each(NAMES)('%s refuses a parameter that is given twice', (pagination) => {
  const field = FIELDS[pagination];

  expect(open(pagination).list(`?${field}=1&${field}=2`)).toMatchObject({
    status: 400,
    error: { field, message: `${field} must be given once, got it 2 times` },
  });
});

function open(pagination: PaginationName, pageSize: Partial<PageSize> = {}) {
  const provider = createProvider({ auth: false, resources: { items: { records: 30, pagination, pageSize } } });
  return {
    list(query: string) {
      const { status, body } = provider.handle({
        method: 'GET',
        path: '/items',
        query: new URLSearchParams(query),
        headers: {},
        body: '',
        ip: '127.0.0.1',
        origin: 'https://api.test',
      });
      const page = JSON.parse(body);
      return { status, count: (page.data ?? page).length, error: page.error };
    },
  };
}
