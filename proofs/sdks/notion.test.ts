import { APIErrorCode, Client, collectPaginatedAPI, isNotionClientError } from '@notionhq/client';
import type { ConfigInput } from '@steadfetch/fake-provider';
import { expect, it } from 'vitest';
import { type Platform, platform } from './platform.ts';

const QUERY = { data_source_id: '2c9f4a6e-51b3-4f0d-9e77-3a1d5c8b2f60' };
const USERS = 'GET /v1/users';

it('collects every page of a listing', async () => {
  await using api = await open({ resources: { users: { records: 7 } } });
  const { users } = clientOf(api);
  const delivered = await collectPaginatedAPI(users.list, { page_size: 3 });

  expect(api.provider.judge('users', delivered.map(idOf))).toMatchObject({
    expected: 7,
    delivered: 7,
    lost: [],
    duplicated: [],
  });
  expect(api.statuses()).toEqual([200, 200, 200]);
});

it('collects every page of a query, whose cursor is in the body', async () => {
  await using api = await open({ resources: { pages: { records: 5 } } });
  const { dataSources } = clientOf(api);
  const delivered = await collectPaginatedAPI(dataSources.query, { ...QUERY, page_size: 2 });

  expect(api.provider.judge('pages', delivered.map(idOf))).toMatchObject({ expected: 5, delivered: 5, lost: [] });
  expect(api.provider.ledger.entries.at(-1)).toMatchObject({ method: 'POST', status: 200 });
});

it('tries again after as many seconds as it was told, a POST as well', async () => {
  await using api = await open({
    limits: [
      { kind: 'fixed-window', name: 'connection', with: { limit: 1, windowSeconds: 1.5, begins: 'first-request' } },
    ],
  });
  const { dataSources } = clientOf(api);
  await dataSources.query(QUERY);
  const startedMs = performance.now();
  await dataSources.query(QUERY);

  expect(api.statuses()).toEqual([200, 429, 200]);
  expect(performance.now() - startedMs).toBeGreaterThan(1_900);
});

it('says what the limit said, once it has no tries left', async () => {
  await using api = await open({ limits: [{ kind: 'quota', name: 'workspace', purpose: 'rate', with: { limit: 1 } }] });
  const { users } = clientOf(api, false);
  await users.list({});
  const error = await users.list({}).catch((reason: unknown) => reason);

  expect(isNotionClientError(error)).toBe(true);
  expect(error).toMatchObject({ code: APIErrorCode.RateLimited, status: 429, request_id: expect.any(String) });
  expect(error).toHaveProperty('additional_data', { rate_limit_reason: 'workspace' });
});

it('tries again where the platform is overloaded, by the code in the body', async () => {
  await using api = await open({
    faults: [{ fault: 'overloaded', on: { route: USERS, calls: [1] }, with: { retryAfterSeconds: 1 } }],
  });
  await clientOf(api).users.list({});

  expect(api.statuses()).toEqual([529, 200]);
});

it('does not try again where the body of a 429 says nothing', async () => {
  await using api = await open({ faults: [{ fault: 'html-error-page', on: { route: USERS }, with: { status: 429 } }] });

  await expect(clientOf(api).users.list({})).rejects.toMatchObject({ name: 'UnknownHTTPResponseError' });
  expect(api.statuses()).toEqual([429]);
});

it.each([
  ['a token that is wrong', 'secret_wrong', APIErrorCode.Unauthorized],
  ['a page that is too large', undefined, APIErrorCode.ValidationError],
])('does not try again for %s', async (_what, wrong, code) => {
  await using api = await open();
  const client = clientOf({ ...api, token: wrong ?? api.token });

  await expect(client.users.list({ page_size: 101 })).rejects.toMatchObject({ code });
  expect(api.statuses()).toHaveLength(1);
});

const open = (config: ConfigInput = {}): Promise<Platform> => platform('notion', '/v1/oauth/token', config);

const idOf = ({ id }: { id: string }): { id: string } => ({ id });

function clientOf({ url, token }: Pick<Platform, 'url' | 'token'>, retry?: false): Client {
  return new Client({ auth: token, baseUrl: url, logger: () => {}, ...(retry === undefined ? {} : { retry }) });
}
