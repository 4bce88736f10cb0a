import { defineProfile } from './profile.ts';

/** OpenAI's API, for an organisation of the first tier. */
export const openai = defineProfile({
  name: 'openai',
  summary: 'requests and tokens a minute, resets as 120ms; insufficient_quota; after=<last id> with has_more',
  reference: 'https://help.openai.com/en/articles/5955604',
  unverified: [
    'the sizes of the limits, and what a request costs in tokens',
    'Retry-After on a 429: sent here, seen sometimes in the wild',
    'the body of 401 and 404',
    'the size of the quota: what is spent is requests here, and money there',
    'there is a token endpoint, which OpenAI has not',
  ],
  config: {
    dialect: 'openai',
    auth: { apiKeys: { 'sk-demo': 'demo-client' } },
    idempotency: false,
    resources: {
      files: { path: '/v1/files', pagination: 'keyset', pageSize: { default: 10_000, max: 10_000 }, writable: false },
      batches: { path: '/v1/batches', pagination: 'keyset', pageSize: { default: 20, max: 100 }, writable: false },
    },
    limits: [
      {
        kind: 'token-bucket',
        name: 'requests',
        per: 'organisation',
        with: { ratePerSecond: 500 / 60, burst: 500 },
      },
      {
        kind: 'token-bucket',
        name: 'tokens',
        per: 'organisation',
        cost: { read: 100, search: 100, write: 500 },
        with: { ratePerSecond: 3_000, burst: 180_000 },
      },
      {
        kind: 'quota',
        name: 'quota',
        announced: false,
        per: 'organisation',
        with: { limit: 100_000, period: 'month' },
      },
    ],
  },
});
