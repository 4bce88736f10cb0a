/** The platform's `fetch`, or anything of its shape. */
export type Fetch = typeof globalThis.fetch;

/** A parsed body, whose shape only the caller knows. */
export type Json = ReturnType<typeof JSON.parse>;

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

/** What every paginator takes. */
export interface PaginationOptions<Item> {
  /** Sends the requests and heeds their signal, as the platform's does. @defaultValue `globalThis.fetch` */
  readonly fetch?: Fetch;
  /** Sent with every request. `redirect` defaults to following redirects to trusted origins only (in a browser: none). */
  readonly init?: Omit<RequestInit, 'signal'>;
  /** Ends the listing at once, with the signal's own reason, and aborts what is in flight. */
  readonly signal?: AbortSignal | undefined;
  /** Finds the records in a page's body. @defaultValue the body if it is an array, or else its only array */
  readonly items?: (body: Json) => readonly Item[];
  /** Ends the listing after so many pages; the last one's `resume` goes on. From 1. @defaultValue no limit */
  readonly maxPages?: number;
  /** How many pages are read ahead while the consumer works. From 0. @defaultValue 0 */
  readonly prefetch?: number;
  /** The `resume` of the page to go on after. @defaultValue the beginning */
  readonly resume?: Resume | null | undefined;
}

/** How the listing is asked for what comes after a record. */
export interface KeysetPaginationOptions<Item> extends PaginationOptions<Item> {
  /** The names of the query parameters; `after`, `from` or both. */
  readonly params: KeysetParams;
  /** What identifies a record: unique, and the same in every page. @defaultValue `record.id` */
  readonly id?: (item: Item) => string | number;
  /** The time that orders the listing, oldest first: RFC 3339 or epoch milliseconds. @defaultValue `record.created_at` */
  readonly time?: (item: Item) => string | number;
  /** How a time is written in the query. @defaultValue as the record has it, or else as RFC 3339 in UTC */
  readonly formatTime?: (atMs: number) => string;
  /** Where the window begins; a record of this instant is in it. Needs `from`. @defaultValue the first record */
  readonly since?: Date | undefined;
  /** Where the window ends; a record of this instant is not in it. @defaultValue the last record */
  readonly until?: Date | undefined;
  /** How long after its own time a record may still become visible, in milliseconds. From 0. @defaultValue 0 */
  readonly lookbackMs?: number;
  /** Records in a full page, from 1; the server may give fewer only where a page says if there are more. @defaultValue 100 */
  readonly limit?: number;
  /** Whether a page says that there are more; `undefined` if it does not say. @defaultValue `body.has_more` */
  readonly more?: (body: Json) => boolean | undefined;
}

/** The query parameters of a listing by key. Without `after`, records that share an instant must fit into a page. */
export interface KeysetParams {
  /** Carries the id of the last record; the page begins with the next one. */
  readonly after?: string;
  /** Carries the time of the last record; the page begins with the first one of that instant, or after `after`. */
  readonly from?: string;
  /** Carries `until`. Without it, reading ends at the first record that is too late. */
  readonly to?: string;
  /** Carries `limit`. */
  readonly limit?: string;
}

/**
 * Reads on after the last record seen: by its id, by its time, or by both. By time alone a page begins with the instant
 * that the one before ended in, and what was seen is left out. A record comes again only where its time has changed.
 *
 * Going on from a `resume` looks back by `lookbackMs`: before the last record, or before the moment at which the run
 * came that near to the present, whichever is earlier. What becomes visible in time is thus never passed by.
 *
 * @throws `TypeError` or `RangeError` when called, if an option is out of range.
 * @throws {@link PageError} when a page is not had, {@link CrossOriginError} when it redirects elsewhere.
 * @throws {@link KeysetStalledError} where going on would lose records, or never end.
 */
export function keysetPagination<Item>(
  url: string | URL,
  options: KeysetPaginationOptions<Item>,
): AsyncGenerator<Page<Item>, void, undefined> {
  const { fetch = globalThis.fetch, init, params, limit = 100, lookbackMs = 0, formatTime } = options;
  const { id = (item: Json) => item.id, time = (item: Json) => item.created_at } = options;
  const { more: hasMore = (body: Json) => body?.has_more } = options;
  const listing = httpUrl('keysetPagination: url', url);
  if (!params?.after && !params?.from) throw new TypeError('keysetPagination: params must name `after` or `from`');
  if (options.since && !params.from) throw new TypeError('keysetPagination: since needs params.from');
  const sinceMs = msOf('keysetPagination: since', options.since ?? Number.NEGATIVE_INFINITY);
  const untilMs = msOf('keysetPagination: until', options.until ?? Number.POSITIVE_INFINITY);
  if (sinceMs > untilMs) throw new RangeError('keysetPagination: until must not be before since');
  checkInteger('keysetPagination: lookbackMs', lookbackMs, 0);
  checkInteger('keysetPagination: limit', limit, 1);
  checkInteger('keysetPagination: maxPages', options.maxPages, 1);
  checkInteger('keysetPagination: prefetch', options.prefetch, 0);
  const isTimed = params.from !== undefined || options.until !== undefined || lookbackMs > 0;
  const start = options.resume ? keysetIn(options.resume) : { key: options.since ? { time: sinceMs } : {} };

  return readAhead(async function* keysetPages(signal) {
    const place: Place = { listing, fetch, signal, trusted: [listing.origin], page: 1, resume: options.resume };
    let { key, fromMs = sinceMs } = start;
    let url = urlOf(key);
    let seen = new Map(start.seen);
    /** The last record before `fromMs`: where looking back by id begins. */
    let anchor = key;
    let nearMs = Number.POSITIVE_INFINITY;
    let idle = 0;
    let turns = 0;
    let landmark = '';

    for (;;) {
      const { records, response, more, askedMs } = await load();
      const inTime = records.filter(({ atMs }) => atMs < untilMs);
      const fresh = inTime.filter(remember);
      const last = inTime.at(-1);
      // After the last id, only what this page holds can come again.
      if (last && params.after && lookbackMs === 0) seen = new Map(inTime.map(({ id, atMs }) => [id, atMs]));
      if (last && (!params.from || last.atMs >= fromMs)) key = { time: last.time, id: last.id };
      const here = url.href;
      url = urlOf(key);
      const moved = url.href !== here;
      if (last) forget(last.atMs, askedMs);
      if (moved && url.href === landmark) throw new KeysetStalledError('the listing runs in a circle', place);
      // A landmark set farther and farther on is met again in any circle (Brent).
      if (moved && (++turns & (turns - 1)) === 0) landmark = url.href;

      if (fresh.length > 0) {
        const goOn = params.from ? { time: fromMs } : anchor;
        place.resume = { key: lookbackMs > 0 ? goOn : key, fromMs, seen: [...seen] };
        yield { items: fresh.map(({ item }) => item), response, resume: place.resume };
        place.page += 1;
      }
      if (more === false || inTime.length < records.length) return;
      idle = fresh.length > 0 || moved ? 0 : idle + 1;
      if (idle === 0) continue;
      if (records.length >= limit) {
        throw new KeysetStalledError('a full page holds nothing new, as where more share an instant than fit', place);
      }
      if (more === undefined) return;
      if (idle === 10) throw new KeysetStalledError('there is more, but 10 pages in a row held nothing new', place);
    }

    function load() {
      const startedMs = performance.now();
      return loadPage(place, url, init, (body, response) => {
        const records = itemsIn(body, options.items).map(recordOf);
        if (records.some(({ atMs }, index) => index > 0 && atMs < records[index - 1]!.atMs)) {
          throw new TypeError('Records are not in the order of their times, oldest first');
        }
        const answeredMs = Date.parse(response.headers.get('date') ?? '') || Date.now();
        const told = hasMore(body);
        const more = typeof told === 'boolean' ? told : undefined;
        return { records, response, more, askedMs: Math.floor(answeredMs - (performance.now() - startedMs)) };
      });
    }

    /** Whether it is new in the window. What is known stays in the listing's order. */
    function remember({ id, atMs }: Keyed<Item>): boolean {
      if (atMs < fromMs) return false;
      const knownMs = seen.get(id);
      seen.delete(id);
      seen.set(id, atMs);
      return knownMs !== atMs;
    }

    /** Moves up the time before which all is settled, and drops the ids that cannot come again. */
    function forget(lastMs: number, askedMs: number): void {
      // From here on a record may have been passed by before it became visible.
      if (lookbackMs > 0 && lastMs > askedMs - lookbackMs) nearMs = Math.min(nearMs, askedMs);
      fromMs = Math.max(fromMs, Math.min(lastMs, nearMs) - lookbackMs);
      for (const [id, atMs] of seen) {
        if (atMs >= fromMs) break;
        seen.delete(id);
        anchor = { id };
      }
    }
  }, options);

  function recordOf(item: Item): Keyed<Item> {
    const own = isTimed ? time(item) : 0;
    return { item, id: idOf(id, item), time: own, atMs: msOf('The time of a record', own) };
  }

  function urlOf({ time, id }: Key): URL {
    const target = new URL(listing);
    const set = (name: string | undefined, value: string | number | undefined) => {
      if (name && value !== undefined) target.searchParams.set(name, `${value}`);
    };
    set(params.from, time === undefined ? undefined : textOf(time));
    set(params.after, id);
    set(params.to, options.until && textOf(untilMs));
    set(params.limit, limit);
    return target;
  }

  function textOf(time: string | number): string {
    if (formatTime) return formatTime(msOf('A time', time));
    return typeof time === 'string' ? time : new Date(time).toISOString();
  }
}

/** A page that could not be had: no answer, not a 2xx, not JSON, or not a page. */
export class PageError extends Error {
  override readonly name: string = 'PageError';
  /** Which page it was, counted from 1 where this run began. */
  readonly page: number;
  /** The HTTP status, if there was a response. */
  readonly status: number | undefined;
  /** Leads back to this page; `undefined` if it was the very first. It may hold a query string: store it, do not log it. */
  readonly resume: Resume | undefined;

  /** @internal */
  constructor(detail: string, { listing, page, resume }: Place, status?: number, cause?: unknown) {
    super(`Page ${page} of ${listing.origin}${listing.pathname}: ${detail}`, cause === undefined ? {} : { cause });
    this.page = page;
    this.status = status;
    this.resume = resume ?? undefined;
  }
}

/** The way on leads to an origin that is not trusted, and would have been handed the credentials. Nothing was sent. */
export class CrossOriginError extends PageError {
  override readonly name = 'CrossOriginError';
}

/** Going on by this key would never end, or lose records: a full page of one instant, or a listing that ignores its parameters. */
export class KeysetStalledError extends PageError {
  override readonly name = 'KeysetStalledError';
}

/** What a request continues after: nothing, an id, an instant, or both. */
interface Key {
  readonly time?: string | number;
  readonly id?: string | number;
}

/** A record, and where it stands in the listing. */
interface Keyed<Item> extends Required<Key> {
  readonly item: Item;
  readonly atMs: number;
}

/** Where to go on, the time before which all is settled, and the ids seen since with their times. */
function keysetIn(resume: Resume): { key: Key; fromMs?: number; seen?: [string | number, number][] } {
  const { key, seen } = resume;
  if (typeof key === 'object' && key !== null && Array.isArray(seen)) return { ...resume, key, seen };
  throw new TypeError('keysetPagination: resume must be the `resume` of one of its pages');
}

function msOf(name: string, time: string | number | Date): number {
  const atMs = typeof time === 'string' ? Date.parse(time) : Number(time);
  if (!Number.isNaN(atMs)) return atMs;
  throw new TypeError(`${name} must be RFC 3339 or epoch milliseconds`);
}

function idOf<Item>(id: (item: Item) => string | number, item: Item): string | number {
  const value = id(item);
  if (typeof value === 'string' || typeof value === 'number') return value;
  throw new TypeError('A record has no id; `id` says what identifies it');
}

/** Where a listing has come to. */
interface Place {
  readonly listing: URL;
  readonly fetch: Fetch;
  readonly signal: AbortSignal;
  readonly trusted: readonly string[];
  page: number;
  resume: Resume | null | undefined;
}

/** Runs `pages` up to `prefetch` ahead of the consumer. Leaving, by whatever door, aborts what is in flight. */
async function* readAhead<Item>(
  pages: (signal: AbortSignal) => AsyncGenerator<Page<Item>, void, undefined>,
  { maxPages = Number.POSITIVE_INFINITY, prefetch = 0, signal: caller }: PaginationOptions<Item>,
): AsyncGenerator<Page<Item>, void, undefined> {
  const stop = new AbortController();
  const signal = AbortSignal.any(caller ? [caller, stop.signal] : [stop.signal]);
  const source = pages(signal);
  const started: Promise<IteratorResult<Page<Item>, void>>[] = [];
  try {
    for (let left = maxPages; left > 0; left--) {
      signal.throwIfAborted();
      while (started.length < Math.min(1 + prefetch, left)) {
        started.push(source.next());
        started.at(-1)!.catch(() => {}); // It is thrown when its turn comes, if it comes.
      }
      const { done, value } = await started.shift()!;
      if (done) return;
      yield value;
    }
  } finally {
    stop.abort();
  }
}

type Read<T> = (body: Json, response: Response, base: string) => T;

/** Reads one page. Whatever goes wrong becomes a `PageError`; an abort keeps the caller's own reason. */
async function loadPage<T>(place: Place, url: URL, init: RequestInit | undefined, read: Read<T>): Promise<T> {
  const { fetch, signal, trusted } = place;
  let problem = 'the request failed';
  let response: Response | undefined;
  try {
    for (let redirects = 0; ; redirects++) {
      if (!trusted.includes(url.origin)) throw new CrossOriginError(`it leads to untrusted ${url.origin}`, place);
      // Each has its own signal, since the platform leaves listeners on one until they are collected.
      response = await fetch(url.href, { redirect: 'manual', ...init, signal: AbortSignal.any([signal]) });
      // Followed by hand: the platform would take an API key's header along to any origin.
      const location = [301, 302, 303, 307, 308].includes(response.status) ? response.headers.get('location') : null;
      if (location === null || redirects === 5 || (init?.method ?? 'GET') !== 'GET') break;
      response.body?.cancel().catch(() => {}); // That frees the connection.
      url = new URL(location, url);
    }
    if (!response.ok) throw new PageError(`the answer was ${response.status}`, place, response.status);
    problem = 'the body is not JSON';
    const body = await response.json();
    problem = 'the body is not the page expected';
    return read(body, response, response.url || url.href);
  } catch (error) {
    response?.body?.cancel().catch(() => {});
    signal.throwIfAborted();
    // The platform's parsers quote what they read: a body, or a link with its query.
    const cause = /SyntaxError|\b(Invalid|valid|as a) URL/.test(`${error}`) ? undefined : error;
    throw error instanceof PageError ? error : new PageError(problem, place, response?.status, cause);
  }
}

function itemsIn<Item>(body: Json, read?: (body: Json) => readonly Item[]): readonly Item[] {
  const arrays = Array.isArray(body) ? [body] : Object.values(body ?? {}).filter(Array.isArray);
  const items = read ? read(body) : arrays.length === 1 ? arrays[0] : undefined;
  if (!Array.isArray(items)) throw new TypeError('No array of records found; `items` says where it is');
  return items;
}

/** An absolute http(s) URL; a relative one resolves against the page, where there is one. */
function httpUrl(name: string, url: string | URL): URL {
  const parsed = URL.parse(`${url}`, (globalThis as Json).location?.href);
  if (parsed?.protocol === 'https:' || parsed?.protocol === 'http:') return parsed;
  throw new TypeError(`${name} must be an http(s) URL, got ${String(url).split('?')[0]}`);
}

function checkInteger(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least)) return;
  throw new RangeError(`${name} must be an integer from ${least}, got ${value}`);
}
