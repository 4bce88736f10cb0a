import { z } from 'zod';
import type { Delivered } from '../provider.ts';

/** What a client may say: one JSON object on a line of its standard output. */
const message = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('record'),
    /** Which resource it is of. May be left out where there is one. */
    resource: z.string().optional(),
    record: z.looseObject({ id: z.string() }),
  }),
  z.object({ type: z.literal('error'), message: z.string() }),
  /** The last word. `complete: false` admits that something is missing. */
  z.object({ type: z.literal('done'), complete: z.boolean() }),
]);

/** A record as a client delivers it. */
export type DeliveredRecord = Delivered extends Iterable<infer Record> ? Record : never;

/** What a client has said, so far or to the end. */
export interface Words {
  /** What it delivered, by resource. */
  readonly records: ReadonlyMap<string, readonly DeliveredRecord[]>;
  /** What it says went wrong. */
  readonly errors: readonly string[];
  /** What its `done` says; absent where it said none. */
  readonly complete: boolean | undefined;
  /** Lines that were meant for the protocol and do not follow it, each with the reason: the first of them. */
  readonly malformed: readonly string[];
  /** How many there are. */
  readonly malformedCount: number;
  /** The last of its other lines. */
  readonly log: readonly string[];
}

/** Listens to a client. */
export interface Listener extends Words {
  /** Takes one line of the client's standard output. */
  hear(line: string): void;
  /** Takes one line of its log, whatever is in it. */
  note(line: string): void;
}

/** Lines of a log, and malformed lines, that are kept. */
const KEPT = 20;

/** No line in a report is longer. */
const LONGEST = 300;

/** Listens to a client that reads these resources. */
export function createListener(resources: readonly string[]): Listener {
  const records = new Map<string, DeliveredRecord[]>(resources.map((name) => [name, []]));
  const errors: string[] = [];
  const malformed: string[] = [];
  const log: string[] = [];
  let complete: boolean | undefined;
  let malformedCount = 0;

  function note(line: string): void {
    log.push(shortened(line));
    if (log.length > KEPT) log.shift();
  }

  function complain(line: string, reason: string): void {
    malformedCount += 1;
    if (malformed.length < KEPT) malformed.push(`${shortened(line)}: ${reason}`);
  }

  return {
    records,
    errors,
    malformed,
    log,
    note,
    get complete() {
      return complete;
    },
    get malformedCount() {
      return malformedCount;
    },
    hear(line) {
      const said = read(line);
      if (said === undefined) return note(line);
      if ('reason' in said) return complain(line, said.reason);
      if (complete !== undefined) return complain(line, 'nothing may follow "done"');
      if (said.type === 'done') complete = said.complete;
      else if (said.type === 'error') {
        note(`error: ${said.message}`);
        if (errors.length < KEPT) errors.push(shortened(said.message));
      } else {
        const name = said.resource ?? (resources.length === 1 ? resources[0]! : '');
        const delivered = records.get(name);
        if (delivered === undefined) complain(line, `resource must be one of ${resources.join(', ')}`);
        else delivered.push(said.record);
      }
    },
  };
}

/** What a line says; why it says nothing; or `undefined`, where it is of the log. */
function read(line: string): z.output<typeof message> | { readonly reason: string } | undefined {
  const text = line.trim();
  if (!text.startsWith('{')) return undefined;
  const value = parsed(text);
  if (value === undefined) {
    // A log may hold braces. Cut off in the middle, a line of the protocol is worse than none.
    return /^\{\s*"type"\s*:\s*"(record|error|done)"/.test(text) ? { reason: 'is not JSON' } : undefined;
  }
  const { type } = value as { readonly type?: unknown };
  if (type !== 'record' && type !== 'error' && type !== 'done') return undefined;
  const { success, data, error } = message.safeParse(value);
  if (success) return data;
  const { path, message: reason } = error.issues[0]!;
  return { reason: `${path.join('.')}: ${reason}` };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
