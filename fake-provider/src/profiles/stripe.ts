import { defineProfile } from './profile.ts';

/** Stripe's API, version 1, in live mode. */
export const stripe = defineProfile({
  name: 'stripe',
  summary: 'no counters and no Retry-After; 429 with Stripe-Rate-Limited-Reason; starting_after and has_more',
  reference: 'https://docs.stripe.com/rate-limits',
  unverified: [
    'The type and the text of a 429, and that lock_timeout comes with Stripe-Should-Retry: true.',
    'The algorithm of a limit: here a token bucket that holds one second of requests.',
    'That a 500 comes with Stripe-Should-Retry: false.',
    'Page sizes: 10, and at most 100.',
    'api_key_expired for a key that has expired.',
    'The text for a key that is used with other parameters, and Idempotent-Replayed: true.',
    'What an object holds: a name, and what a form says of it outside brackets.',
    'Lists come oldest first here, newest first there; ending_before is not read.',
  ],
  config: {
    dialect: 'stripe',
    auth: { apiKeys: { sk_live_demo: 'demo-client' } },
    idempotency: {
      mismatchStatus: 400,
      inProgressStatus: 409,
      replayHeader: 'idempotent-replayed',
      ttlSeconds: 86_400,
    },
    resources: {
      customers: { path: '/v1/customers', pagination: 'keyset', pageSize: { default: 10, max: 100 } },
    },
    limits: [
      { kind: 'token-bucket', name: 'global-rate', per: 'organisation', with: { ratePerSecond: 100, burst: 100 } },
      {
        kind: 'token-bucket',
        name: 'endpoint-rate',
        per: 'organisation',
        routes: ['GET /v1/customers'],
        with: { ratePerSecond: 25, burst: 25 },
      },
    ],
  },
});
