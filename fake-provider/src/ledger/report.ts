import type { DeliveryVerdict } from './delivery.ts';
import type { Tally } from './tallies.ts';
import type { Judgement } from './verdict.ts';

/** What a client did, judged. */
export interface Report {
  readonly seed: number;
  /** Whether no verdict found anything. */
  readonly passed: boolean;
  readonly requests: Tally;
  /** One judgement for each manner, in the order of their names. */
  readonly manners: readonly Judgement[];
  /** What became of the records, by resource, where the client's were given. */
  readonly data: Readonly<Record<string, DeliveryVerdict>>;
}
