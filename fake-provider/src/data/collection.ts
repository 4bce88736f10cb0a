/**
 * An ordered set of records that costs memory for what changed, not for what it holds.
 *
 * A record is its key, a whole number that is its place in the order for ever: records made at the start have keys
 * `GAP` apart, so that later ones fit between. Runs of untouched records are kept as one piece (a piece table).
 */
export interface Collection {
  /** How many records are alive now. */
  readonly size: number;
  /** Counts the changes so far; names a moment for {@link existedThroughout}. */
  readonly revision: number;
  /** The keys of up to `count` records from `position` on, oldest first. */
  slice(position: number, count: number): number[];
  /** How many living records come before `key`, which need not be alive itself. */
  positionOf(key: number): number;
  /** Whether a record of this key is alive now. */
  has(key: number): boolean;
  /** Adds a record with the given key, unless that key was ever used. Tells whether it did. */
  insert(key: number): boolean;
  /** Removes the record at `position` and returns its key. */
  removeAt(position: number): number;
  /** Every key that was alive at revision `from` and still is at revision `to`, oldest first by birth. */
  existedThroughout(from: number, to: number): Generator<number>;
  /** Whether the key was alive at some moment from revision `from` to revision `to`. */
  existedWithin(key: number, from: number, to: number): boolean;
}

/** The distance between the keys of two neighbours that were there from the start. */
export const GAP = 2 ** 20;

/** The key of the first record. Earlier ones fit below. */
export const ORIGIN = 2 ** 50;

interface Piece {
  readonly first: number;
  readonly count: number;
}

/** Makes a collection that starts with `initialCount` records. */
export function createCollection(initialCount: number): Collection {
  const pieces: Piece[] = initialCount > 0 ? [{ first: ORIGIN, count: initialCount }] : [];
  const bornAt = new Map<number, number>();
  const diedAt = new Map<number, number>();
  let size = initialCount;
  let revision = 0;

  const lastOf = ({ first, count }: Piece): number => first + (count - 1) * GAP;

  /** The piece that holds the record at `position`, and how far into it. */
  function locate(position: number): { index: number; offset: number } {
    let offset = position;
    let index = 0;
    for (; index < pieces.length && offset >= pieces[index]!.count; index += 1) offset -= pieces[index]!.count;
    return { index, offset };
  }

  /** Replaces the piece by its records before and from `offset` on, with `middle` between and `skip` left out. */
  function split(index: number, offset: number, middle: readonly Piece[], skip: number): void {
    const { first, count } = pieces[index]!;
    const before = { first, count: offset };
    const after = { first: first + (offset + skip) * GAP, count: count - offset - skip };
    pieces.splice(index, 1, ...[before, ...middle, after].filter((piece) => piece.count > 0));
  }

  /** The first piece that does not lie wholly before `key`, with the number of records before that piece. */
  function search(key: number): { index: number; before: number } {
    let before = 0;
    let index = 0;
    for (; index < pieces.length && lastOf(pieces[index]!) < key; index += 1) before += pieces[index]!.count;
    return { index, before };
  }

  /** How many records of the piece come before `key`. */
  function recordsBefore(piece: Piece | undefined, key: number): number {
    return piece === undefined ? 0 : Math.max(0, Math.ceil((key - piece.first) / GAP));
  }

  function isInitial(key: number): boolean {
    return key >= ORIGIN && key < ORIGIN + initialCount * GAP && (key - ORIGIN) % GAP === 0;
  }

  return {
    get size() {
      return size;
    },
    get revision() {
      return revision;
    },
    slice(position, count) {
      const keys: number[] = [];
      let { index, offset } = locate(position);
      for (; index < pieces.length && keys.length < count; index += 1, offset = 0) {
        const piece = pieces[index]!;
        const end = Math.min(piece.count, offset + count - keys.length);
        for (let at = offset; at < end; at += 1) keys.push(piece.first + at * GAP);
      }
      return keys;
    },
    positionOf(key) {
      const { index, before } = search(key);
      return before + recordsBefore(pieces[index], key);
    },
    has(key) {
      return !diedAt.has(key) && (bornAt.has(key) || isInitial(key));
    },
    insert(key) {
      if (bornAt.has(key) || isInitial(key)) return false;
      const { index } = search(key);
      const born = { first: key, count: 1 };
      if (index === pieces.length) pieces.push(born);
      else split(index, recordsBefore(pieces[index], key), [born], 0);
      revision += 1;
      size += 1;
      bornAt.set(key, revision);
      return true;
    },
    removeAt(position) {
      const { index, offset } = locate(position);
      const piece = pieces[index];
      if (piece === undefined) throw new RangeError(`position must be 0 to ${size - 1}, got ${position}`);
      const key = piece.first + offset * GAP;
      split(index, offset, [], 1);
      revision += 1;
      size -= 1;
      diedAt.set(key, revision);
      return key;
    },
    *existedThroughout(from, to) {
      for (let index = 0; index < initialCount; index += 1) {
        const key = ORIGIN + index * GAP;
        if ((diedAt.get(key) ?? Infinity) > to) yield key;
      }
      for (const [key, born] of bornAt) {
        if (born <= from && (diedAt.get(key) ?? Infinity) > to) yield key;
      }
    },
    existedWithin(key, from, to) {
      const born = bornAt.get(key) ?? (isInitial(key) ? 0 : Infinity);
      return born <= to && (diedAt.get(key) ?? Infinity) > from;
    },
  };
}
