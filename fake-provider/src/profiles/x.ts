import { defineProfile } from './profile.ts';

/** The API v2 of X, for an app. */
export const x = defineProfile({
  name: 'x',
  summary: '450 searches in 15 minutes, reset as epoch seconds, no Retry-After; a usage cap; meta.next_token',
  reference: 'https://docs.x.com/x-api/fundamentals/rate-limits',
  unverified: [
    'the size of the usage cap, and the members period and scope of its answer',
    'the limit of followers, and the sizes of their pages',
    'whether windows begin by the clock or with the first request',
    'errors are application/json; the body of 401; a record that is not there is a 404, not a 200 with errors',
    'previous_token is left out: pages go forward only',
  ],
  config: {
    dialect: 'x',
    auth: { tokenTtlSeconds: 7_200 },
    idempotency: false,
    resources: {
      tweets: {
        path: '/2/tweets/search/recent',
        order: 'newest-first',
        pageSize: { default: 10, max: 100 },
        writable: false,
      },
      followers: { path: '/2/users/:user_id/followers', pageSize: { default: 100, max: 1_000 }, writable: false },
    },
    limits: [
      {
        kind: 'fixed-window',
        name: 'search',
        routes: ['GET /2/tweets/search/recent'],
        with: { limit: 450, windowSeconds: 900 },
      },
      {
        kind: 'fixed-window',
        name: 'followers',
        routes: ['GET /2/users/:user_id/followers'],
        with: { limit: 300, windowSeconds: 900 },
      },
      {
        kind: 'quota',
        name: 'usage-cap',
        announced: false,
        per: 'organisation',
        with: { limit: 15_000, period: 'month' },
      },
    ],
  },
});
