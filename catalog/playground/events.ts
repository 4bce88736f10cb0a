import { ANSWERS } from './draw.ts';
import type { Run } from './play.ts';

/** One line of the table that says in words what the picture shows. */
export interface Event {
  readonly atMs: number;
  /** `request`, `answer`, `policy` or `call`. */
  readonly what: string;
  readonly text: string;
}

/** Everything that happened in a run, in order. */
export function eventsOf({ sends, notes, calls }: Run): Event[] {
  const events: Event[] = [
    ...sends.map(({ atMs, method, path, call }) => ({ atMs, what: 'request', text: `${method} ${path}${of(call)}` })),
    ...sends.flatMap(({ endMs, status, answer, cause, call }) => {
      const text = `${status ?? ANSWERS[answer]}${cause === undefined ? '' : ` (${cause})`}${of(call)}`;
      return endMs === undefined ? [] : [{ atMs: endMs, what: 'answer', text }];
    }),
    ...notes.map(({ atMs, type, text }) => ({ atMs, what: 'policy', text: `${type}: ${text}` })),
    ...calls.flatMap(({ id, endMs, outcome, reason }) => {
      if (outcome === 'done' || endMs === undefined) return [];
      return [
        { atMs: endMs, what: 'call', text: `call ${id} ${outcome === 'not-sent' ? 'not sent' : 'failed'}: ${reason}` },
      ];
    }),
  ];
  return events.toSorted((one, other) => one.atMs - other.atMs);
}

function of(call: number): string {
  return call === 0 ? '' : `, call ${call}`;
}
