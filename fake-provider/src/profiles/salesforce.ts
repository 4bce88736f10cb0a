import { defineProfile } from './profile.ts';

/** Salesforce's REST API, in an Enterprise organisation. */
export const salesforce = defineProfile({
  name: 'salesforce',
  summary: '100,000 a day per organisation in Sforce-Limit-Info; 403 REQUEST_LIMIT_EXCEEDED; nextRecordsUrl',
  reference: 'https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta',
  unverified: [
    'The token answer but for access_token and instance_url.',
    'That a session lives two hours; here it ends on time, there each use extends it.',
    'The row counts of a page: 2,000, which Sforce-Query-Options can lower.',
    'The bodies of 404 and of a query that is refused.',
    'Only requests of 20 seconds and more count as concurrent there: no such limit is set here.',
    'A query is not parsed: whatever it asks, it lists the resource.',
  ],
  config: {
    dialect: 'salesforce',
    idempotency: false,
    auth: {
      tokenTtlSeconds: 7_200,
      grants: ['client_credentials', 'refresh_token', 'authorization_code'],
      refresh: { rotation: 'none' },
    },
    resources: {
      accounts: {
        path: '/services/data/:version/query',
        pagination: 'cursor',
        pageSize: { default: 2_000, max: 2_000, overMax: 'cap' },
      },
    },
    limits: [
      {
        kind: 'quota',
        name: 'daily',
        per: 'organisation',
        with: { limit: 100_000, period: 'rolling-24-hours' },
      },
    ],
  },
});
