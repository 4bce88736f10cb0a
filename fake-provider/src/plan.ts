import { z } from 'zod';
import { choices } from './choices.ts';
import { ConfigError, parseWith } from './config.ts';
import { faults } from './faults/index.ts';

const plannedFault = choices('fault', faults, {
  client: z.string(),
  route: z.string(),
  /** Which request of the client on the route, from 1. */
  nth: z.int().min(1),
});

/** A fault that was delivered, or is to be: to whom, when, and how. */
export type PlannedFault = z.output<typeof plannedFault>;

/** Writes a planned fault as a line of NDJSON. */
export function planLine(fault: PlannedFault): string {
  return `${JSON.stringify(fault)}\n`;
}

/**
 * Reads a plan from NDJSON.
 *
 * @throws {@link ConfigError} naming the line and the field.
 */
export function parsePlan(text: string): PlannedFault[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      return [parseWith(plannedFault, JSON.parse(line))];
    } catch (error) {
      throw new ConfigError([], `line ${index + 1}: ${error instanceof ConfigError ? error.message : 'is not JSON'}`);
    }
  });
}
