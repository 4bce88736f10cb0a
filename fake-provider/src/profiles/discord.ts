import { defineProfile } from './profile.ts';

/** Discord's REST API, version 10, for a bot. */
export const discord = defineProfile({
  name: 'discord',
  summary: 'a bucket for each route with fractional resets, 50 requests a second for the bot; ?after=<id>, bare arrays',
  reference: 'https://docs.discord.com/developers/topics/rate-limits',
  unverified: [
    'the sizes of the buckets, which Discord does not publish',
    'a bucket is shared by all channels or guilds, where Discord keeps one for each',
    'the bodies of 401 and 404, and the code inside an Invalid Form Body',
    'ids are not snowflakes; messages come oldest first, and before and around are not known',
    'nobody is banned for ten thousand invalid requests',
  ],
  config: {
    dialect: 'discord',
    auth: { tokenTtlSeconds: 604_800, apiKeys: { 'demo-bot-token': 'demo-client' } },
    idempotency: false,
    resources: {
      messages: {
        path: '/api/v10/channels/:channel_id/messages',
        pagination: 'keyset',
        pageSize: { default: 50, max: 100 },
        required: ['content'],
      },
      members: {
        path: '/api/v10/guilds/:guild_id/members',
        pagination: 'keyset',
        pageSize: { default: 1, max: 1_000 },
        writable: false,
      },
    },
    limits: [
      {
        kind: 'fixed-window',
        name: 'messages',
        routes: ['GET /api/v10/channels/:channel_id/messages', 'GET /api/v10/channels/:channel_id/messages/:id'],
        with: { limit: 5, windowSeconds: 5, begins: 'first-request' },
      },
      {
        kind: 'fixed-window',
        name: 'members',
        routes: ['GET /api/v10/guilds/:guild_id/members', 'GET /api/v10/guilds/:guild_id/members/:id'],
        with: { limit: 10, windowSeconds: 10, begins: 'first-request' },
      },
      {
        kind: 'fixed-window',
        name: 'global',
        announced: false,
        with: { limit: 50, windowSeconds: 1, begins: 'first-request' },
      },
    ],
  },
});
