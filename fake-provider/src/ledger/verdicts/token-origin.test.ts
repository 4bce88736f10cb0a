import { afterEach, expect, it } from 'vitest';
import { createProvider } from '../../provider.ts';
import { type RunningServer, serve } from '../../transports/express.ts';

const servers: RunningServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

it('passes a client that sends its token to one origin, whatever name it uses for it', async () => {
  const { home, headers, judgement } = await open();
  await fetch(`${home}/items`, { headers });
  await fetch(`${home.replace('127.0.0.1', 'localhost')}/items`, { headers }).catch(() => {});

  expect(judgement().findings).toEqual([]);
});

it('passes a client that goes elsewhere without it', async () => {
  const { elsewhere, judgement } = await open();
  await fetch(`${elsewhere}/items`);

  expect(judgement().passed).toBe(true);
});

it('catches a client that takes its token elsewhere', async () => {
  const { home, elsewhere, headers, judgement } = await open();
  await fetch(`${home}/items`, { headers });
  await fetch(`${elsewhere}/items`, { headers });

  const { port } = new URL(elsewhere);
  expect(judgement().findings).toMatchObject([{ sequences: [3], actual: `credentials for http://localhost:${port}` }]);
});

it.each([
  ['a query', (token: string) => `/items?access_token=${token}`],
  ['a path', (token: string) => `/items/${token}`],
  ['a query, percent-encoded', () => '/items?secret=%64emo-secret'],
])('catches a secret in %s, and does not keep it', async (_where, path) => {
  const { home, headers, token, provider, judgement } = await open();
  await fetch(`${home}${path(token)}`, { headers });

  expect(judgement().findings).toMatchObject([{ sequences: [2], actual: 'a secret in the URL' }]);
  const kept = JSON.stringify([provider.ledger.entries, provider.report()]);
  for (const secret of [token, 'demo-secret']) expect(kept).not.toContain(secret);
});

/** One provider behind two origins, so that it sees what goes to either. */
async function open() {
  const provider = createProvider();
  servers.push(await serve(provider), await serve(provider));
  const [home, elsewhere] = servers.map(({ url }) => url) as [string, string];
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: 'demo-client',
    client_secret: 'demo-secret',
  });
  const answer = await fetch(`${home}/oauth/token`, { method: 'POST', body });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  const judgement = () => provider.report().manners.find(({ verdict }) => verdict === 'token-origin')!;
  return { provider, home, elsewhere, token, headers: { authorization: `Bearer ${token}` }, judgement };
}
