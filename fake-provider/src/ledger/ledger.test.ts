import { expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import { createProvider } from '../provider.ts';

it('holds every request in the order of arrival, with what came of it', async () => {
  const { provider, clock, get, token } = await open();
  clock.advance(1_000);
  await get('/users?limit=2', token);
  await get('/users', token);
  await get('/users/nothing', token);
  await get('/users', 'tok_nonsense');
  await get('/nothing', token);

  const common = { atMs: clock.now(), client: 'one', method: 'GET', simulated: undefined, listed: undefined };
  const list = { path: '/users', route: 'GET /users' };
  expect(provider.ledger.entries.slice(1)).toMatchObject([
    { ...common, ...list, sequence: 2, nth: 1, status: 200, listed: { resource: 'users', revision: 0 } },
    { ...common, ...list, sequence: 3, nth: 2, status: 503, simulated: 'unavailable' },
    { ...common, sequence: 4, path: '/users/nothing', route: 'GET /users/:id', nth: 1, status: 404 },
    { ...common, ...list, sequence: 5, client: 'anonymous', nth: 1, status: 401 },
    { ...common, sequence: 6, path: '/nothing', route: 'unknown', nth: 1, status: 404 },
  ]);
});

it('counts what came after a given entry', async () => {
  const { provider, get, token } = await open();
  for (let count = 0; count < 4; count += 1) await get('/users', token).catch(() => {});

  expect(provider.ledger.tally()).toEqual({ requests: 5, throttled: 1, failed: 2, tokenRequests: 1 });
  expect(provider.ledger.tally(1)).toEqual({ requests: 4, throttled: 1, failed: 2, tokenRequests: 0 });
  expect(provider.ledger.tally(5)).toEqual({ requests: 0, throttled: 0, failed: 0, tokenRequests: 0 });
});

it('holds neither credential nor query nor body', async () => {
  const { provider, get, token } = await open();
  await get(`/users?access_token=${token}&cursor=hidden`, token);
  await get('/users', token, { 'x-api-key': 'hidden' });

  const all = JSON.stringify(provider.ledger.entries);
  for (const hidden of [token, 'secret', 'hidden', 'access_token']) expect(all).not.toContain(hidden);
});

/** A provider that knows one client, and fails from its second listing on. */
async function open() {
  const clock = manualClock();
  const provider = createProvider(
    {
      auth: { clients: { one: 'secret' } },
      resources: { users: { records: 5 } },
      faults: [
        { fault: 'unavailable', on: { route: 'GET /users', calls: [2] } },
        { fault: 'rate-limited', on: { route: 'GET /users', calls: [3] } },
        { fault: 'reset', on: { route: 'GET /users', calls: [4] } },
      ],
    },
    { clock },
  );
  const answer = await provider.fetch('https://api.test/oauth/token', {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: 'one', client_secret: 'secret' }),
  });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  const get = (path: string, credential: string, headers = {}) =>
    provider.fetch(`https://api.test${path}`, { headers: { ...headers, authorization: `Bearer ${credential}` } });
  return { provider, clock, token, get };
}
