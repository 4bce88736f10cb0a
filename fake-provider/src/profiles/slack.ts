import { defineProfile } from './profile.ts';

/** Slack's Web API, with token rotation on. */
export const slack = defineProfile({
  name: 'slack',
  summary: 'tiers per method; 429 with an integer Retry-After; every other error is a 200 with ok: false',
  reference: 'https://docs.slack.dev/apis/web-api/rate-limits',
  unverified: [
    'The body of a 429.',
    'How far bursts are tolerated: here a method may spend its minute at once.',
    'The tier of a method: here 2 for lists and 3 for history.',
    'At most 1,000 records a page.',
    'The words not_authed, invalid_auth, token_revoked, invalid_cursor, invalid_limit and unknown_method.',
    'Tokens look as everywhere in this provider: no xoxe prefix.',
    'A message has an id and no ts. chat.postMessage posts to any channel, and has no limit of its own.',
    'What is said of a message without a channel or a text.',
  ],
  config: {
    dialect: 'slack',
    idempotency: false,
    auth: {
      tokenTtlSeconds: 43_200,
      grants: ['client_credentials', 'refresh_token', 'authorization_code'],
      refresh: { rotation: 'strict' },
    },
    resources: {
      users: {
        path: '/api/users.list',
        pagination: 'cursor',
        pageSize: { default: 200, max: 1_000 },
      },
      messages: {
        path: '/api/conversations.history',
        order: 'newest-first',
        pagination: 'cursor',
        pageSize: { default: 100, max: 1_000 },
        required: ['channel', 'text'],
      },
    },
    limits: [
      {
        kind: 'token-bucket',
        name: 'tier-two',
        per: 'organisation',
        routes: ['POST /api/users.list', 'GET /api/users.list'],
        with: { ratePerSecond: 20 / 60, burst: 20 },
      },
      {
        kind: 'token-bucket',
        name: 'tier-three',
        per: 'organisation',
        routes: ['POST /api/conversations.history', 'GET /api/conversations.history'],
        with: { ratePerSecond: 50 / 60, burst: 50 },
      },
    ],
  },
});
