import { defineProfile } from './profile.ts';

/** HubSpot's CRM API, called by a private app of a Professional account. */
export const hubspot = defineProfile({
  name: 'hubspot',
  summary: '190 in ten seconds, 650,000 a day, search 5 a second; 429 with policyName; paging.next.after',
  reference: 'https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines',
  unverified: [
    'The text of a TEN_SECONDLY_ROLLING answer.',
    'That a refresh token stays the same: set auth.refresh.rotation for the other reading.',
    'The daily limit: 650,000 in the changelog, 625,000 elsewhere.',
    'The day ends at midnight UTC, unless the daily limit says utcOffsetMinutes.',
    'That search answers carry no rate headers; its cursor is opaque here, a number there.',
    'The category INVALID_AUTHENTICATION; the account that groupName names.',
    'That 207 needs no opting in here, and that context.objectWriteTraceId names the input that failed.',
    'Ten records a page, if the client names no number.',
  ],
  config: {
    dialect: 'hubspot',
    idempotency: false,
    auth: {
      tokenTtlSeconds: 1_800,
      grants: ['client_credentials', 'refresh_token', 'authorization_code'],
      refresh: { rotation: 'none' },
      apiKeys: { 'pat-demo': 'demo-client' },
    },
    resources: {
      contacts: {
        path: '/crm/v3/objects/contacts',
        pagination: 'cursor',
        pageSize: { default: 10, max: 100 },
      },
    },
    limits: [
      {
        kind: 'sliding-window',
        name: 'ten-secondly-rolling',
        classes: ['read', 'write'],
        with: { limit: 190, windowSeconds: 10 },
      },
      {
        kind: 'fixed-window',
        name: 'secondly',
        per: 'organisation',
        classes: ['search'],
        announced: false,
        with: { limit: 5, windowSeconds: 1 },
      },
      {
        kind: 'quota',
        name: 'daily',
        per: 'organisation',
        classes: ['read', 'write'],
        with: { limit: 650_000, period: 'day' },
      },
    ],
  },
});
