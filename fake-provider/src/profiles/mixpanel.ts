import { defineProfile } from './profile.ts';

const ENGAGE = ['GET /api/query/engage', 'POST /api/query/engage'];
const EXPORT = ['GET /api/2.0/export'];

/** Mixpanel's query and export APIs. */
export const mixpanel = defineProfile({
  name: 'mixpanel',
  summary: '60 queries an hour and nothing said of it; page from 0 with session_id; export as JSONL',
  reference: 'https://docs.mixpanel.com/reference/rate-limits',
  unverified: [
    'a throttled query or export has the documented body of a throttled import',
    'whether an hour begins by the clock',
    'engage is served by GET too, and takes page_size',
    'a wrong session_id is refused',
    'export ignores from_date and to_date once they are there, and sends no gzip',
    'there is a token endpoint, which Mixpanel has not',
    'an import keeps the names of events only, counts no bytes and drops no duplicate $insert_id',
  ],
  config: {
    dialect: 'mixpanel',
    auth: { apiKeys: { 'demo-secret': 'demo-client' } },
    idempotency: false,
    resources: {
      profiles: {
        path: '/api/query/engage',
        pagination: 'page-number',
        pageSize: { default: 1_000, max: 1_000 },
      },
      imports: { path: '/import', records: 0, batch: { maxItems: 2_000, tooManyStatus: 413 } },
      events: { path: '/api/2.0/export', pagination: 'offset', pageSize: { default: 100_000, max: 100_000 } },
    },
    limits: [
      { kind: 'concurrency', name: 'query-concurrent', per: 'organisation', routes: ENGAGE, with: { limit: 5 } },
      { kind: 'concurrency', name: 'export-concurrent', per: 'organisation', routes: EXPORT, with: { limit: 100 } },
      {
        kind: 'fixed-window',
        name: 'query-hourly',
        per: 'organisation',
        routes: ENGAGE,
        with: { limit: 60, windowSeconds: 3_600 },
      },
      {
        kind: 'fixed-window',
        name: 'export-hourly',
        per: 'organisation',
        routes: EXPORT,
        with: { limit: 60, windowSeconds: 3_600 },
      },
      {
        kind: 'fixed-window',
        name: 'export-secondly',
        per: 'organisation',
        routes: EXPORT,
        with: { limit: 3, windowSeconds: 1 },
      },
    ],
  },
});
