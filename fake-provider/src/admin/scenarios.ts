import { z } from 'zod';
import { json } from '../call.ts';
import { scenarios } from '../scenarios/index.ts';
import { type AdminRoute, bodyOf } from './route.ts';

const start = z.strictObject({
  id: z.enum(scenarios.map(({ id }) => id)),
  seed: z.int().min(0).optional(),
});

export const scenarioRoutes: readonly AdminRoute[] = [
  {
    name: 'GET /__admin/scenarios',
    summary: 'every scenario, and what a client must do in it',
    answer: () =>
      json(200, {
        scenarios: scenarios.map(({ id, requirement, level, reference }) => ({ id, requirement, level, reference })),
      }),
  },
  {
    name: 'POST /__admin/scenarios',
    summary: 'begins again as a scenario has it: {"id": "rate-limit/fixed-window", "seed": 42}',
    answer(provider, call) {
      const { id, seed = provider.config.seed } = bodyOf(start, call);
      const { config, requirement } = scenarios.find((scenario) => scenario.id === id)!;
      provider.reset({ ...config, seed });
      return json(200, { id, seed, requirement });
    },
  },
];
