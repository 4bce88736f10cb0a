import { chance, pick } from '../chance.ts';
import { GAP, ORIGIN } from './collection.ts';

/** One record as it goes over the wire. */
export interface ProviderRecord {
  /** A prefix and the record's place in the order; later records have greater ids. */
  readonly id: string;
  /** RFC 3339. Never decreases from one id to the next, but many records may share one instant. */
  readonly created_at: string;
  /** RFC 3339. */
  readonly updated_at: string;
  readonly name: string;
  readonly amount_cents: number;
  /** 1, and one more with every update. */
  readonly version: number;
}

/** What the records of one resource are made from. */
export interface RecordSource {
  readonly seed: number;
  /** Tells the records of one resource from those of another. */
  readonly resource: string;
  /** How many records there were at the start. */
  readonly initialCount: number;
  /** Epoch milliseconds at which the last of those was created. */
  readonly startMs: number;
  /** How many neighbours share one `created_at`. */
  readonly recordsPerInstant: number;
}

/** The time between one record of the start and the next, in milliseconds. */
const STEP_MS = 1_000;

/** Makes a record from its key alone, so that half a million of them need not be kept anywhere. */
export function makeRecord(source: RecordSource, key: number, version = 1, updatedAtMs?: number): ProviderRecord {
  const created = new Date(createdAtMs(source, key)).toISOString();
  const { seed, resource } = source;
  return {
    id: idOf(resource, key),
    created_at: created,
    updated_at: updatedAtMs === undefined ? created : new Date(updatedAtMs).toISOString(),
    name: `${COLOURS[pick(COLOURS.length, seed, resource, key, 'colour')]} ${THINGS[pick(THINGS.length, seed, resource, key, 'thing')]}`,
    amount_cents: Math.floor(chance(seed, resource, key, version, 'amount') * 100_000),
    version,
  };
}

/** The id of the record with this key. Ids sort as keys do. */
export function idOf(resource: string, key: number): string {
  return `${resource.slice(0, 3)}_${key.toString(36)}`;
}

/** The key behind an id of this resource, or `undefined` if no such id can exist. */
export function keyOf(resource: string, id: string): number | undefined {
  const prefix = `${resource.slice(0, 3)}_`;
  if (!id.startsWith(prefix) || !/^[0-9a-z]{10}$/.test(id.slice(prefix.length))) return undefined;
  return Number.parseInt(id.slice(prefix.length), 36);
}

/** The key that a record created at this instant gets. */
export function keyAt({ initialCount, startMs }: RecordSource, atMs: number): number {
  return ORIGIN + Math.floor((initialCount + (atMs - startMs) / STEP_MS) * GAP);
}

/** The smallest key whose `created_at` is `atMs` or later. */
export function firstKeySince(source: RecordSource, atMs: number): number {
  const { initialCount, startMs, recordsPerInstant } = source;
  const instants = Math.ceil((atMs - startMs) / (STEP_MS * recordsPerInstant));
  return ORIGIN + (initialCount + instants * recordsPerInstant) * GAP;
}

function createdAtMs({ initialCount, startMs, recordsPerInstant }: RecordSource, key: number): number {
  const place = (key - ORIGIN) / GAP - initialCount;
  return startMs + Math.floor(place / recordsPerInstant) * recordsPerInstant * STEP_MS;
}

const COLOURS = [
  'amber',
  'blue',
  'coral',
  'green',
  'indigo',
  'ochre',
  'olive',
  'pearl',
  'rust',
  'silver',
  'teal',
  'umber',
];
const THINGS = [
  'anchor',
  'basin',
  'bridge',
  'canal',
  'harbour',
  'ladder',
  'lantern',
  'mast',
  'quay',
  'rudder',
  'sail',
  'tide',
];
