import { defineProfile } from './profile.ts';

const TICKETS = ['GET /api/v2/tickets.json', 'GET /api/v2/tickets'];

/** Zendesk Support, on the Enterprise plan. */
export const zendesk = defineProfile({
  name: 'zendesk',
  summary: '700 requests a minute for the account, 100 for listing tickets; page[after] with meta and links',
  reference: 'https://developer.zendesk.com/api-reference/introduction/rate-limits/',
  unverified: [
    'the 429 of an endpoint is JSON with APIRateLimitExceeded; that of the account is plain text (third parties)',
    'the bodies of 400, 401 and 404',
    'create_many is done at once: its job_status is completed, and there is none to poll',
    'the answer to a key whose first request is still running: 409',
    'a listing without page[size] goes on by cursor, where Zendesk falls back to page numbers',
    'before_cursor and links.prev are null: pages go forward only',
    'every listing carries the ratelimit-* headers, not those of tickets only',
  ],
  config: {
    dialect: 'zendesk',
    auth: { apiKeys: { 'demo-api-token': 'demo-client' } },
    idempotency: {
      ttlSeconds: 7_200,
      mismatchStatus: 400,
      replayHeader: 'x-idempotency-lookup',
      firstValue: 'miss',
      replayValue: 'hit',
    },
    resources: {
      tickets: { path: '/api/v2/tickets.json' },
      users: { path: '/api/v2/users.json', pagination: 'page-number' },
    },
    limits: [
      { kind: 'fixed-window', name: 'account', per: 'organisation', with: { limit: 700, windowSeconds: 60 } },
      {
        kind: 'fixed-window',
        name: 'tickets-index',
        per: 'organisation',
        routes: TICKETS,
        with: { limit: 100, windowSeconds: 60 },
      },
    ],
  },
});
