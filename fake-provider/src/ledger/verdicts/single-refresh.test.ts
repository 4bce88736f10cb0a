import { expect, it } from 'vitest';
import { manualClock } from '../../clock.ts';
import type { ConfigInput } from '../../config.ts';
import { createProvider } from '../../provider.ts';

const NAME = 'single-refresh';

it('passes one refresh for many expiries', async () => {
  const { get, clock, token, judgement } = open({ auth: { tokenTtlSeconds: 10 } });
  for (let round = 0; round < 3; round += 1) {
    const headers = await token();
    clock.advance(10_000);
    await Promise.all(Array.from({ length: 8 }, () => get('/items', { headers })));
  }

  expect(judgement()).toMatchObject({ passed: true });
});

it('passes a refresh a little early, and one after a revocation', async () => {
  const { get, clock, token, provider, judgement } = open({ auth: { tokenTtlSeconds: 10 } });
  await token();
  clock.advance(9_000);
  const headers = await token();
  provider.revokeTokens();
  await get('/items', { headers });
  await token();

  expect(judgement().passed).toBe(true);
});

it('passes a refresh after a refusal that has another status, as Slack has it', async () => {
  const { get, provider, token, judgement } = open({ dialect: 'slack', auth: { tokenTtlSeconds: 3_600 } });
  const headers = await token('/api/oauth.v2.access');
  provider.revokeTokens();
  const answer = await get('/items', { headers });
  await token('/api/oauth.v2.access');

  expect(answer).toMatchObject({ status: 200 });
  expect(provider.ledger.entries[1]).toMatchObject({ status: 200, isUnauthorized: true });
  expect(judgement().passed).toBe(true);
});

it('catches a stampede to the token endpoint', async () => {
  const { get, clock, token, judgement } = open({ auth: { tokenTtlSeconds: 10 } });
  const headers = await token();
  clock.advance(10_000);
  await Promise.all(
    Array.from({ length: 3 }, async () => {
      await get('/items', { headers });
      await token();
    }),
  );

  expect(judgement()).toMatchObject({ passed: false, found: 2 });
  expect(judgement().findings[0]).toMatchObject({ actual: 'another token after 0 ms' });
});

function open(config: ConfigInput = {}) {
  const clock = manualClock();
  const provider = createProvider({ auth: false, ...config }, { clock });
  const get = (path: string, init?: RequestInit) =>
    provider.fetch(`https://api.test${path}`, init).catch(() => undefined);
  const judgement = () => provider.report().manners.find(({ verdict }) => verdict === NAME)!;
  const token = async (path = '/oauth/token') => {
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: 'demo-client',
      client_secret: 'demo-secret',
    });
    const answer = await get(path, { method: 'POST', body });
    return { authorization: `Bearer ${(await answer!.json()).access_token}` };
  };
  return { token, provider, clock, get, judgement };
}
