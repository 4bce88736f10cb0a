import { json } from '../call.ts';
import type { AdminRoute } from './route.ts';

export const health: AdminRoute = {
  name: 'GET /__admin/health',
  summary: 'whether it runs, as what, and by which seed',
  answer: ({ config: { profile, seed }, ledger }) =>
    json(200, { status: 'ok', profile, seed, requests: ledger.tally().requests }),
};
