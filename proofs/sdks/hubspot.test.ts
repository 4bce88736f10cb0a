import { Client } from '@hubspot/api-client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Host, idsOf, start } from './platform.ts';

const LIST = 'GET /crm/v3/objects/contacts';
const SEARCH = 'POST /crm/v3/objects/contacts/search';

const BATCH = 'POST /crm/v3/objects/contacts/batch/create';

/** What the SDK says before it tries again. */
const said: string[] = [];

beforeEach(() => {
  said.length = 0;
  vi.spyOn(console, 'error').mockImplementation((text) => void said.push(String(text)));
});
afterEach(() => void vi.restoreAllMocks());

it('walks every page by paging.next.after', async () => {
  await using hubspot = await start({ profile: 'hubspot', auth: false, resources: { contacts: { records: 250 } } });

  const contacts = await client(hubspot).crm.contacts.getAll();

  expect(contacts.map(({ id }) => id)).toEqual(idsOf(hubspot, 'contacts'));
  expect(contacts[0]).toMatchObject({ properties: { version: '1' }, createdAt: expect.any(Date), archived: false });
  expect(hubspot.requests()).toEqual([`${LIST} 200`, `${LIST} 200`, `${LIST} 200`]);
});

it('finds a window length and a daily pair on a listing, nothing on a search', async () => {
  await using hubspot = await start({ profile: 'hubspot', auth: false });
  const { crm } = client(hubspot);

  const listed = await crm.contacts.basicApi.getPageWithHttpInfo(100);
  const found = await crm.contacts.searchApi.doSearchWithHttpInfo({ limit: 100 });

  expect(listed.headers).toMatchObject({
    'x-hubspot-ratelimit-max': '190',
    'x-hubspot-ratelimit-remaining': '189',
    'x-hubspot-ratelimit-interval-milliseconds': '10000',
    'x-hubspot-ratelimit-daily': '650000',
    'x-hubspot-ratelimit-daily-remaining': '649999',
  });
  expect(Object.keys(found.headers).filter((name) => name.includes('ratelimit'))).toEqual([]);
  expect(found.data).toMatchObject({ total: 1_000, paging: { next: { after: expect.any(String) } } });
});

it('tries a search again, a second later, for the exact words of the secondly limit', async () => {
  await using hubspot = await start({
    profile: 'hubspot',
    auth: false,
    limits: [
      { kind: 'fixed-window', name: 'secondly', with: { limit: 1, windowSeconds: 0.9, begins: 'first-request' } },
    ],
  });
  const { crm } = client(hubspot);

  await crm.contacts.searchApi.doSearch({ limit: 1 });
  await crm.contacts.searchApi.doSearch({ limit: 1 });

  expect(said).toEqual(['Request failed with status code [429], will retry [1] time in [1000] ms']);
  expect(hubspot.requests()).toEqual([`${SEARCH} 200`, `${SEARCH} 429`, `${SEARCH} 200`]);
});

it('tries again ten seconds later for the policy TEN_SECONDLY_ROLLING', async () => {
  await using hubspot = await start({
    profile: 'hubspot',
    auth: false,
    limits: [{ kind: 'fixed-window', name: 'ten-secondly-rolling', with: { limit: 1, windowSeconds: 600 } }],
  });
  const { crm } = client(hubspot);
  await crm.contacts.basicApi.getPage();

  const waiting = crm.contacts.basicApi.getPage();
  await vi.waitFor(() => expect(said).toHaveLength(1), 3_000);

  expect(said).toEqual(['Request failed with status code [429], will retry [1] time in [10000] ms']);
  waiting.catch(() => {});
});

it('gives up at once for the day, and hands over the body as it came', async () => {
  await using hubspot = await start({
    profile: 'hubspot',
    auth: false,
    limits: [{ kind: 'quota', name: 'daily', with: { limit: 1, period: 'day' } }],
  });
  const { crm } = client(hubspot);
  await crm.contacts.basicApi.getPage();

  await expect(crm.contacts.basicApi.getPage()).rejects.toMatchObject({
    code: 429,
    body: {
      status: 'error',
      message: 'You have reached your daily limit.',
      errorType: 'RATE_LIMIT',
      correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      policyName: 'DAILY',
      groupName: expect.stringContaining('publicapi:'),
    },
  });
  expect(said).toEqual([]);
  expect(hubspot.requests()).toEqual([`${LIST} 200`, `${LIST} 429`]);
});

it('is told which inputs of a batch failed, and has the rest', async () => {
  await using hubspot = await start({ profile: 'hubspot', auth: false, resources: { contacts: { records: 0 } } });
  const { batchApi } = client(hubspot).crm.contacts;
  const input = (name: string, objectWriteTraceId: string) => ({
    properties: { name },
    associations: [],
    objectWriteTraceId,
  });

  const whole = await batchApi.create({ inputs: [input('amber anchor', 'a-1')] });
  const partial = await batchApi.create({ inputs: [input('blue basin', 'b-1'), input('', 'b-2')] });

  expect(whole).toMatchObject({ status: 'COMPLETE', results: [{ properties: { name: 'amber anchor' } }] });
  expect(partial).toMatchObject({
    status: 'COMPLETE',
    results: [{ properties: { name: 'blue basin' } }],
    numErrors: 1,
    errors: [{ category: 'VALIDATION_ERROR', context: { objectWriteTraceId: ['b-2'] } }],
  });
  expect(hubspot.requests()).toEqual([`${BATCH} 201`, `${BATCH} 207`]);
});

it('is told of a token that has expired, and of one that is none', async () => {
  await using hubspot = await start({ profile: 'hubspot', clock: 'manual', auth: { tokenTtlSeconds: 60 } });
  const { crm } = client(hubspot, await hubspot.token('/oauth/v1/token'));

  await crm.contacts.basicApi.getPage();
  await expect(client(hubspot, 'pat-nonsense').crm.contacts.basicApi.getPage()).rejects.toMatchObject({
    code: 401,
    body: { category: 'INVALID_AUTHENTICATION' },
    headers: { 'x-hubspot-auth-failure': '401 Unauthorized' },
  });
  hubspot.provider.clock.advance(60_000);
  await expect(crm.contacts.basicApi.getPage()).rejects.toMatchObject({
    code: 401,
    body: {
      message: 'The OAuth token used to make this call expired 0 second(s) ago.',
      category: 'EXPIRED_AUTHENTICATION',
    },
  });
});

function client({ url }: Host, accessToken = 'pat-any'): Client {
  return new Client({ accessToken, basePath: url, numberOfApiCallRetries: 3 });
}
