import { defineProfile } from './profile.ts';

/** What a provider is where nothing else is said. */
export const neutral = defineProfile({
  name: 'default',
  summary: 'no platform in particular: every default of the configuration, and no limit',
  reference: 'draft-ietf-httpapi-ratelimit-headers-03; RFC 6749; RFC 6750',
  unverified: [],
  config: {},
});
