import { expect, it } from 'vitest';
import { type ConfigInput, parseConfig } from '../../config.ts';
import { createProvider } from '../../provider.ts';
import { serve } from '../../transports/express.ts';

const CURSORS = ['cursor', 'link'] as const;

it.each([...CURSORS, 'keyset', 'offset'] as const)(
  'sends empty pages that say more, by %s, and loses nothing',
  async (pagination) => {
    const { walk, ids } = open({ pagination }, [{ defect: 'empty-page', on: { calls: [1, 3, 4] } }]);
    const { pages, seen } = await walk(9);

    expect(pages.slice(0, 4).map(({ data }) => data.length)).toEqual([0, 4, 0, 0]);
    expect(pages[2]!.more).toBe(true);
    expect(seen).toEqual(ids);
  },
);

it('gives a cursor of its own with every empty page', async () => {
  const { walk } = open({}, [{ defect: 'empty-page', on: { calls: [2, 3] } }]);
  const { pages } = await walk(9);

  expect(new Set(pages.map(({ next }) => next)).size).toBe(pages.length);
});

it('leaves the pages of an empty listing as they are', async () => {
  const { walk } = open({ records: 0 }, [{ defect: 'empty-page' }]);

  expect((await walk(3)).pages).toMatchObject([{ data: [], more: false }]);
});

it.each([...CURSORS, 'keyset', 'offset'] as const)(
  'sends short pages before the end, by %s, and loses nothing',
  async (pagination) => {
    const { walk, ids } = open({ pagination }, [{ defect: 'short-page', on: { calls: [2] } }]);
    const { pages, seen } = await walk(9);

    expect(pages[1]!.data.length).toBeGreaterThan(0);
    expect(pages[1]!.data.length).toBeLessThan(4);
    expect(pages[1]!.more).toBe(true);
    expect(seen).toEqual(ids);
  },
);

it.each(CURSORS)('leads back from the third page on, by %s', async (pagination) => {
  const { walk, ids } = open({ pagination, records: 20 }, [{ defect: 'cursor-loop' }]);
  const { pages } = await walk(7);

  expect(pages.map(({ data }) => ids.indexOf(data[0]!))).toEqual([0, 4, 8, 4, 8, 4, 8]);
});

it.each(CURSORS)('leads back from the last page where there are few, by %s', async (pagination) => {
  const { walk } = open({ pagination }, [{ defect: 'cursor-loop', with: { fromPage: 50 } }]);

  expect((await walk(20)).pages).toHaveLength(20);
});

it.each(CURSORS)('gives the same cursor again, by %s', async (pagination) => {
  const { walk, ids } = open({ pagination }, [{ defect: 'repeated-cursor', on: { calls: [1, 3] } }]);
  const { pages } = await walk(9);

  expect(pages.map(({ data }) => ids.indexOf(data[0]!))).toEqual([0, 0, 4, 4, 8]);
  expect(pages[2]!.next).toBe(pages[1]!.next);
});

it.each(CURSORS)('lets cursors expire after some seconds, by %s', async (pagination) => {
  const { list, walk, wait } = open({ pagination }, [{ defect: 'cursor-expires', with: { afterSeconds: 5 } }]);
  const [page] = (await walk(1)).pages;
  wait(4_999);
  expect((await list(page!.next!)).status).toBe(200);
  wait(1);

  expect(await list(page!.next!)).toMatchObject({
    status: 410,
    json: { error: { code: 'expired_cursor', field: 'cursor' } },
  });
});

it('lets cursors expire after some requests', async () => {
  const { list, walk } = open({}, [{ defect: 'cursor-expires', with: { afterRequests: 2, status: 400 } }]);
  const [page] = (await walk(1)).pages;
  const statuses = [1, 2, 3].map(async () => (await list(page!.next!)).status);

  expect(await Promise.all(statuses)).toEqual([200, 200, 400]);
});

it('refuses a cursor that is none as ever, though cursors expire', async () => {
  const { list } = open({}, [{ defect: 'cursor-expires' }]);

  expect((await list('https://api.test/items?cursor=x')).json.error).toMatchObject({ code: 'invalid_parameter' });
});

it('links to another origin, over HTTP too', async () => {
  const { provider } = open({ pagination: 'link' }, [
    { defect: 'foreign-next', with: { origin: 'http://localhost:1' } },
  ]);
  const server = await serve(provider);
  const { headers } = await fetch(`${server.url}/items`);
  await server.close();

  expect(headers.get('link')).toMatch(/^<http:\/\/localhost:1\/items\?per_page=4&cursor=[\w%]+>; rel="next"/);
});

it.each([...CURSORS, 'keyset', 'page-number'] as const)(
  'repeats the last records of the page before, by %s',
  async (pagination) => {
    const { walk, ids } = open({ pagination }, [
      { defect: 'duplicate-records', on: { calls: [1, 2] }, with: { count: 2 } },
    ]);
    const { pages, seen } = await walk(9);

    expect(pages[0]!.data).toEqual(ids.slice(0, 4));
    expect(pages[1]!.data).toEqual(ids.slice(2, 8));
    expect([...new Set(seen)]).toEqual(ids);
  },
);

it.each([...CURSORS, 'keyset'] as const)('says more on the last page, by %s', async (pagination) => {
  const { walk, ids } = open({ pagination }, [{ defect: 'last-page-says-more' }]);
  const { pages, seen } = await walk(9);

  expect(pages.map(({ data, more }) => [data.length, more])).toEqual([
    [4, true],
    [4, true],
    [2, true],
    [0, false],
  ]);
  expect(seen).toEqual(ids);
});

it('says that more follow, and not where', async () => {
  const { get } = open({}, [{ defect: 'missing-cursor', on: { calls: [1] } }]);

  expect(await get('https://api.test/items')).toMatchObject({ json: { has_more: true, next_cursor: null } });
});

it('shows records late, before others that a reader may have passed', async () => {
  const defect = { defect: 'late-commits', with: { recordsPerRequest: 1.5, behind: 5 } } as const;
  const { walk, ids, provider } = open({ records: 40, pagination: 'keyset' }, [defect]);
  const { seen } = await walk(30);
  const { collection } = provider.resource('items');
  const now = collection.slice(0, collection.size).map((key) => provider.resource('items').recall(key));
  const late = now.filter(({ id }) => !ids.includes(id));

  expect(late.length).toBeGreaterThan(10);
  expect(now.at(-1)!.id).toBe(ids.at(-1));
  for (const { id, created_at } of late) {
    expect(now.findIndex((other) => other.id === id)).toBeGreaterThan(40 - 7);
    expect(created_at <= now.at(-1)!.created_at).toBe(true);
  }
  expect(late.some(({ id }) => !seen.includes(id))).toBe(true);
});

it('gives many records one instant, which a reader from an instant gets whole', async () => {
  const { get, ids } = open({ pagination: 'keyset', recordsPerInstant: 6 }, []);
  const { data } = (await get('https://api.test/items?limit=10')).json as {
    data: { id: string; created_at: string }[];
  };
  const instants = data.map(({ created_at }) => created_at);
  const [, from = ''] = [...new Set(instants)];
  const since = (await get(`https://api.test/items?limit=10&created_from=${from}`)).json.data;

  expect(new Set(instants).size).toBeLessThanOrEqual(3);
  expect(since.map(({ id }: { id: string }) => id)).toEqual(ids.slice(instants.indexOf(from)));
});

it('shows the same in every replay', async () => {
  const run = async () =>
    (
      await open({ records: 60 }, [
        { defect: 'short-page', on: { ratio: 0.5 } },
        { defect: 'late-commits', with: { recordsPerRequest: 0.5 } },
        { defect: 'empty-page', on: { ratio: 0.2 } },
      ]).walk(60)
    ).pages;

  expect(await run()).toEqual(await run());
});

it('says which paginations can show a defect', () => {
  const items = { pagination: 'offset', defects: [{ defect: 'wrong-total' }, { defect: 'cursor-loop' }] };

  expect(() => parseConfig({ resources: { items } })).toThrow(
    'resources.items.defects[1].defect: shows only where pagination is cursor, link',
  );
});

type Item = NonNullable<ConfigInput['resources']>[string];

/** Ten records, four to a page, unless told otherwise. */
function open(item: Item, defects: Item['defects']) {
  let nowMs = Date.UTC(2026, 0, 1);
  const items = { records: 10, pageSize: { default: 4, max: 200 }, ...item, defects };
  const provider = createProvider({ auth: false, resources: { items } }, { clock: { now: () => nowMs } });
  const resource = provider.resource('items');
  const { collection } = resource;
  const ids = collection.slice(0, collection.size).map((key) => resource.recall(key).id);

  async function get(url: string) {
    const response = await provider.fetch(url);
    return { status: response.status, link: response.headers.get('link') ?? '', json: await response.json() };
  }

  /** One page, whatever the pagination, and the URL of the next as a client would make it. */
  async function list(url: string) {
    const { status, json, link } = await get(url);
    const data = ((json.data ?? json) as { id: string }[]).map?.(({ id }) => id) ?? [];
    const at = new URL(url);
    const to = (name: string, value: string): string => {
      at.searchParams.set(name, value);
      return at.href;
    };
    switch (item.pagination ?? 'cursor') {
      case 'link': {
        const next = /<([^>]+)>; rel="next"/.exec(link)?.[1];
        return { status, json, data, more: next !== undefined, next };
      }
      case 'keyset':
        return { status, json, data, more: json.has_more, next: data.length > 0 ? to('after_id', data.at(-1)!) : url };
      case 'offset': {
        const end = Number(at.searchParams.get('offset') ?? 0) + data.length;
        return { status, json, data, more: end < json.total, next: to('offset', `${end}`) };
      }
      case 'page-number':
        return {
          ...{ status, json, data, more: json.page * json.per_page < json.total },
          next: to('page', `${json.page + 1}`),
        };
      default:
        return { status, json, data, more: json.has_more, next: json.next_cursor && to('cursor', json.next_cursor) };
    }
  }

  async function walk(most: number) {
    const pages: { data: string[]; more: boolean; next: string | undefined }[] = [];
    for (let url: string | undefined = 'https://api.test/items'; url !== undefined && pages.length < most; ) {
      const page: (typeof pages)[number] = await list(url);
      pages.push(page);
      url = page.more ? page.next : undefined;
    }
    return { pages, seen: pages.flatMap(({ data }) => data) };
  }

  function wait(ms: number): void {
    nowMs += ms;
  }

  return { provider, ids, get, list, walk, wait };
}
