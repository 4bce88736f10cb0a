import type { Config } from '../config.ts';
import type { LedgerEntry, Observation } from './entry.ts';
import { createHearing, type Hearing } from './hearing.ts';
import { createLineages } from './lineages.ts';
import { createReadings, type Readings } from './readings.ts';
import { createTallies, type Tally } from './tallies.ts';
import { type Judgement, sit } from './verdict.ts';
import { verdicts } from './verdicts/index.ts';

export type { LedgerEntry } from './entry.ts';
export type { Tally } from './tallies.ts';

/** Everything that was asked and answered, in order of arrival. */
export interface Ledger extends Pick<Hearing, 'moment' | 'delivered'> {
  /** The latest entries, at least as many as are to be kept. What was counted and judged is exact for all. */
  readonly entries: readonly LedgerEntry[];
  /** Adds an entry. `issuedAt` is the moment at which the client sent the request, where that is known. */
  record(observation: Observation, issuedAt?: number): LedgerEntry;
  /** Counts what came after the entry with sequence number `after`, 0 for all. */
  tally(after?: number): Tally;
  /** The revisions of a resource that were listed first and last after the entry with sequence number `after`. */
  readonly readingsAfter: Readings['after'];
  /** The body of an answer was handed to the client, unread. */
  bodyOpened(sequence: number): void;
  /** The body of an answer was read to its end, or given up. */
  bodyEnded(sequence: number): void;
  /** What each verdict makes of the client so far. */
  judgements(): Judgement[];
}

/** Makes an empty ledger. */
export function createLedger(config: Pick<Config, 'ledger' | 'limits' | 'manners'>): Ledger {
  const { keep } = config.ledger;
  const entries: LedgerEntry[] = [];
  const tallies = createTallies();
  const readings = createReadings();
  const hearing = createHearing(config.manners.underWayMs);
  const lineages = createLineages();
  const sittings = Object.values(verdicts).map((verdict) => sit(verdict, config));

  return {
    entries,
    moment: hearing.moment,
    delivered: hearing.delivered,
    record(observation, issuedAt) {
      const sequence = tallies.count + 1;
      const heard = hearing.of(sequence, observation.atMs, issuedAt);
      const { attempt, retryOf, waitedMs, isSilent } = lineages.follow(sequence, observation, heard);
      const entry = { ...observation, sequence, attempt, retryOf, waitedMs, isSilent };
      tallies.add(entry);
      if (entry.listed !== undefined) readings.add(sequence, entry.listed);
      // A browser's own question, of which the client knows nothing.
      if (entry.method !== 'OPTIONS') for (const sitting of sittings) sitting.observe(entry, heard);
      entries.push(entry);
      // By the tenth, so that moving the rest costs little.
      if (entries.length > keep * 1.1 + 10) entries.splice(0, entries.length - keep);
      return entry;
    },
    tally: (after = 0) => tallies.after(after),
    readingsAfter: readings.after,
    bodyOpened(sequence) {
      const entry = entries.at(sequence - tallies.count - 1);
      if (entry?.sequence !== sequence) return;
      for (const sitting of sittings) sitting.bodyOpened?.(entry);
    },
    bodyEnded(sequence) {
      for (const sitting of sittings) sitting.bodyEnded?.(sequence);
    },
    judgements: () => sittings.map((sitting) => sitting.judgement()),
  };
}
