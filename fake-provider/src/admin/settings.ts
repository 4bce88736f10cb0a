import { z } from 'zod';
import { json, type Reply } from '../call.ts';
import { isFields } from '../merge.ts';
import { Problem } from '../problem.ts';
import type { Settings } from '../provider.ts';
import { type AdminRoute, bodyOf, type Steered } from './route.ts';

/** Whatever it holds: each field is checked as that of a configuration is. */
const fields = z.custom<Readonly<Record<string, unknown>>>(isFields, 'must be an object');

/** What can change in the middle of a run. */
const CHANGEABLE: readonly string[] = ['latency', 'limits', 'faults'] satisfies (keyof Settings)[];

export const settingsRoutes: readonly AdminRoute[] = [
  { name: 'GET /__admin/settings', summary: 'the whole configuration, without its secrets', answer: told },
  {
    name: 'PATCH /__admin/settings',
    summary: 'changes latency, limits or faults in the middle of a run: {"latency": {"maxMs": 500}}',
    answer(provider, call) {
      const settings = bodyOf(fields, call);
      const fixed = Object.keys(settings).find((name) => !CHANGEABLE.includes(name));
      if (fixed !== undefined) {
        const message = `${JSON.stringify(fixed)} cannot change in the middle of a run (${CHANGEABLE.join(', ')} can); POST /__admin/reset begins another`;
        throw new Problem(400, 'invalid_field', message, { field: fixed });
      }
      provider.change(settings as Settings);
      return told(provider);
    },
  },
];

/** Client secrets, API keys and refresh tokens stay here. */
function told({ config }: Steered): Reply {
  const { auth } = config;
  if (auth === false) return json(200, config);
  const clients = Object.entries(auth.clients).map(([id, client]) => [
    id,
    { ...client, secret: client.secret && REDACTED },
  ]);
  const open = { ...auth, clients: Object.fromEntries(clients), apiKeys: REDACTED, refreshTokens: REDACTED };
  return json(200, { ...config, auth: open });
}

const REDACTED = '[redacted]';
