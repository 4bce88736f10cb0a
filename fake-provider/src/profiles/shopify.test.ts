import { expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import type { ConfigInput } from '../config.ts';
import { createProvider } from '../provider.ts';

const PRODUCTS = '/admin/api/2026-10/products.json';

it('lists under the name of the resource, and says used/size', async () => {
  const { status, headers, body } = await (await open()).send(`${PRODUCTS}?limit=2`);

  expect(status).toBe(200);
  expect(headers.get('x-shopify-shop-api-call-limit')).toBe('1/40');
  expect(headers.has('retry-after')).toBe(false);
  expect(Object.keys(body)).toEqual(['products']);
  expect(body.products).toHaveLength(2);
});

it('links to the next page by page_info and limit alone, and to none after the last', async () => {
  const { send, provider } = await open({ resources: { products: { records: 5 } } });
  const ids: string[] = [];
  let path: string | undefined = `${PRODUCTS}?limit=2&status=active`;
  while (path !== undefined) {
    const { headers, body } = await send(path);
    ids.push(...body.products.map(({ id }: { id: string }) => id));
    const link = headers.get('link');
    if (link !== null) {
      expect(link).toMatch(
        /^<https:\/\/api\.test\/admin\/api\/2026-10\/products\.json\?limit=2&page_info=[^&>]+>; rel="next"$/,
      );
    }
    path = link === null ? undefined : link.slice(1, link.indexOf('>')).replace('https://api.test', '');
  }

  expect(ids).toHaveLength(5);
  expect(provider.resource('products').size).toBe(5);
});

it('gets one product under its singular', async () => {
  const { send } = await open();
  const { id } = (await send(`${PRODUCTS}?limit=1`)).body.products[0];

  expect((await send(`/admin/api/2026-10/products/${id}.json`)).body).toEqual({
    product: expect.objectContaining({ id }),
  });
});

it('throttles with decimal seconds and a text', async () => {
  const { send, clock } = await open();
  for (let call = 0; call < 40; call += 1) await send(PRODUCTS);
  const { status, headers, body } = await send(PRODUCTS);

  expect(status).toBe(429);
  expect(headers.get('retry-after')).toBe('1.0');
  expect(headers.get('x-shopify-shop-api-call-limit')).toBe('40/40');
  expect(body).toEqual({
    errors: 'Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service.',
  });
  clock.advance(500);
  expect((await send(PRODUCTS)).status).toBe(200);
});

it('keeps refusing a client that takes its seconds for milliseconds', async () => {
  const { send, clock } = await open();
  for (let call = 0; call < 40; call += 1) await send(PRODUCTS);
  const statuses: number[] = [];
  for (let early = 0; early < 5; early += 1) {
    statuses.push((await send(PRODUCTS)).status);
    clock.advance(1);
  }

  expect(statuses).toEqual([429, 429, 429, 429, 429]);
  clock.advance(495);
  expect((await send(PRODUCTS)).status).toBe(200);
});

it('refuses a token in the wrong header, a wrong parameter and a wrong path', async () => {
  const { send, token } = await open();

  expect(await send(PRODUCTS, { headers: { authorization: `Bearer ${token}` } })).toMatchObject({
    status: 401,
    body: { errors: '[API] Invalid API key or access token (unrecognized login or wrong password)' },
  });
  expect(await send(`${PRODUCTS}?limit=251`)).toMatchObject({
    status: 400,
    body: { errors: { limit: 'limit must be a whole number from 1 to 250, got "251"' } },
  });
  expect(await send('/admin/nothing')).toMatchObject({ status: 404, body: { errors: 'Not Found' } });
});

it('writes a product under its singular, with a key that never expires', async () => {
  const { send } = await open();
  const made = await send(PRODUCTS, json('POST', { product: { name: 'teal anchor' } }));
  const one = `/admin/api/2026-10/products/${made.body.product.id}.json`;

  expect(made).toMatchObject({ status: 201, body: { product: { name: 'teal anchor' } } });
  expect(await send(one, json('PUT', { product: { name: 'rust anchor' } }))).toMatchObject({
    status: 200,
    body: { product: { name: 'rust anchor' } },
  });
  expect(await send(one, json('DELETE', {}))).toMatchObject({ status: 200, body: {} });
  expect((await send(one)).status).toBe(404);
});

const KEY = 'shpat_demo';
const json = (method: string, body: unknown, more: Record<string, string> = {}, token = KEY): RequestInit => ({
  method,
  headers: { ...credentials(token), 'content-type': 'application/json', ...more },
  body: JSON.stringify(body),
});
const PROFILE = 'shopify';
const TOKEN_PATH = '/admin/oauth/access_token';
const TOKEN_REQUEST = {
  method: 'POST',
  body: new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: 'demo-client',
    client_secret: 'demo-secret',
  }),
};
const credentials = (token: string): Record<string, string> => ({ 'x-shopify-access-token': token });

/** A provider as the profile has it, and a client that holds a token. */
async function open(config: Omit<ConfigInput, 'profile'> = {}) {
  const clock = manualClock();
  const provider = createProvider({ profile: PROFILE, ...config }, { clock });
  const granted = await provider.fetch(`https://api.test${TOKEN_PATH}`, TOKEN_REQUEST);
  const { access_token: token } = await granted.json();
  return {
    clock,
    provider,
    token: token as string,
    async send(path: string, init: RequestInit = {}) {
      const response = await provider.fetch(`https://api.test${path}`, { headers: credentials(token), ...init });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.includes('json') ?? false;
      return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
    },
  };
}
