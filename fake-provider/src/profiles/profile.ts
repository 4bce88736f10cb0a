import type { ConfigInput } from '../config.ts';

/** A platform as data: what a provider has to be set to, to behave as that platform does. */
export interface Profile {
  /** The name used in a configuration. */
  readonly name: string;
  /** One line for people who choose. */
  readonly summary: string;
  /** Where the platform says so. */
  readonly reference: string;
  /** What is imitated from third parties or from memory, one fact each. */
  readonly unverified: readonly string[];
  /** The defaults under what a configuration says itself. */
  readonly config: Omit<ConfigInput, 'profile'>;
}

/** Keeps a profile's shape checked where it is written. */
export function defineProfile(profile: Profile): Profile {
  return profile;
}
