import Stripe from 'stripe';
import { expect, it } from 'vitest';
import { type Host, idsOf, start } from './platform.ts';

const LIST = 'GET /v1/customers';
const GET = 'GET /v1/customers/:id';

it('walks every page by the id of its last record', async () => {
  await using platform = await start({ profile: 'stripe', auth: false, resources: { customers: { records: 250 } } });

  const customers = await client(platform).customers.list({ limit: 100 }).autoPagingToArray({ limit: 1_000 });

  expect(customers.map(({ id }) => id)).toEqual(idsOf(platform, 'customers'));
  expect(customers[0]).toMatchObject({ object: 'customer', created: expect.any(Number) });
  expect(platform.requests()).toEqual([`${LIST} 200`, `${LIST} 200`, `${LIST} 200`]);
});

it('finds the request id, and no counters, on a success', async () => {
  await using platform = await start({ profile: 'stripe', auth: false });

  const { lastResponse } = await client(platform).customers.list();

  expect(lastResponse.requestId).toMatch(/^req_[0-9a-f]{14}$/);
  expect(Object.keys(lastResponse.headers).filter((name) => /rate|retry/.test(name))).toEqual([]);
});

it.each([
  ['global-rate', 'global-rate'],
  ['endpoint-rate', 'endpoint-rate'],
  ['some-other', 'global-rate'],
])('never repeats a request that the limit %s refused', async (name, reason) => {
  await using platform = await start({
    profile: 'stripe',
    auth: false,
    limits: [{ kind: 'token-bucket', name, with: { ratePerSecond: 1, burst: 1 } }],
  });
  const stripe = client(platform);
  await stripe.customers.list();

  await expect(stripe.customers.list()).rejects.toMatchObject({
    type: 'StripeRateLimitError',
    statusCode: 429,
    code: 'rate_limit',
    headers: { 'stripe-rate-limited-reason': reason },
  });
  expect(platform.requests()).toEqual([`${LIST} 200`, `${LIST} 429`]);
});

it('repeats a request whose object was locked, since Stripe-Should-Retry says so', async () => {
  await using platform = await start({
    profile: 'stripe',
    auth: false,
    faults: [{ fault: 'locked', on: { route: GET, calls: [1, 2] } }],
  });
  const [id] = idsOf(platform, 'customers');

  expect((await client(platform).customers.retrieve(id!)).id).toBe(id);
  expect(platform.requests()).toEqual([`${GET} 429`, `${GET} 429`, `${GET} 200`]);
});

it('does not repeat a 500, since Stripe-Should-Retry forbids it, but a 503, which says nothing', async () => {
  await using platform = await start({
    profile: 'stripe',
    auth: false,
    faults: [
      { fault: 'internal-error', on: { route: LIST, calls: [1] } },
      { fault: 'unavailable', on: { route: LIST, calls: [2] } },
    ],
  });
  const stripe = client(platform);

  await expect(stripe.customers.list()).rejects.toMatchObject({ type: 'StripeAPIError', statusCode: 500 });
  await stripe.customers.list();

  expect(platform.requests()).toEqual([`${LIST} 500`, `${LIST} 503`, `${LIST} 200`]);
});

it('makes one object for one key, and says when it plays an answer back', async () => {
  await using platform = await start({ profile: 'stripe', auth: false });
  const { customers } = client(platform);
  const options = { idempotencyKey: 'order-1' };

  const first = await customers.create({ name: 'amber anchor' }, options);
  const again = await customers.create({ name: 'amber anchor' }, options);

  expect(first).toMatchObject({ id: expect.any(String), object: 'customer', name: 'amber anchor' });
  expect(again.id).toBe(first.id);
  expect(first.lastResponse.headers).not.toHaveProperty('idempotent-replayed');
  expect(again.lastResponse.headers).toMatchObject({ 'idempotent-replayed': 'true' });
  await expect(customers.create({ name: 'blue basin' }, options)).rejects.toMatchObject({
    type: 'StripeIdempotencyError',
    statusCode: 400,
  });
});

it('repeats a write whose key is in use, until the first one is done', async () => {
  await using platform = await start({ profile: 'stripe', auth: false, latency: { minMs: 300, maxMs: 300 } });
  const { customers } = client(platform);
  const create = () => customers.create({ name: 'amber anchor' }, { idempotencyKey: 'order-1' });

  const [one, other] = await Promise.all([create(), create()]);

  expect(one.id).toBe(other.id);
  expect(platform.requests().sort()).toEqual([
    'POST /v1/customers 200',
    'POST /v1/customers 200',
    'POST /v1/customers 409',
  ]);
});

it('is told of keys that are bad or expired, of what is not there, and of what it asked wrongly', async () => {
  await using platform = await start({ profile: 'stripe', clock: 'manual', auth: { tokenTtlSeconds: 60 } });
  const stripe = client(platform, await platform.token('/oauth/token'));

  await client(platform, 'sk_live_demo').customers.list();
  await expect(client(platform).customers.list()).rejects.toMatchObject({
    type: 'StripeAuthenticationError',
    message: 'Invalid API Key provided: ****',
  });
  await expect(stripe.customers.retrieve('cus_none')).rejects.toMatchObject({
    type: 'StripeInvalidRequestError',
    code: 'resource_missing',
    param: 'id',
  });
  await expect(stripe.customers.list({ limit: 1_000 })).rejects.toMatchObject({
    type: 'StripeInvalidRequestError',
    param: 'limit',
  });
  platform.provider.clock.advance(60_000);
  await expect(stripe.customers.list()).rejects.toMatchObject({
    type: 'StripeAuthenticationError',
    code: 'api_key_expired',
  });
});

function client({ port }: Host, key = 'sk_test_nonsense'): Stripe {
  return new Stripe(key, { host: '127.0.0.1', port, protocol: 'http', telemetry: false });
}
