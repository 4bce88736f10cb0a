import { defineProfile } from './profile.ts';

/** Google's APIs, as Drive and Calendar are. */
export const google = defineProfile({
  name: 'google',
  summary: 'no counters; 403 userRateLimitExceeded, rateLimitExceeded or dailyLimitExceeded; 429 RESOURCE_EXHAUSTED',
  reference: 'https://developers.google.com/workspace/calendar/api/guides/errors',
  unverified: [
    'dailyLimitExceeded on APIs of today, and the size of the daily limit and its midnight in California',
    'the size of the hidden limit behind a 429 with RetryInfo, and that it is worded as newer APIs do',
    'the body of 401',
    'Drive and Calendar call the array files and items; here it has the name of the resource',
  ],
  config: {
    dialect: 'google',
    idempotency: false,
    resources: {
      files: { path: '/drive/v3/files', pageSize: { default: 100, max: 1_000, overMax: 'cap' }, writable: false },
      events: {
        path: '/calendar/v3/calendars/:calendar_id/events',
        pageSize: { default: 250, max: 2_500, overMax: 'cap' },
        writable: false,
      },
    },
    limits: [
      { kind: 'sliding-window', name: 'user', with: { limit: 600, windowSeconds: 60 } },
      { kind: 'sliding-window', name: 'project', per: 'everyone', with: { limit: 10_000, windowSeconds: 60 } },
      {
        kind: 'quota',
        name: 'daily',
        per: 'everyone',
        with: { limit: 1_000_000, utcOffsetMinutes: -480 },
      },
      {
        kind: 'token-bucket',
        name: 'backend',
        purpose: 'secondary',
        announced: false,
        with: { ratePerSecond: 50, burst: 200 },
      },
    ],
  },
});
