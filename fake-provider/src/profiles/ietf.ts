import { defineProfile } from './profile.ts';

/** An API that follows the IETF's drafts to the letter. */
export const ietf = defineProfile({
  name: 'ietf',
  summary: 'RateLimit and RateLimit-Policy as structured fields, 100 a minute and 1,000 a day; problem+json; Link',
  reference: 'draft-ietf-httpapi-ratelimit-headers-11; RFC 9457; RFC 8288',
  unverified: [],
  config: {
    dialect: 'ietf',
    resources: { items: { pagination: 'link' } },
    limits: [
      { kind: 'fixed-window', name: 'burst', with: { limit: 100, windowSeconds: 60 } },
      { kind: 'fixed-window', name: 'daily', purpose: 'quota', with: { limit: 1_000, windowSeconds: 86_400 } },
    ],
  },
});
