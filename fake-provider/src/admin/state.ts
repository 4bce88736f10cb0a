import { json } from '../call.ts';
import type { LedgerEntry } from '../ledger/entry.ts';
import { FARTHEST, integer } from '../query.ts';
import type { AdminRoute } from './route.ts';

/** More than a screen holds. */
const ENTRIES_TOLD = 500;

/** Enough to see what is meant; the report has the others. */
const FINDINGS_TOLD = 3;

export const state: AdminRoute = {
  name: 'GET /__admin/state',
  summary: 'all that the live page shows; requests come after the one with number `after`',
  answer(provider, { query }) {
    const { config, clock, ledger } = provider;
    const after = integer(query, 'after', { least: 0, most: FARTHEST, otherwise: 0 });
    const manners = ledger.judgements().map((judgement) => ({
      ...judgement,
      findings: judgement.findings.slice(0, FINDINGS_TOLD),
    }));
    return json(200, {
      profile: config.profile,
      seed: config.seed,
      nowMs: clock.now(),
      isFrozen: clock.isFrozen,
      requests: ledger.tally(),
      limits: provider.levels(),
      faults: { configured: config.faults, added: provider.addedFaults() },
      manners,
      entries: ledger.entries
        .slice(-ENTRIES_TOLD)
        .filter(({ sequence }) => sequence > after)
        .map(told),
    });
  },
};

function told({ sequence, atMs, client, method, path, route, status, simulated, attempt, wire }: LedgerEntry) {
  return { sequence, atMs, client, method, path, route, status, simulated, attempt, wire };
}
