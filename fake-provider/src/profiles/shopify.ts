import { defineProfile } from './profile.ts';

/** The Admin REST API of Shopify, on the standard plan. */
export const shopify = defineProfile({
  name: 'shopify',
  summary: 'leaky bucket of 40 at 2 a second, as used/size; Retry-After: 2.0; page_info in the Link header',
  reference: 'https://shopify.dev/docs/api/admin-rest/usage/rate-limits',
  unverified: [
    'the size of the bucket on plans other than standard: 80, 400, 800',
    'limit is 50 by default and 250 at most',
    'the texts of errors are those of third-party fixtures; a 404 says Not Found',
    'the token endpoint answers as RFC 6749 has it',
    'the link to the previous page is left out: pages go forward only',
  ],
  config: {
    dialect: 'shopify',
    auth: { tokenTtlSeconds: 86_400, apiKeys: { shpat_demo: 'demo-client' } },
    idempotency: false,
    resources: {
      products: { path: '/admin/api/2026-10/products.json', pageSize: { default: 50, max: 250 } },
      orders: { path: '/admin/api/2026-10/orders.json', pageSize: { default: 50, max: 250 } },
    },
    limits: [{ kind: 'leaky-bucket', name: 'shop', with: { leakPerSecond: 2, size: 40 } }],
  },
});
