import type { ConfigInput } from './config.ts';

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
}

/** Keeps a scenario's shape checked where it is written. */
export function defineScenario<const Id extends string>(
  scenario: Scenario & { readonly id: Id },
): Scenario & { readonly id: Id } {
  return scenario;
}
