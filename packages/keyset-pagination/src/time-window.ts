/** Where to go on: a plain JSON object, to be stored and handed back as it is. It may hold a query string. */
export type Resume = Readonly<Record<string, unknown>>;

/** One page of a listing. */
export interface Page<Item> {
  /** The records, in the listing's order; there may be none. */
  readonly items: readonly Item[];
  /** What they came in. The body has been read; status and headers are there to look at. */
  readonly response: Response;
  /** Goes on right after this page, in another process too. */
  readonly resume: Resume;
}

/** Which records are wanted, and how late they may come. */
export interface TimeWindowOptions<Item> {
  /** Where the window begins; a record of this instant is in it. @defaultValue the first record */
  readonly since?: Date | undefined;
  /** Where the window ends; a record of this instant is not in it. @defaultValue the last record */
  readonly until?: Date | undefined;
  /** How long after its own time a record may still become visible, in milliseconds. From 0. @defaultValue 0 */
  readonly lookbackMs?: number;
  /** What identifies a record: unique, and the same in every page. @defaultValue `record.id` */
  readonly id?: (item: Item) => string | number;
  /** A record's time: RFC 3339 or epoch milliseconds. @defaultValue `record.created_at` */
  readonly time?: (item: Item) => string | number;
  /** The `resume` of the page to go on after. @defaultValue the beginning */
  readonly resume?: Resume | null | undefined;
}

/**
 * Reads a half-open window of time, run after run, from a listing in the order of its times, oldest first. `read` gets
 * the listing's own `resume` and gives its pages: `(resume) => keysetPagination(url, { params, resume })`.
 *
 * Going on from a `resume` looks back by `lookbackMs`: before the last record, or before the moment at which the run
 * began, whichever is earlier. What becomes visible in time is thus never passed by, and what was seen is left out.
 *
 * @throws `TypeError` or `RangeError` when called, if an option is out of range; `TypeError` if a record has no id, or
 * times are out of order.
 * @throws What `read` throws. If that carries a `resume`, it is this window's.
 */
export function timeWindow<Item>(
  read: (resume: Resume | undefined) => AsyncIterable<Page<Item>>,
  options: TimeWindowOptions<Item> = {},
): AsyncGenerator<Page<Item>, void, undefined> {
  const { id = (item: Json) => item.id, time = (item: Json) => item.created_at, lookbackMs = 0 } = options;
  const sinceMs = Number(options.since ?? Number.NEGATIVE_INFINITY);
  const untilMs = Number(options.until ?? Number.POSITIVE_INFINITY);
  if (!(sinceMs <= untilMs)) throw new RangeError('timeWindow: since and until must be dates, in this order');
  checkInteger('timeWindow: lookbackMs', lookbackMs, 0);
  if (typeof read !== 'function') throw new TypeError('timeWindow: read must be a function that gives pages');
  const begin = options.resume ? stateIn(options.resume) : { seen: [] };

  return (async function* windowPages() {
    const seen = new Map(begin.seen);
    /** Before it, nothing new can come any more, or is wanted. */
    let settledMs = Math.max(sinceMs, begin.settledMs ?? sinceMs);
    let { listing } = begin;
    let { resume } = options;
    /** The pages' ends that are not settled yet. */
    const ahead: { readonly endMs: number; readonly resume: Resume }[] = [];
    const beganMs = performance.now();
    let askedMs: number | undefined;
    let lastMs = Number.NEGATIVE_INFINITY;
    try {
      for await (const page of read(listing)) {
        // What was visible then has been read; what came later may have been passed by.
        askedMs ??= answeredMs(page.response) - (performance.now() - beganMs);
        const items = page.items.filter(isNew);
        settledMs = Math.max(settledMs, Math.min(lastMs, untilMs, askedMs) - lookbackMs);
        for (const [id, atMs] of seen) if (atMs < settledMs) seen.delete(id);
        // The next run begins after the last page that is settled as a whole.
        if (lastMs < untilMs) ahead.push({ endMs: lastMs, resume: page.resume });
        while (ahead.length > 0 && ahead[0]!.endMs <= settledMs) listing = ahead.shift()!.resume;
        if (items.length > 0) {
          resume = { listing, settledMs, seen: [...seen] };
          yield { items, response: page.response, resume };
        }
        if (lastMs >= untilMs) return;
      }
    } catch (error) {
      // What leads back to the page has to look back as well.
      if (error instanceof Error && 'resume' in error) Object.assign(error, { resume: resume ?? undefined });
      throw error;
    }

    function isNew(item: Item): boolean {
      const [key, atMs] = [id(item), msOf(time(item))];
      if (key == null) throw new TypeError('timeWindow: a record has no id; `id` says what identifies it');
      if (!(atMs >= lastMs)) {
        throw new TypeError('timeWindow: a record has no time, or is not in its order, oldest first');
      }
      lastMs = atMs;
      if (atMs < settledMs || atMs >= untilMs || seen.get(key) === atMs) return false;
      seen.set(key, atMs);
      return true;
    }
  })();
}

/** A parsed body, whose shape only the caller knows. */
type Json = ReturnType<typeof JSON.parse>;

/** Where the listing goes on, the time before which all is settled, and what was seen since. */
interface State {
  readonly listing?: Resume;
  readonly settledMs?: number;
  readonly seen: readonly (readonly [string | number, number])[];
}

function stateIn(resume: Resume): State {
  const { settledMs, seen } = resume;
  if (Number.isFinite(settledMs) && Array.isArray(seen) && seen.every(Array.isArray)) return resume as unknown as State;
  throw new TypeError('timeWindow: resume must be the `resume` of one of its pages');
}

function msOf(time: string | number): number {
  return typeof time === 'number' ? time : Date.parse(time);
}

/** By the server's clock, or else by this machine's. */
function answeredMs({ headers }: Response): number {
  return Date.parse(headers.get('date') ?? '') || Date.now();
}

function checkInteger(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least)) return;
  throw new RangeError(`${name} must be an integer from ${least}, got ${value}`);
}
