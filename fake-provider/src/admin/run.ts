import { z } from 'zod';
import { json } from '../call.ts';
import type { ConfigInput } from '../config.ts';
import { invalidParameter } from '../problem.ts';
import type { Delivered } from '../provider.ts';
import { type AdminRoute, bodyOf, done, under } from './route.ts';

const begin = z.strictObject({ config: z.record(z.string(), z.unknown()).optional() });

/** What a client delivered, by resource. A field that a record leaves out is not judged. */
const delivered = z.strictObject({
  records: z.record(z.string(), z.array(z.looseObject({ id: z.string() }))).default({}),
});

export const runRoutes: readonly AdminRoute[] = [
  {
    name: 'POST /__admin/reset',
    summary: 'begins again, as if nothing had ever been asked; as {"config": {...}} says, if given',
    answer(provider, call) {
      const { config } = bodyOf(begin, call);
      under('config', () => provider.reset(config as ConfigInput | undefined));
      return done;
    },
  },
  {
    name: 'GET /__admin/report',
    summary: 'what the verdicts make of the client so far',
    answer: (provider) => json(200, provider.report()),
  },
  {
    name: 'POST /__admin/report',
    summary: 'the same, and what became of the records: {"records": {"items": [{"id": "..."}]}}',
    answer(provider, call) {
      const { records } = bodyOf(delivered, call);
      const known = Object.keys(provider.config.resources);
      const unknown = Object.keys(records).find((name) => !known.includes(name));
      if (unknown !== undefined) throw invalidParameter('records', `must be of ${known.join(', ')}`);
      return json(200, provider.report(records as Readonly<Record<string, Delivered>>));
    },
  },
];
