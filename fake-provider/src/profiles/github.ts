import { defineProfile } from './profile.ts';

/** The REST API of GitHub. */
export const github = defineProfile({
  name: 'github',
  summary: 'primary limit by the hour with x-ratelimit-*, secondary limits that no header speaks of; Link header',
  reference: 'https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api',
  unverified: [
    'Documented as 403 or 429: here always 403. A 429 is repeated by octokit before its throttling plugin hears of it.',
    'Secondary limits send Retry-After only sometimes; here always.',
    'The 900 points a minute are counted per user, not per endpoint.',
    'A refresh ends the old access token there, not here. Client credentials are taken here, not there.',
    'The search limit of 30 a minute.',
    'At most 100 records a page, quietly.',
    'The bodies of 401 and 404, and OAuth errors that come with status 200.',
  ],
  config: {
    dialect: 'github',
    idempotency: false,
    auth: {
      tokenTtlSeconds: 28_800,
      grants: ['client_credentials', 'refresh_token', 'authorization_code'],
      refresh: { rotation: 'strict', ttlSeconds: 15_897_600 },
    },
    resources: {
      issues: {
        path: '/repos/:owner/:repo/issues',
        order: 'newest-first',
        pagination: 'page-number',
        pageSize: { default: 30, max: 100, overMax: 'cap' },
      },
    },
    limits: [
      {
        kind: 'fixed-window',
        name: 'core',
        classes: ['read', 'write'],
        with: { limit: 5_000, windowSeconds: 3_600, begins: 'first-request' },
      },
      { kind: 'fixed-window', name: 'search', classes: ['search'], with: { limit: 30, windowSeconds: 60 } },
      { kind: 'concurrency', name: 'concurrent', purpose: 'secondary', announced: false, with: { limit: 100 } },
      {
        kind: 'fixed-window',
        name: 'points',
        purpose: 'secondary',
        announced: false,
        cost: { read: 1, search: 1, write: 5 },
        with: { limit: 900, windowSeconds: 60 },
      },
      {
        kind: 'fixed-window',
        name: 'content-by-minute',
        purpose: 'secondary',
        announced: false,
        classes: ['write'],
        with: { limit: 80, windowSeconds: 60 },
      },
      {
        kind: 'fixed-window',
        name: 'content-by-hour',
        purpose: 'secondary',
        announced: false,
        classes: ['write'],
        with: { limit: 500, windowSeconds: 3_600 },
      },
    ],
  },
});
