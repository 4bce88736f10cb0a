import { defineProfile } from './profile.ts';

/** Notion's API. */
export const notion = defineProfile({
  name: 'notion',
  summary: '180 requests a minute for a connection, no counters; errors by their code; start_cursor, next_cursor',
  reference: 'https://developers.notion.com/reference/request-limits',
  unverified: [
    'the sizes of both limits, which depend on the plan',
    'the full body of a 429, and the values of rate_limit_reason: connection and workspace',
    'the statuses that go with some codes',
    'Notion-Version is not asked for; filter and sorts are ignored',
  ],
  config: {
    dialect: 'notion',
    auth: { apiKeys: { secret_demo: 'demo-client' } },
    idempotency: false,
    resources: {
      users: { path: '/v1/users' },
      pages: { path: '/v1/data_sources/:data_source_id/query' },
    },
    limits: [
      { kind: 'fixed-window', name: 'connection', with: { limit: 180, windowSeconds: 60, begins: 'first-request' } },
      { kind: 'fixed-window', name: 'workspace', per: 'organisation', with: { limit: 2_700, windowSeconds: 900 } },
    ],
  },
});
