import { expect, it } from 'vitest';
import { cursorPagination, type Fetch, type Json, type NextCursor } from './cursor-pagination.ts';
import { nextCursor } from './next-cursor.ts';

const API = 'https://api.test/list?limit=2';

it.each<[string, NextCursor, Json, string]>([
  ['Airtable', nextCursor.airtable, { records: [{}], offset: 'itrX/recY' }, `${API}&offset=itrX%2FrecY`],
  ['Anthropic', nextCursor.anthropic, { data: [{}], has_more: true, first_id: 'a', last_id: 'b' }, `${API}&after_id=b`],
  ['Anthropic by page', nextCursor.anthropicPage, { data: [{}], next_page: 'x' }, `${API}&page=x`],
  [
    'Anthropic by token',
    nextCursor.anthropicToken,
    { data: [{}], has_more: true, next_page: 'x' },
    `${API}&page_token=x`,
  ],
  // django-rest-framework.org/api-guide/pagination, PageNumberPagination; a cursor's and an offset's `next` look alike.
  [
    'Django REST framework',
    nextCursor.django,
    { count: 1023, next: 'https://api.test/list?limit=2&page=5', previous: null, results: [{}] },
    `${API}&page=5`,
  ],
  ['Google', nextCursor.google, { files: [{}], nextPageToken: 'a+b/c=' }, `${API}&pageToken=a%2Bb%2Fc%3D`],
  [
    'HubSpot',
    nextCursor.hubspot,
    { results: [{}], paging: { next: { after: 'NTI1Cg%3D%3D', link: 'https://api.test/?after=NTI1Cg%3D%3D' } } },
    `${API}&after=NTI1Cg%253D%253D`,
  ],
  [
    'Intercom',
    nextCursor.intercom,
    {
      type: 'list',
      data: [{}],
      pages: { type: 'pages', page: 1, total_pages: 3, next: { page: 2, starting_after: 'x' } },
    },
    `${API}&starting_after=x`,
  ],
  // jsonapi.org/format/1.1, document links and fetching-pagination: a link is a URL or an object that holds one.
  [
    'JSON:API',
    nextCursor.jsonApi,
    { links: { self: API, next: 'https://api.test/list?page[number]=2', prev: null }, data: [{}] },
    'https://api.test/list?page[number]=2',
  ],
  [
    'JSON:API with link objects',
    nextCursor.jsonApi,
    { links: { next: { href: '/list?page[cursor]=x', title: 'More' } }, data: [{}] },
    'https://api.test/list?page[cursor]=x',
  ],
  ['Jira', nextCursor.jira, { issues: [{}], nextPageToken: 'x', isLast: false }, `${API}&nextPageToken=x`],
  [
    'Microsoft Graph',
    nextCursor.microsoftGraph,
    { value: [{}], '@odata.nextLink': 'https://api.test/v1.0/users?$skiptoken=x' },
    'https://api.test/v1.0/users?$skiptoken=x',
  ],
  [
    'Mixpanel',
    nextCursor.mixpanel,
    { page: 0, page_size: 1, session_id: '123-X', status: 'ok', total: 2, results: [{}] },
    `${API}&page=1&session_id=123-X`,
  ],
  [
    'Notion',
    nextCursor.notion,
    { object: 'list', results: [{}], next_cursor: 'x', has_more: true },
    `${API}&start_cursor=x`,
  ],
  ['OpenAI', nextCursor.openai, { data: [{}], first_id: 'a', last_id: 'b', has_more: true }, `${API}&after=b`],
  [
    'Salesforce',
    nextCursor.salesforce,
    { totalSize: 3222, done: false, nextRecordsUrl: '/services/data/v60.0/query/01gD-2000', records: [{}] },
    'https://api.test/services/data/v60.0/query/01gD-2000',
  ],
  [
    'Slack',
    nextCursor.slack,
    { ok: true, members: [{}], response_metadata: { next_cursor: 'dXNlcjpVMEc5V0ZYTlo=' } },
    `${API}&cursor=dXNlcjpVMEc5V0ZYTlo%3D`,
  ],
  [
    'Stripe',
    nextCursor.stripe,
    { object: 'list', data: [{ id: 'cus_1' }, { id: 'cus_2' }], has_more: true, url: '/v1/customers' },
    `${API}&starting_after=cus_2`,
  ],
  ['Stripe search', nextCursor.stripeSearch, { data: [{}], has_more: true, next_page: 'x' }, `${API}&page=x`],
  [
    'Stripe v2',
    nextCursor.stripeV2,
    { data: [{}], next_page_url: '/v2/events?page=x' },
    'https://api.test/v2/events?page=x',
  ],
  ['X', nextCursor.x, { data: [{}], meta: { result_count: 1, next_token: 'x' } }, `${API}&pagination_token=x`],
  [
    'Zendesk',
    nextCursor.zendesk,
    {
      tickets: [{}],
      meta: { has_more: true, after_cursor: 'xxx', before_cursor: 'yyy' },
      links: { next: 'https://z.test' },
    },
    `${API}&page%5Bafter%5D=xxx`,
  ],
  // developer.zendesk.com/api-reference/introduction/pagination, offset pagination.
  [
    'Zendesk by offset',
    nextCursor.zendeskOffset,
    { tickets: [{}], next_page: 'https://api.test/list.json?page=2', previous_page: null, count: 1_200 },
    'https://api.test/list.json?page=2',
  ],
])('goes on where %s says', async (_, next, body, url) => {
  expect(await secondRequest(next, body)).toBe(url);
});

it.each<[string, NextCursor, Json]>([
  ['Airtable', nextCursor.airtable, { records: [{}] }],
  ['Anthropic', nextCursor.anthropic, { data: [{}], has_more: false, last_id: 'b' }],
  ['Anthropic by page', nextCursor.anthropicPage, { data: [{}], next_page: null }],
  ['Anthropic by token', nextCursor.anthropicToken, { data: [{}], has_more: false, next_page: null }],
  ['Django REST framework', nextCursor.django, { count: 1, next: null, previous: null, results: [{}] }],
  ['Google', nextCursor.google, { files: [{}], nextPageToken: '' }],
  ['HubSpot', nextCursor.hubspot, { results: [{}] }],
  ['HubSpot without next', nextCursor.hubspot, { results: [{}], paging: {} }],
  ['Intercom', nextCursor.intercom, { type: 'list', data: [{}], pages: { next: null } }],
  ['JSON:API', nextCursor.jsonApi, { links: { self: API, next: null }, data: [{}] }],
  ['JSON:API without links', nextCursor.jsonApi, { data: [{}] }],
  ['Jira', nextCursor.jira, { issues: [{}], isLast: true }],
  ['Microsoft Graph', nextCursor.microsoftGraph, { value: [{}], '@odata.deltaLink': 'https://api.test/delta' }],
  ['Mixpanel', nextCursor.mixpanel, { page: 3, page_size: 2, session_id: '123-X', results: [{}] }],
  ['Notion', nextCursor.notion, { results: [{}], next_cursor: null, has_more: false }],
  ['OpenAI', nextCursor.openai, { data: [{}], last_id: 'b', has_more: false }],
  ['Salesforce', nextCursor.salesforce, { totalSize: 1, done: true, records: [{}] }],
  ['Slack', nextCursor.slack, { ok: true, members: [{}], response_metadata: { next_cursor: '' } }],
  ['Slack without metadata', nextCursor.slack, { ok: true, members: [{}] }],
  ['Stripe', nextCursor.stripe, { data: [{ id: 'cus_1' }], has_more: false }],
  ['Stripe search', nextCursor.stripeSearch, { data: [{}], has_more: false, next_page: null }],
  ['Stripe v2', nextCursor.stripeV2, { data: [{}], next_page_url: null }],
  ['X', nextCursor.x, { data: [{}], meta: { result_count: 1 } }],
  ['Zendesk', nextCursor.zendesk, { tickets: [{}], meta: { has_more: false, after_cursor: null } }],
  ['Zendesk by offset', nextCursor.zendeskOffset, { tickets: [{}], next_page: null, count: 1 }],
])('ends where %s says', async (_, next, body) => {
  expect(await secondRequest(next, body)).toBeUndefined();
});

it.each<[string, NextCursor, Json]>([
  ['Stripe', nextCursor.stripe, { data: [], has_more: true }],
  ['OpenAI', nextCursor.openai, { data: [], last_id: null, has_more: true }],
  ['Anthropic', nextCursor.anthropic, { data: [], last_id: null, has_more: true }],
  ['Zendesk', nextCursor.zendesk, { tickets: [], meta: { has_more: true } }],
  ['Zendesk by offset', nextCursor.zendesk, { tickets: [], next_page: 'https://z.test', count: 1_200 }],
])('does not end quietly where %s has more but no cursor to it', async (_, next, body) => {
  await expect(secondRequest(next, body)).rejects.toMatchObject({ name: 'PageError', page: 1 });
});

it.each<[string, NextCursor, Json]>([
  ['Django REST framework', nextCursor.django, { next: 'https://evil.test/list', results: [{}] }],
  ['JSON:API', nextCursor.jsonApi, { links: { next: { href: 'https://evil.test/list' } }, data: [{}] }],
  ['Microsoft Graph', nextCursor.microsoftGraph, { value: [{}], '@odata.nextLink': 'https://evil.test/list' }],
  ['Salesforce', nextCursor.salesforce, { records: [{}], nextRecordsUrl: 'https://evil.test/list' }],
  ['Stripe v2', nextCursor.stripeV2, { data: [{}], next_page_url: 'https://evil.test/list' }],
  ['Zendesk by offset', nextCursor.zendeskOffset, { tickets: [{}], next_page: 'https://evil.test/list' }],
])('takes no credentials along where the URL of %s leads elsewhere', async (_, next, body) => {
  await expect(secondRequest(next, body)).rejects.toMatchObject({ name: 'CrossOriginError', page: 2 });
});

it('goes on in the variables of GraphQL, as Shopify and GitHub have it, and leaves the others', async () => {
  const asked: Json[] = [];
  const fetch: Fetch = async (_input, init) => {
    asked.push(JSON.parse(String(init?.body)));
    const pageInfo = { hasNextPage: asked.length < 2, endCursor: 'eyJsYXN0' };
    return Response.json({ data: { products: { nodes: [{ id: asked.length }], pageInfo } } });
  };
  const query = 'query ($first: Int!, $after: String) { products(first: $first, after: $after) { … } }';
  const pages = cursorPagination<Json>('https://shop.test/admin/api/2026-10/graphql.json', {
    fetch,
    init: { method: 'POST', body: JSON.stringify({ query, variables: { first: 250 } }) },
    items: ({ data }) => data.products.nodes,
    next: ({ data: { products } }) =>
      products.pageInfo.hasNextPage && { variables: { after: products.pageInfo.endCursor } },
  });

  const read: Json[] = [];
  for await (const { items } of pages) read.push(...items);

  expect(read).toEqual([{ id: 1 }, { id: 2 }]);
  expect(asked.map(({ variables }) => variables)).toEqual([{ first: 250 }, { first: 250, after: 'eyJsYXN0' }]);
  expect(asked[1].query).toBe(query);
});

it('sends a cursor that is a list as it came', async () => {
  const bodies: Json[] = [];
  const fetch: Fetch = async (_input, init) => {
    bodies.push(JSON.parse(String(init?.body)));
    return Response.json({ hits: [{ sort: [bodies.length, 'x'] }] });
  };
  const pages = cursorPagination<Json>('https://search.test/_search', {
    fetch,
    init: { method: 'POST', body: '{"search_after":[0,"a"]}' },
    next: (_body, items) => ({ search_after: items.at(-1).sort }),
  });

  await pages.next();
  await pages.next();
  await pages.return();

  expect(bodies).toEqual([{ search_after: [0, 'a'] }, { search_after: [1, 'x'] }]);
});

/** The URL asked for after `body`. */
async function secondRequest(next: NextCursor, body: Json): Promise<string | undefined> {
  const asked: string[] = [];
  const fetch: Fetch = async (input) => {
    asked.push(String(input));
    return Response.json(body);
  };
  let pages = 0;
  for await (const page of cursorPagination(API, { fetch, next, maxPages: 2 }))
    pages += page.response.status === 200 ? 1 : 0;
  return pages > 0 ? asked[1] : undefined;
}
