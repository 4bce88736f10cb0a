import type { ConfigInput } from './config.ts';
import type { VerdictName } from './ledger/verdicts/index.ts';

/** A bad day, named: what the provider does, and what a good client makes of it. */
export interface Scenario {
  /** `area/name`, which never changes. The name is the file's. */
  readonly id: string;
  /** What a client must do here, in one sentence. */
  readonly requirement: string;
  /** Whether the requirement is a must or a should. */
  readonly level: 'must' | 'should';
  /** Where the requirement comes from. */
  readonly reference: string;
  /** What the provider does. The seed is whoever runs it to choose. */
  readonly config: ConfigInput;
  /** What a client is asked to do. @defaultValue to list every resource */
  readonly task?: Task;
  /** The manners that the requirement is about. */
  readonly manners?: readonly VerdictName[];
  /** How many requests the provider may have to refuse for their number. @defaultValue any number */
  readonly refusedAtMost?: number;
  /** `true` where a client that says it could not finish has done all that is asked of it. */
  readonly mayGiveUp?: true;
  /** The status of an answer that the day is about, where neither a fault nor a limit nor the listing shows it. */
  readonly showsAs?: number;
}

/**
 * What a client is asked to do besides listing: to create so many records, alone or in batches, or `none`, where one run
 * of a client cannot show whether it keeps the requirement.
 */
export type Task = { readonly create: number } | { readonly batch: number } | 'none';

/** Keeps a scenario's shape checked where it is written. */
export function defineScenario<const Id extends string>(
  scenario: Scenario & { readonly id: Id },
): Scenario & { readonly id: Id } {
  return scenario;
}
