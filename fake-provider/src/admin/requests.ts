import { type Call, json } from '../call.ts';
import type { LedgerEntry } from '../ledger/entry.ts';
import { invalidParameter } from '../problem.ts';
import { FARTHEST, integer, text } from '../query.ts';
import type { AdminRoute, Steered } from './route.ts';

/** The fields that requests can be found by. */
const FILTERS = ['client', 'method', 'path', 'route', 'operation', 'status', 'wire', 'simulated', 'attempt'] as const;

export const requestRoutes: readonly AdminRoute[] = [
  {
    name: 'GET /__admin/requests',
    summary: `the latest requests, by ${FILTERS.join(', ')}, after, limit`,
    answer(provider, call) {
      const limit = integer(call.query, 'limit', { least: 1, most: 1_000, otherwise: 100 });
      const found = find(provider, call);
      return json(200, { count: found.length, requests: found.slice(-limit) });
    },
  },
  {
    name: 'GET /__admin/requests/count',
    summary: 'how many there are, by the same',
    answer: (provider, call) => json(200, { count: find(provider, call).length }),
  },
];

/** Looks among the entries that the ledger keeps. */
function find({ ledger }: Steered, { query }: Call): LedgerEntry[] {
  const known: readonly string[] = [...FILTERS, 'after', 'limit'];
  const unknown = [...query.keys()].find((field) => !known.includes(field));
  if (unknown !== undefined) throw invalidParameter(unknown, `is unknown; there is ${known.join(', ')}`);

  const after = integer(query, 'after', { least: 0, most: FARTHEST, otherwise: 0 });
  const wanted = FILTERS.map((field) => [field, text(query, field)] as const).filter(
    ([, value]) => value !== undefined,
  );
  return ledger.entries.filter(
    (entry) => entry.sequence > after && wanted.every(([field, value]) => `${entry[field] ?? ''}` === value),
  );
}
