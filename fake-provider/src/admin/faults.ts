import { z } from 'zod';
import { json } from '../call.ts';
import { Problem } from '../problem.ts';
import type { FaultInput } from '../provider.ts';
import type { AddedFault } from '../script.ts';
import { type AdminRoute, bodyOf, done, moment } from './route.ts';

/** What is not of the fault itself; its own fields are checked as those of a configuration are. */
const lifetime = z.looseObject({ ttlSeconds: z.number().positive().max(86_400).default(60) });

export const faultRoutes: readonly AdminRoute[] = [
  {
    name: 'GET /__admin/faults',
    summary: 'the faults that are configured, and those added since that still strike',
    answer: (provider) => json(200, { configured: provider.config.faults, added: provider.addedFaults().map(shown) }),
  },
  {
    name: 'POST /__admin/faults',
    summary: 'adds one now, for a while: {"fault": "hang", "on": {"ratio": 0.5}, "ttlSeconds": 30}',
    answer(provider, call) {
      const { ttlSeconds, ...fault } = bodyOf(lifetime, call);
      return json(201, shown(provider.addFault(fault as unknown as FaultInput, ttlSeconds * 1_000)));
    },
  },
  {
    name: 'DELETE /__admin/faults',
    summary: 'takes back every fault that was added',
    answer(provider) {
      for (const { id } of provider.addedFaults()) provider.removeFault(id);
      return done;
    },
  },
  {
    name: 'DELETE /__admin/faults/:id',
    summary: 'takes back one of them',
    answer(provider, _call, id) {
      if (provider.removeFault(id)) return done;
      throw new Problem(404, 'not_found', 'id is of no fault that was added', { field: 'id' });
    },
  },
];

function shown({ id, entry, untilMs }: AddedFault) {
  return { id, ...entry, until: moment(untilMs) };
}
