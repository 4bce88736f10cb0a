import { Connection } from '@jsforce/jsforce-node';
import { expect, it } from 'vitest';
import { type Host, idsOf, start } from './platform.ts';

const QUERY = 'SELECT Id, Name FROM Account';
const FIRST = 'GET /services/data/:version/query';
const MORE = 'GET /services/data/:version/query/:locator';
const SMALL_PAGES = { accounts: { records: 250, pageSize: { default: 100, max: 100 } } };

it('walks every page by nextRecordsUrl', async () => {
  await using salesforce = await start({ profile: 'salesforce', auth: false, resources: SMALL_PAGES });
  const connection = new Connection({ instanceUrl: salesforce.url, accessToken: 'any' });

  const ids: (string | undefined)[] = [];
  let result = await connection.query(QUERY);
  for (;;) {
    ids.push(...result.records.map(({ Id }) => Id));
    if (result.done) break;
    result = await connection.queryMore(result.nextRecordsUrl!);
  }

  expect(ids).toEqual(idsOf(salesforce, 'accounts'));
  expect(result.totalSize).toBe(250);
  expect(salesforce.requests()).toEqual([`${FIRST} 200`, `${MORE} 200`, `${MORE} 200`]);
});

it('fetches all by itself where it is asked to', async () => {
  await using salesforce = await start({ profile: 'salesforce', auth: false, resources: SMALL_PAGES });
  const connection = new Connection({ instanceUrl: salesforce.url, accessToken: 'any' });

  const { records } = await connection.query(QUERY, { autoFetch: true, maxFetch: 1_000 });

  expect(records.map(({ Id }) => Id)).toEqual(idsOf(salesforce, 'accounts'));
});

it('reads what is used of the day from Sforce-Limit-Info', async () => {
  await using salesforce = await start({ profile: 'salesforce', auth: false });
  const connection = new Connection({ instanceUrl: salesforce.url, accessToken: 'any' });

  await connection.query(QUERY);
  await connection.query(QUERY);

  expect(connection.limitInfo).toEqual({ apiUsage: { used: 2, limit: 100_000 } });
});

it.each([
  ['quota', 'TotalRequests Limit exceeded.'],
  ['concurrency', 'ConcurrentRequests (Concurrent API Requests) Limit exceeded.'],
] as const)('raises REQUEST_LIMIT_EXCEEDED at once for a limit of %s', async (purpose, message) => {
  await using salesforce = await start({
    profile: 'salesforce',
    auth: false,
    limits: [{ kind: 'fixed-window', name: 'daily', purpose, with: { limit: 1, windowSeconds: 86_400 } }],
  });
  const connection = new Connection({ instanceUrl: salesforce.url, accessToken: 'any' });
  await connection.query(QUERY);

  await expect(connection.query(QUERY)).rejects.toMatchObject({
    name: 'REQUEST_LIMIT_EXCEEDED',
    errorCode: 'REQUEST_LIMIT_EXCEEDED',
    message,
  });
  expect(salesforce.requests()).toEqual([`${FIRST} 200`, `${FIRST} 403`]);
});

it('refreshes a session that has ended, once for all that notice, and repeats what failed', async () => {
  await using salesforce = await start(SESSIONS);
  const connection = await connect(salesforce);
  await connection.query(QUERY);
  salesforce.provider.revokeTokens();

  const results = await Promise.all([connection.query(QUERY), connection.query(QUERY)]);

  expect(results.map(({ done }) => done)).toEqual([true, true]);
  const requests = salesforce.requests();
  expect(requests.filter((request) => request === 'POST /services/oauth2/token 200')).toHaveLength(2);
  expect(requests.filter((request) => request === `${FIRST} 401`)).toHaveLength(2);
});

it('raises INVALID_SESSION_ID where it cannot refresh, and INVALID_QUERY_LOCATOR for a place that is none', async () => {
  await using salesforce = await start(SESSIONS);
  const stranger = new Connection({ instanceUrl: salesforce.url, accessToken: 'nonsense' });
  const connection = await connect(salesforce);

  await expect(stranger.query(QUERY)).rejects.toMatchObject({
    name: 'INVALID_SESSION_ID',
    message: 'Session expired or invalid',
  });
  await expect(connection.queryMore('/services/data/v60.0/query/01gnonsense-2000')).rejects.toMatchObject({
    name: 'INVALID_QUERY_LOCATOR',
  });
});

/** Logs in, with a refresh token for when the session ends. */
async function connect({ url, token }: Host): Promise<Connection> {
  return new Connection({
    oauth2: { loginUrl: url, clientId: 'demo-client', clientSecret: 'demo-secret' },
    instanceUrl: url,
    accessToken: await token('/services/oauth2/token'),
    refreshToken: 'demo-refresh',
  });
}

const SESSIONS = { profile: 'salesforce', auth: { refreshTokens: { 'demo-refresh': 'demo-client' } } } as const;
