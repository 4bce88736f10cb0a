/**
 * Gets windows of a listing by `ask`, which sends a request with these parameters. Each holds the record at `start` and
 * those after it, and says where it begins and its size when full. The most that an answer has held is `pageSize`.
 */
export type Windows = <Answer extends { readonly items: readonly unknown[]; readonly ids: readonly unknown[] }>(
  ask: (params: Readonly<Record<string, number>>) => Promise<Answer>,
  limit: number,
) => (start: number, pageSize: number) => Promise<Answer & { readonly start: number; readonly size: number }>;

/** How far the listing goes, and how many windows of it are asked for at once. */
export interface SideBySideOptions {
  /** About how many records there are. A wrong figure costs requests or time, but no records. */
  readonly total: number;
  /** How many windows are asked for at once. From 2. @defaultValue 4 */
  readonly atOnce?: number;
  /** The parameter that counts the records before a window. @defaultValue `'offset'` */
  readonly offset?: string;
  /** The parameter that says how many records a window holds at most. @defaultValue `'limit'` */
  readonly limit?: string;
}

/**
 * Asks by offset, side by side, for the windows that follow if nothing moves: for listings that hardly change meanwhile.
 * If something moves, that shows in their turn, and what was asked for ahead is put aside.
 *
 * @throws `TypeError` or `RangeError` when called, if an option is out of range.
 */
export function sideBySide({ total, atOnce = 4, offset = 'offset', limit = 'limit' }: SideBySideOptions): Windows {
  checkInteger('sideBySide: total', total ?? Number.NaN, 0);
  checkInteger('sideBySide: atOnce', atOnce, 2);
  if (!offset || !limit || offset === limit) throw new TypeError('sideBySide: offset and limit must be two names');

  return (ask, most) => {
    const load = (start: number) => ask({ [offset]: start, [limit]: most });
    // What fails ahead of its turn is asked again in its turn.
    const loadEarly = (start: number) => load(start).catch(() => undefined);
    const early = new Map<number, ReturnType<typeof loadEarly>>();
    let last = 0;

    return async (start, pageSize) => {
      if (!early.has(start)) early.clear();
      const asked = early.get(start) ?? load(start);
      early.delete(start);
      // As far on as this one is from the last: after the listing moved, windows overlap by more than a record.
      const step = start > last ? start - last : Math.max(1, pageSize - 1);
      last = start;
      for (let next = start + step; next + 1 < total && early.size < atOnce - 1; next += step) {
        if (!early.has(next)) early.set(next, loadEarly(next));
      }
      return { start, size: pageSize, ...((await asked) ?? (await load(start))) };
    };
  };
}

function checkInteger(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least)) return;
  throw new RangeError(`${name} must be an integer from ${least}, got ${value}`);
}
