import { once } from 'node:events';
import { type RateLimitData, REST, RESTEvents } from '@discordjs/rest';
import type { ConfigInput } from '@steadfetch/fake-provider';
import { expect, it } from 'vitest';
import { type Platform, platform } from './platform.ts';

const MESSAGES = '/channels/417719834231439370/messages';
const MEMBERS = '/guilds/417719834231439371/members';

it('waits before the bucket is empty, and never meets a 429', async () => {
  await using api = await open([bucket('messages', 3, 0.6)]);
  const rest = restOf(api);
  const waits: RateLimitData[] = [];
  rest.on(RESTEvents.RateLimited, (data) => waits.push(data));
  await Promise.all(Array.from({ length: 7 }, () => rest.get(MESSAGES)));

  expect(api.statuses()).toEqual([200, 200, 200, 200, 200, 200, 200]);
  expect(waits.length).toBeGreaterThanOrEqual(1);
  expect(waits[0]).toMatchObject({ global: false, limit: 3, scope: 'user' });
  expect(rest.hashes.get('GET:/channels/:id/messages')?.value).toMatch(/^[0-9a-f]{32}$/);
});

it('lets one bucket wait while another is served', async () => {
  await using api = await open([bucket('messages', 2, 1), bucket('members', 5, 1)]);
  const rest = restOf(api);
  // The first answer names the bucket, and only the second is counted in it.
  await rest.get(MESSAGES);
  await rest.get(MESSAGES);
  const waiting = rest.get(MESSAGES);
  await Promise.all([rest.get(MEMBERS), rest.get(MEMBERS)]);
  await waiting;

  expect(routes(api)).toEqual(['messages', 'messages', 'members', 'members', 'messages']);
  expect(api.statuses()).toEqual([200, 200, 200, 200, 200]);
});

it('stays away for as long as a 429 says, where somebody else emptied the bucket', async () => {
  await using api = await open([bucket('messages', 2, 1.2)]);
  const [one, other] = [restOf(api), restOf(api)];
  await one.get(MESSAGES);
  await one.get(MESSAGES);
  await other.get(MESSAGES);

  expect(api.statuses()).toEqual([200, 200, 429, 200]);
});

it('holds back every route, once the whole bot is limited', async () => {
  await using api = await open([
    bucket('messages', 100, 60),
    bucket('members', 100, 60),
    { ...bucket('global', 3, 1), announced: false, routes: undefined },
  ]);
  const rest = restOf(api);
  for (let call = 0; call < 3; call += 1) await rest.get(MESSAGES);
  const refused = once(rest, RESTEvents.Response);
  const first = rest.get(MESSAGES);
  await refused;
  await new Promise((resolve) => setImmediate(resolve));
  await Promise.all([first, rest.get(MEMBERS)]);

  const { entries } = api.provider.ledger;
  const [denied, ...later] = entries.slice(-3);
  expect(api.statuses()).toEqual([200, 200, 200, 429, 200, 200]);
  expect(denied).toMatchObject({ simulated: 'global' });
  for (const { atMs } of later) expect(atMs - denied!.atMs).toBeGreaterThanOrEqual(1_000);
});

it('reads a page after an id, and gives up on a token that is wrong', async () => {
  await using api = await open([]);
  const rest = restOf(api);
  const query = (after: Record<string, string>) => ({ query: new URLSearchParams({ limit: '2', ...after }) });
  const first = (await rest.get(MESSAGES, query({}))) as { id: string }[];
  const second = (await rest.get(MESSAGES, query({ after: first[1]!.id }))) as { id: string }[];

  expect(new Set([...first, ...second].map(({ id }) => id)).size).toBe(4);
  await expect(restOf({ ...api, token: 'wrong' }).get(MESSAGES)).rejects.toMatchObject({ status: 401 });
});

type Limit = NonNullable<ConfigInput['limits']>[number];

const open = (limits: Limit[]): Promise<Platform> => platform('discord', '/api/oauth2/token', { limits });

function restOf({ url, token }: Pick<Platform, 'url' | 'token'>): REST {
  return new REST({ api: `${url}/api`, version: '10' }).setToken(token);
}

function bucket(name: 'messages' | 'members' | 'global', limit: number, windowSeconds: number) {
  const routes = {
    messages: ['GET /api/v10/channels/:channel_id/messages'],
    members: ['GET /api/v10/guilds/:guild_id/members'],
    global: undefined,
  }[name];
  return {
    kind: 'fixed-window' as const,
    name,
    routes,
    with: { limit, windowSeconds, begins: 'first-request' as const },
  };
}

function routes({ provider }: Platform): string[] {
  return provider.ledger.entries.slice(1).map(({ path }) => path.replace(/.*\//, ''));
}
