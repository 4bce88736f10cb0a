import { adaptiveThrottle } from '@steadfetch/adaptive-throttle';
import { backoff } from '@steadfetch/backoff';
import { circuitBreaker } from '@steadfetch/circuit-breaker';
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

describe('the order of circuitBreaker and adaptiveThrottle', () => {
  // A hundred calls at once, while everything fails.
  it('sends nothing more once the circuit is open, where circuitBreaker stands inside', async () => {
    await using world = await virtual.open('resilience/outage');

    await callAtOnce(adaptiveThrottle()(circuitBreaker()(world.fetch)), world, 100);

    expect(world.provider.ledger.entries.length).toBeLessThan(20);
  });

  it('sends all that queued before the circuit opened, where circuitBreaker stands outside', async () => {
    await using world = await virtual.open('resilience/outage');

    await callAtOnce(circuitBreaker()(adaptiveThrottle()(world.fetch)), world, 100);

    expect(world.provider.ledger.entries).toHaveLength(100);
  });

  // The provider asks for a second of rest; twenty callers have half a second, and give up while they queue.
  it('opens no circuit for those who waited in vain, where circuitBreaker stands inside', async () => {
    await using world = await virtual.open('rate-limit/retry-after-seconds');
    const breaker = circuitBreaker();

    await impatiently(adaptiveThrottle()(breaker(world.fetch)), world);

    expect(breaker.state(new URL(world.baseUrl).origin)).toBe('closed');
  });

  it('opens the circuit of a provider that nobody asked, where circuitBreaker stands outside', async () => {
    await using world = await virtual.open('rate-limit/retry-after-seconds');
    const breaker = circuitBreaker({ openMs: 60_000 });

    await impatiently(breaker(adaptiveThrottle()(world.fetch)), world);

    expect(breaker.state(new URL(world.baseUrl).origin)).toBe('open');
  });
});

describe('the order of backoff and circuitBreaker', () => {
  // Twelve calls, one after the other, while everything fails.
  it('lets the circuit hear of every attempt, where circuitBreaker stands inside', async () => {
    await using world = await virtual.open('resilience/outage');

    await oneByOne(backoff()(circuitBreaker()(world.fetch)), world, 12);

    expect(world.provider.ledger.entries.length).toBeLessThan(20);
  });

  it('multiplies what is sent until it opens, where circuitBreaker stands outside', async () => {
    await using world = await virtual.open('resilience/outage');

    await oneByOne(circuitBreaker()(backoff({ budget: false })(world.fetch)), world, 12);

    expect(world.provider.ledger.entries.length).toBeGreaterThan(30);
  });
});

function policies({ baseUrl, fetch }: World) {
  const request = clientCredentials({ tokenUrl: `${baseUrl}/oauth/token`, ...CLIENT, fetch });
  return { authorize: bearer(tokenCache({ request }), { origins: [baseUrl] }), throttle: adaptiveThrottle() };
}

type Fetch = typeof globalThis.fetch;

/** What became of each: its status, or the name of its error. */
function callAtOnce(fetch: Fetch, { baseUrl }: World, calls = 20, signal?: () => AbortSignal): Promise<unknown[]> {
  const call = () => fetch(`${baseUrl}/items`, { signal: signal?.() ?? null });
  return Promise.all(Array.from({ length: calls }, () => call().then(({ status }) => status, nameOf)));
}

async function oneByOne(fetch: Fetch, world: World, calls: number): Promise<void> {
  for (let call = 0; call < calls; call += 1) await callAtOnce(fetch, world, 1);
}

/** The second call is throttled; those after it have a deadline of their own. */
async function impatiently(fetch: Fetch, world: World): Promise<void> {
  await oneByOne(fetch, world, 2);
  await callAtOnce(fetch, world, 20, () => {
    const deadline = new AbortController();
    setTimeout(() => deadline.abort(new DOMException('too late', 'TimeoutError')), 500);
    return deadline.signal;
  });
}

function nameOf({ name }: Error): string {
  return name;
}

function answered({ provider }: World, status: number): number {
  return provider.ledger.entries.filter((entry) => entry.status === status).length;
}
