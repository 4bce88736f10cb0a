import { adaptiveThrottle } from '@steadfetch/adaptive-throttle';
import { tokenCache } from '@steadfetch/token-cache';
import { bearer, clientCredentials } from '@steadfetch/token-cache/oauth';
import { describe, expect, it } from 'vitest';
import { CLIENT, WORLDS, type World } from './world.ts';

const virtual = WORLDS[0]!;

describe('the order of bearer and adaptiveThrottle', () => {
  // Twenty calls at once, two a second, with a token that lives for two seconds.
  it('leaves no token to go stale in the queue, where bearer stands inside', async () => {
    await using world = await virtual.open('auth/token-expires-mid-run');
    const { authorize, throttle } = policies(world);

    const statuses = await callAtOnce(throttle(authorize(world.fetch)), world);

    expect(statuses).toEqual(Array(20).fill(200));
    expect(answered(world, 401)).toBe(0);
  });

  it('sends stale tokens, and loses calls by them, where bearer stands outside', async () => {
    await using world = await virtual.open('auth/token-expires-mid-run');
    const { authorize, throttle } = policies(world);

    const statuses = await callAtOnce(authorize(throttle(world.fetch)), world);

    expect(statuses).toContain(401);
    expect(answered(world, 401)).toBeGreaterThan(10);
  });
});

function policies({ baseUrl, fetch }: World) {
  const request = clientCredentials({ tokenUrl: `${baseUrl}/oauth/token`, ...CLIENT, fetch });
  return { authorize: bearer(tokenCache({ request }), { origins: [baseUrl] }), throttle: adaptiveThrottle() };
}

function callAtOnce(fetch: typeof globalThis.fetch, { baseUrl }: World): Promise<number[]> {
  return Promise.all(Array.from({ length: 20 }, async () => (await fetch(`${baseUrl}/items`)).status));
}

function answered({ provider }: World, status: number): number {
  return provider.ledger.entries.filter((entry) => entry.status === status).length;
}
