import { tokenCache } from '@steadfetch/token-cache';
import { bearer, clientCredentials } from '@steadfetch/token-cache/oauth';
import { describe, expect } from 'vitest';
import { CLIENT, WORLDS, type World } from './world.ts';

describe.each(WORLDS)('token-cache $name', ({ open, it }) => {
  it('auth/token-expires-mid-run: renews before the end, and no request is refused', async () => {
    await using world = await open('auth/token-expires-mid-run');
    const authorized = authorize(world);

    for (let call = 0; call < 5; call += 1) {
      await untilServed(() => authorized(`${world.baseUrl}/items`));
    }

    expect(statuses(world)).not.toContain(401);
    expect(world.provider.ledger.tally().tokenRequests).toBeGreaterThan(1);
  });

  it('auth/token-revoked-mid-run: replaces the refused token once for many callers', async () => {
    await using world = await open('auth/token-revoked-mid-run');
    const authorized = authorize(world);
    const items = `${world.baseUrl}/items`;
    for (let call = 0; call < 4; call += 1) expect((await authorized(items)).status).toBe(200);

    const together = await Promise.all(Array.from({ length: 4 }, () => authorized(items)));

    expect(together.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(world.provider.ledger.tally().tokenRequests).toBe(2);
  });

  it('auth/token-endpoint-unavailable: says so, forgets the failure, and gets a token later', async () => {
    await using world = await open('auth/token-endpoint-unavailable');
    const authorized = authorize(world);
    const items = `${world.baseUrl}/items`;

    await expect(authorized(items)).rejects.toMatchObject({ name: 'TokenRequestError', status: 503 });
    await expect(authorized(items)).rejects.toMatchObject({ name: 'TokenRequestError', status: 503 });
    expect((await authorized(items)).status).toBe(200);
  });
});

function authorize(world: World): typeof globalThis.fetch {
  const request = clientCredentials({ tokenUrl: `${world.baseUrl}/oauth/token`, ...CLIENT, fetch: world.fetch });
  return bearer(tokenCache({ request }), { origins: [world.baseUrl] })(world.fetch);
}

/** Asks again, after the time it was told, until it is not throttled. */
async function untilServed(ask: () => Promise<Response>): Promise<void> {
  for (;;) {
    const response = await ask();
    if (response.status !== 429) return;
    await new Promise((resolve) => setTimeout(resolve, Number(response.headers.get('retry-after')) * 1_000));
  }
}

function statuses({ provider }: World): number[] {
  return provider.ledger.entries.map(({ status }) => status);
}
