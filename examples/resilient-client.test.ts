import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { resilientClient } from './resilient-client.ts';
import { kyExample } from './sdks/ky.ts';
import { saidToRetry } from './sdks/said-to-retry.ts';

type Fetch = typeof globalThis.fetch;

const API = 'https://api.test';

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) }).setTimerTickMode('nextTimerAsync'));
afterEach(() => void vi.useRealTimers());

it('asks a token endpoint that is away four times, not four times for each of six attempts', async () => {
  const { send, asked } = client(async () => {
    throw new TypeError('fetch failed');
  });

  await expect(send(`${API}/items`)).rejects.toMatchObject({ name: 'TokenRequestError' });

  expect(asked()).toBe(4);
});

it('asks a token endpoint not again before it may, rather than run out of time and ask then', async () => {
  const { send, asked } = client(async () => new Response(null, { status: 429, headers: { 'retry-after': '60' } }));

  await expect(send(`${API}/items`)).rejects.toMatchObject({ name: 'TokenRequestError', status: 429 });

  expect(asked()).toBe(1);
});

it('lets nobody in line wait longer than backoff would', async () => {
  let calls = 0;
  const { send } = client(granted, async () => {
    calls += 1;
    return calls === 1 ? new Response(null, { status: 429, headers: { 'retry-after': '600' } }) : new Response();
  });
  const startedAt = performance.now();

  expect((await send(`${API}/items`)).status).toBe(429);
  await expect(send(`${API}/items`)).rejects.toMatchObject({ name: 'QuotaExhaustedError' });

  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

it('finds the token endpoint of an origin with a slash behind it', async () => {
  const seen: string[] = [];
  const send = resilientClient({
    origin: `${API}/`,
    clientId: 'id',
    clientSecret: 'secret',
    fetch: async (input) => {
      seen.push(`${input}`);
      return granted();
    },
  });
  await send(`${API}/items`);

  expect(seen[0]).toBe(`${API}/oauth/token`);
});

it.each([
  ['x-should-retry', 'false', false],
  ['x-should-retry', 'true', true],
  ['stripe-should-retry', 'true', true],
  ['retry-after', '1', undefined],
])('hears what %s: %s says of a retry', (name, value, verdict) => {
  expect(saidToRetry(new Response(null, { headers: { [name]: value } }))).toBe(verdict);
});

it('lets ky wait as long as the server asks, though that is longer than its own deadline', async () => {
  let throttled = false;
  vi.stubGlobal('fetch', async (input: Parameters<Fetch>[0], init?: RequestInit) => {
    const { method, url } = new Request(input, init);
    if (url.endsWith('/oauth/token')) return granted();
    const wasThrottled = throttled;
    throttled = true;
    if (!wasThrottled) return new Response(null, { status: 429, headers: { 'retry-after': '20' } });
    return Response.json(method === 'GET' ? { data: [{ id: 'a' }], next_cursor: null } : { id: 'b' });
  });
  try {
    const { listed } = await kyExample.run({ origin: API, clientId: 'id', clientSecret: 'secret' });
    expect(listed).toEqual([{ id: 'a' }]);
  } finally {
    vi.unstubAllGlobals();
  }
});

async function granted(): Promise<Response> {
  return Response.json({ access_token: 'token', expires_in: 3_600 });
}

/** A client whose token endpoint and API answer as told, and how often the endpoint was asked. */
function client(token: () => Promise<Response>, api: () => Promise<Response> = async () => new Response()) {
  let count = 0;
  const send = resilientClient({
    origin: API,
    clientId: 'id',
    clientSecret: 'secret',
    fetch: (input) => {
      if (!`${input}`.endsWith('/oauth/token')) return api();
      count += 1;
      return token();
    },
  });
  return { send, asked: () => count };
}
