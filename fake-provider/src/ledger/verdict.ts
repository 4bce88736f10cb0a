import type { Config } from '../config.ts';
import type { LedgerEntry } from './entry.ts';
import type { Heard } from './hearing.ts';

/** One thing a client did that it should not have done. */
export interface Finding {
  /** The requests it shows in, by their numbers in the ledger; the last one is the one too many. */
  readonly sequences: readonly number[];
  readonly client: string;
  readonly route: string;
  readonly expected: string;
  readonly actual: string;
  /** What it does to a provider, or to the client itself. */
  readonly why: string;
}

/** What a verdict may know besides the traffic. */
export type VerdictSite = Pick<Config, 'limits' | 'manners'>;

/** A verdict at work on one run. It keeps what it needs and no more: the entries pass, and are not kept for it. */
export interface Judge {
  /** Sees one request, right after it was answered. */
  observe(entry: LedgerEntry, heard: Heard): void;
  /** The body of an answer was handed to the client, unread. Only some transports can see this. */
  bodyOpened?(entry: LedgerEntry): void;
  /** The body of an answer was read to its end, or given up. */
  bodyEnded?(sequence: number): void;
  /** What is wrong as things stand now, and may be put right yet. */
  standing?(): readonly Finding[];
}

/** A manner, and how to see whether a client keeps it. It looks at traffic only, so any client can be judged. */
export interface Verdict<Name extends string = string> {
  readonly name: Name;
  /** What a client with manners does, in one line. */
  readonly summary: string;
  /** Begins to judge a run; `find` takes down what is wrong for good. */
  begin(site: VerdictSite, find: (finding: Finding) => void): Judge;
}

/** Keeps the type of the name. */
export function defineVerdict<const Name extends string>(verdict: Verdict<Name>): Verdict<Name> {
  return verdict;
}

/** What one verdict found. */
export interface Judgement {
  readonly verdict: string;
  readonly summary: string;
  readonly passed: boolean;
  /** How many findings there are. */
  readonly found: number;
  /** The first hundred of them. */
  readonly findings: readonly Finding[];
}

/** Findings kept in full; the others are counted. */
const KEPT = 100;

/** A verdict and what it has found so far. */
export interface Sitting extends Judge {
  judgement(): Judgement;
}

/** Begins to judge by one verdict. */
export function sit({ name, summary, begin }: Verdict, site: VerdictSite): Sitting {
  const kept: Finding[] = [];
  let count = 0;
  const judge = begin(site, (finding) => {
    count += 1;
    if (kept.length < KEPT) kept.push(finding);
  });
  return {
    ...judge,
    judgement() {
      const standing = judge.standing?.() ?? [];
      const found = count + standing.length;
      return { verdict: name, summary, passed: found === 0, found, findings: [...kept, ...standing].slice(0, KEPT) };
    },
  };
}
