import { expect, it, vi } from 'vitest';
import { type Fetch, type LinkPaginationOptions, linkPagination, type Page } from './link-pagination.ts';

it('follows the next links to the page that has none', async () => {
  const fetch = linking({
    'https://api.test/rows': '<https://api.test/rows?page=2>; rel="next", <https://api.test/rows?page=3>; rel="last"',
    'https://api.test/rows?page=2': '<https://api.test/rows?page=3>; rel=next',
    'https://api.test/rows?page=3': '<https://api.test/rows>; rel="first"',
  });

  expect(await collect(fetch)).toHaveLength(3);
});

it.each([
  // docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
  ['GitHub', '<https://api.test/rows?page=1>; rel="prev", <https://api.test/rows?page=3>; rel="next"', '?page=3'],
  // shopify.dev/docs/api/admin-rest/usage/pagination
  [
    'Shopify',
    '<https://api.test/rows?limit=50&page_info=eyJa>; rel="previous", <https://api.test/rows?limit=50&page_info=eyJi>; rel="next"',
    '?limit=50&page_info=eyJi',
  ],
])('goes on where the header of %s says', async (_platform, link, query) => {
  const fetch = vi.fn(linking({ 'https://api.test/rows': link, [`https://api.test/rows${query}`]: '' }));

  expect(await collect(fetch)).toHaveLength(2);
  expect(String(fetch.mock.calls[1]![0])).toBe(`https://api.test/rows${query}`);
});

it('goes on past an empty page that has a next link', async () => {
  const fetch = linking(
    { 'https://api.test/rows': '<?page=2>; rel=next', 'https://api.test/rows?page=2': '' },
    () => [],
  );

  expect((await collect(fetch)).map(({ items }) => items)).toEqual([[], []]);
});

it('resolves the link against the URL that answered', async () => {
  const fetch = linking({
    'https://api.test/v2/all/rows': '<more?page=2>; rel=next',
    'https://api.test/v2/all/more?page=2': '',
  });
  const moved: Fetch = async (input, init) => {
    if (String(input) !== 'https://api.test/rows') return fetch(input, init);
    return new Response(null, { status: 308, headers: { location: '/v2/all/rows' } });
  };

  expect(await collect(moved)).toHaveLength(2);
});

it('resolves it against the URL the platform was redirected to, where the caller leaves that to it', async () => {
  const fetch = linking({ 'https://api.test/v2/rows?page=2': '' });
  const moved: Fetch = async (input, init) => {
    if (String(input) !== 'https://api.test/rows') return fetch(input, init);
    const response = Response.json([{ id: 0 }], { headers: { link: '<?page=2>; rel=next' } });
    return Object.defineProperty(response, 'url', { value: 'https://api.test/v2/rows' });
  };

  expect(await collect(moved, { init: { redirect: 'follow' } })).toHaveLength(2);
});

it('leaves a link with an anchor alone', async () => {
  const fetch = linking({
    'https://api.test/rows': '<?page=9>; rel=next; anchor="/other", <?page=2>; rel=next, <?page=3>; rel=next',
    'https://api.test/rows?page=2': '',
  });

  expect(await collect(fetch)).toHaveLength(2);
});

it.each([
  ['is no URL', '<https://secret:x/>; rel=next'],
  ['stands behind what is malformed', '<?page=1>; rel="prev" junk, <?page=3>; rel="next"'],
  ['is cut off', '<?page=1>; rel="prev", <https://api.test/rows?page=secret-and-next'],
])('does not take the listing for ended where the next link %s', async (_what, link) => {
  const pages = linkPagination('https://api.test/rows', { fetch: linking({ 'https://api.test/rows': link }) });
  const error = await pages.next().catch((reason: unknown) => reason);

  expect(error).toMatchObject({ name: 'PageError', page: 1, status: 200, resume: undefined });
  expect((error as Error).message).toContain('its next link cannot be read');
  expect((error as Error).message).not.toContain('secret');
});

it.each(['junk', '<?page=1>; rel="prev" junk', '<http://[>; rel=prev', '<?page=9>; rel=next; anchor="/other"'])(
  'ends with a page whose only links are %s',
  async (link) => {
    expect(await collect(linking({ 'https://api.test/rows': link }))).toHaveLength(1);
  },
);

it.each([
  'https://evil.test/rows?token=secret',
  'http://api.test/rows?token=secret',
  'https://api.test:8443/rows?token=secret',
  'https://api.test.evil.test/rows?token=secret',
  'https://api.test@evil.test/rows?token=secret',
  '//evil.test/rows?token=secret',
  'data:text/plain,secret',
])('refuses to follow a link to %s', async (target) => {
  const fetch = vi.fn(linking({ 'https://api.test/rows': `<${target}>; rel=next` }));
  const pages = linkPagination('https://api.test/rows', { fetch });
  const { value } = await pages.next();

  const error = await pages.next().catch((reason: unknown) => reason);

  expect(error).toMatchObject({ name: 'CrossOriginError', page: 2, status: undefined, resume: value!.resume });
  expect((error as Error).message).not.toContain('secret');
  expect(fetch).toHaveBeenCalledTimes(1);
});

it('follows a link to an origin that is named', async () => {
  const fetch = linking({
    'https://api.test/rows': '<https://eu.api.test/rows>; rel=next',
    'https://eu.api.test/rows': '',
  });

  expect(await collect(fetch, { origins: ['https://eu.api.test'] })).toHaveLength(2);
});

it('does not trust an origin because it was redirected there', async () => {
  const fetch = vi.fn<Fetch>(async () => {
    const response = Response.json([], { headers: { link: '<?page=2>; rel=next' } });
    return Object.defineProperty(response, 'url', { value: 'https://evil.test/rows' });
  });

  await expect(collect(fetch, { init: { redirect: 'follow' } })).rejects.toMatchObject({ name: 'CrossOriginError' });
  expect(fetch).toHaveBeenCalledTimes(1);
});

it('refuses to go on at another origin', async () => {
  const fetch = vi.fn(linking({}));

  await expect(collect(fetch, { resume: { next: 'https://evil.test/rows' } })).rejects.toMatchObject({
    name: 'CrossOriginError',
  });
  expect(fetch).not.toHaveBeenCalled();
});

it('has nothing to go on to after the last page', async () => {
  const fetch = vi.fn(linking({ 'https://api.test/rows': '' }));
  const [last] = await collect(fetch);

  expect(await collect(fetch, { resume: last!.resume })).toEqual([]);
  expect(fetch).toHaveBeenCalledTimes(1);
});

it('throws on a link to the page it stands on, before asking again', async () => {
  const fetch = vi.fn(linking({ 'https://api.test/rows': '<https://api.test/rows>; rel=next' }));

  await expect(collect(fetch)).rejects.toMatchObject({ name: 'LinkLoopError', page: 2 });
  expect(fetch).toHaveBeenCalledTimes(1);
});

it.each([
  [0, 2],
  [0, 3],
  [3, 1],
  [5, 8],
  [1, 50],
  [200, 7],
  [30, 300],
])('throws after %i pages that lead into a circle of %i, before its second round is over', async (tail, round) => {
  const fetch = vi.fn<Fetch>(async (input) => {
    const page = Number(new URL(String(input)).searchParams.get('page') ?? 0);
    const next = page + 1 === tail + round ? tail : page + 1;
    return Response.json([{ id: page }], { headers: { link: `<?page=${next}>; rel=next` } });
  });

  await expect(collect(fetch, {}, 'https://api.test/rows?page=0')).rejects.toMatchObject({ name: 'LinkLoopError' });
  expect(fetch.mock.calls.length).toBeLessThanOrEqual(tail + 2 * round);
});

it('takes no long listing for a circle', async () => {
  const fetch = linkingTo(5_000);

  expect(await collect(fetch)).toHaveLength(5_000);
});

it.each([[['nonsense']], [['ftp://api.test']]])('refuses the origins %o when called', (origins) => {
  expect(() => linkPagination('https://api.test/rows', { origins })).toThrow(/^linkPagination: origins must be/);
});

interface Row {
  readonly id: number;
}

/** Pages that never end are cut off beyond the longest listing here, since no timeout ends what waits for nothing. */
async function collect(fetch: Fetch, options: LinkPaginationOptions<Row> = {}, url = 'https://api.test/rows') {
  const pages: Page<Row>[] = [];
  for await (const page of linkPagination<Row>(url, { maxPages: 6_000, ...options, fetch })) pages.push(page);
  return pages;
}

/** Answers each of these URLs, with this `Link` header. */
function linking(links: Record<string, string>, rows: () => Row[] = () => [{ id: 0 }]): Fetch {
  return async (input) => {
    const link = links[String(input)];
    if (link === undefined) throw new TypeError(`Nothing at ${input}`);
    return Response.json(rows(), { headers: link ? { link } : {} });
  };
}

function linkingTo(last: number): Fetch {
  return async (input) => {
    const page = Number(new URL(String(input)).searchParams.get('page') ?? 1);
    return Response.json([], page < last ? { headers: { link: `<?page=${page + 1}>; rel=next` } } : {});
  };
}
