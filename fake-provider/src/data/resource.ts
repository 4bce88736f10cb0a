import { pick, times } from '../chance.ts';
import type { Clock } from '../clock.ts';
import { keepText } from '../json-text.ts';
import type { Fields } from '../writes/fields.ts';
import { type Collection, createCollection, GAP, ORIGIN } from './collection.ts';
import { firstKeySince, keyAt, keyOf, makeRecord, type ProviderRecord, type RecordSource } from './record.ts';

/** How a resource's records change while somebody reads them. Rates are averages per listing request. */
export interface Churn {
  readonly insertsPerRequest: number;
  readonly deletesPerRequest: number;
  readonly updatesPerRequest: number;
  /** `newest`: as new records usually come. `anywhere`: as in a listing sorted by something else, or with late commits. */
  readonly insertAt: 'newest' | 'anywhere';
}

/** The settings of one resource. */
export interface ResourceOptions {
  readonly records: number;
  readonly order: 'oldest-first' | 'newest-first';
  readonly recordsPerInstant: number;
  readonly churn: Churn;
}

/** A named set of records, in the order its listing shows them. */
export interface Resource {
  readonly name: string;
  /** How many records are alive now. */
  readonly size: number;
  readonly collection: Collection;
  /** Up to `count` records from `offset` on, in listing order. */
  slice(offset: number, count: number): ProviderRecord[];
  /** The offset, in listing order, of the first record after the one with this id, which may be gone by now. */
  offsetAfter(id: string): number;
  /** The offset, in listing order, of the first record created at `atMs` or later; oldest first only. */
  offsetSince(atMs: number): number;
  /** Whether the id has the form of this resource's ids. */
  isId(id: string): boolean;
  /** The record, if it is alive. */
  get(id: string): ProviderRecord | undefined;
  /** The record as it is, or was, whether alive or not; in its latest version, or in an earlier one. */
  recall(key: number, version?: number): ProviderRecord;
  /** The key behind an id, or `undefined` if the id is not of this resource. */
  keyOf(id: string): number | undefined;
  /** Adds a record that keeps what a client says of it. */
  create(fields: Fields): ProviderRecord;
  /** Changes these fields of a record; `undefined`, if it is not alive. */
  update(id: string, fields: Fields): ProviderRecord | undefined;
  /** Removes a record. Tells whether it was alive. */
  remove(id: string): boolean;
  /** Changes some records: what happens between one listing request and the next, whoever makes them. */
  drift(): void;
}

/** Records kept at hand: making one takes longer than sending it. */
const MOST_RECENT = 1_000;

/** Makes a resource whose records follow from the seed. */
export function createResource(name: string, options: ResourceOptions, seed: number, clock: Clock): Resource {
  const { order, churn } = options;
  const source: RecordSource = {
    seed,
    resource: name,
    initialCount: options.records,
    startMs: Math.floor(clock.now() / 1_000) * 1_000,
    recordsPerInstant: options.recordsPerInstant,
  };
  const collection = createCollection(options.records);
  const updates = new Map<number, number[]>();
  /** What clients said of a record, each from some version on. */
  const written = new Map<number, readonly { readonly since: number; readonly fields: Fields }[]>();
  const recent = new Map<number, ProviderRecord>();
  let latestKey = ORIGIN + (options.records - 1) * GAP;
  let drifts = 0;
  const newestFirst = order === 'newest-first';

  function recall(key: number, version?: number): ProviderRecord {
    const updatedAtMs = updates.get(key);
    const number = version ?? (updatedAtMs?.length ?? 0) + 1;
    const known = recent.get(key);
    // Asked for again, so it is worth keeping as text.
    if (known?.version === number) return keepText(known);

    const plain = makeRecord(source, key, number, updatedAtMs?.[number - 2]);
    const said = written.get(key)?.findLast(({ since }) => since <= number);
    const made = said === undefined ? plain : { ...plain, ...said.fields };
    if (recent.size >= MOST_RECENT) recent.clear();
    recent.set(key, made);
    return made;
  }

  function touch(key: number): void {
    updates.set(key, [...(updates.get(key) ?? []), clock.now()]);
  }

  /** A key after every one that ever was: one that is gone leaves no room to a later one. */
  function nextKey(): number {
    latestKey = Math.max(latestKey + 1, keyAt(source, clock.now()));
    return latestKey;
  }

  function aliveKey(id: string): number | undefined {
    const key = keyOf(name, id);
    return key !== undefined && collection.has(key) ? key : undefined;
  }

  function keyOfNewcomer(label: readonly (string | number)[]): number {
    if (churn.insertAt === 'newest') return nextKey();
    const newest = collection.slice(collection.size - 1, 1)[0] ?? ORIGIN;
    const position = pick(collection.size + 1, ...label, 'position');
    const below = position === 0 ? (collection.slice(0, 1)[0] ?? ORIGIN) - GAP : collection.slice(position - 1, 1)[0]!;
    const above = collection.slice(position, 1)[0] ?? newest + GAP;
    return below + 1 + pick(Math.max(1, above - below - 1), ...label, 'key');
  }

  return {
    name,
    collection,
    recall,
    get size() {
      return collection.size;
    },
    slice(offset, count) {
      if (!newestFirst) return collection.slice(offset, count).map((key) => recall(key));
      const end = collection.size - offset;
      const start = Math.max(0, end - count);
      return end <= 0
        ? []
        : collection
            .slice(start, end - start)
            .reverse()
            .map((key) => recall(key));
    },
    offsetAfter(id) {
      const key = keyOf(name, id) ?? 0;
      return newestFirst ? collection.size - collection.positionOf(key) : collection.positionOf(key + 1);
    },
    offsetSince: (atMs) => collection.positionOf(firstKeySince(source, atMs)),
    isId: (id) => keyOf(name, id) !== undefined,
    get(id) {
      const key = aliveKey(id);
      return key === undefined ? undefined : recall(key);
    },
    keyOf: (id) => keyOf(name, id),
    create(fields) {
      let key = nextKey();
      while (!collection.insert(key)) key = nextKey();
      written.set(key, [{ since: 1, fields }]);
      return recall(key);
    },
    update(id, fields) {
      const key = aliveKey(id);
      if (key === undefined) return undefined;
      touch(key);
      const earlier = written.get(key) ?? [];
      const since = updates.get(key)!.length + 1;
      written.set(key, [...earlier, { since, fields: { ...earlier.at(-1)?.fields, ...fields } }]);
      return recall(key);
    },
    remove(id) {
      const key = aliveKey(id);
      if (key === undefined) return false;
      collection.removeAt(collection.positionOf(key));
      return true;
    },
    drift() {
      drifts += 1;
      const site = [seed, 'drift', name, drifts] as const;
      for (
        let index = times(churn.deletesPerRequest, ...site, 'deletes');
        index > 0 && collection.size > 0;
        index -= 1
      ) {
        collection.removeAt(pick(collection.size, ...site, 'delete', index));
      }
      for (let index = times(churn.insertsPerRequest, ...site, 'inserts'); index > 0; index -= 1) {
        collection.insert(keyOfNewcomer([...site, 'insert', index]));
      }
      for (
        let index = times(churn.updatesPerRequest, ...site, 'updates');
        index > 0 && collection.size > 0;
        index -= 1
      ) {
        const [key] = collection.slice(pick(collection.size, ...site, 'update', index), 1);
        touch(key!);
      }
    },
  };
}
