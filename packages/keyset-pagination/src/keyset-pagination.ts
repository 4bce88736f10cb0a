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
  /** The names of the query parameters: `after`, `from` or both. By `from` alone, a time's records must fit into a page. */
  readonly params: {
    /** Carries the id of the last record; the page begins with the next one. */
    readonly after?: string;
    /** Carries the time of the last record; the page begins with the first one of that time, or after `after`. */
    readonly from?: string;
    /** Carries `limit`. */
    readonly limit?: string;
  };
  /** What identifies a record: unique, and the same in every page. @defaultValue `record.id` */
  readonly id?: (item: Item) => string | number;
  /** The time that orders the listing, oldest first, as `from` takes it: RFC 3339 or a number. @defaultValue `record.created_at` */
  readonly time?: (item: Item) => string | number;
  /** Records in a full page, from 1; the server may give fewer only where a page says if there are more. @defaultValue 100 */
  readonly limit?: number;
  /** Whether a page says that there are more; `undefined` if it does not say. @defaultValue `body.has_more` */
  readonly more?: (body: Json) => boolean | undefined;
}

/**
 * Reads on after the last record seen: by its id, by its time, or by both. By time alone a page begins with the time
 * that the one before ended in, and what was seen is left out. A record comes again only where its time has changed.
 *
 * @throws `TypeError` or `RangeError` when called, if an option is out of range.
 * @throws {@link PageError} when a page is not had, {@link CrossOriginError} when it redirects elsewhere.
 * @throws {@link KeysetStalledError} where going on would lose records, or never end.
 */
export function keysetPagination<Item>(
  url: string | URL,
  options: KeysetPaginationOptions<Item>,
): AsyncGenerator<Page<Item>, void, undefined> {
  const { params, limit = 100, more = (body: Json) => body?.has_more } = options;
  const { id = (item: Json) => item.id, time = (item: Json) => item.created_at } = options;
  const listing = httpUrl('keysetPagination: url', url);
  if (!params?.after && !params?.from) throw new TypeError('keysetPagination: params must name `after` or `from`');
  checkInteger('keysetPagination: limit', limit, 1);
  checkInteger('keysetPagination: maxPages', options.maxPages, 1);
  checkInteger('keysetPagination: prefetch', options.prefetch, 0);
  if (params.limit) listing.searchParams.set(params.limit, `${limit}`);
  const begin = options.resume ? keyIn(options.resume) : { at: Number.NEGATIVE_INFINITY, seen: [] };

  return readAhead(async function* keysetPages(signal) {
    const place: Place = { listing, options, signal, trusted: [listing.origin], page: 1, resume: options.resume };
    let key: Key = begin;
    let landmark = key;
    for (let idle = 0; idle < 10; ) {
      if (params.from && key.time !== undefined) listing.searchParams.set(params.from, `${key.time}`);
      if (params.after && key.id !== undefined) listing.searchParams.set(params.after, `${key.id}`);
      const { records, response, hasMore } = await loadPage(place, listing, pageIn);
      const seen = new Map(key.seen);
      const fresh = records.filter(({ id, at }) => {
        const isNew = at >= key.at && seen.get(id) !== at;
        seen.set(id, at);
        return isNew;
      });
      const last = fresh.at(-1);
      if (last) {
        const { at, time, id } = last;
        // Of what this page holds, only what shares its last time can come again.
        key = { at, time, id, seen: records.filter((tied) => tied.at === at).map(({ id }) => [id, at]) };
        // A landmark set farther and farther on is met again in any circle (Brent).
        if (at === landmark.at && id === landmark.id) throw new KeysetStalledError('it runs in a circle', place);
        if ((place.page & (place.page - 1)) === 0) landmark = key;
        place.resume = key;
        yield { items: fresh.map(({ item }) => item), response, resume: place.resume };
        place.page++;
      }
      // Where pages do not say, one with nothing new is the last, unless it is full.
      if (!(hasMore ?? (last || records.length >= limit))) return;
      idle = last ? 0 : idle + 1;
    }
    throw new KeysetStalledError('10 pages in a row held nothing new, as where more share a time than fit', place);
  }, options);

  function pageIn(body: Json, response: Response) {
    let earliest = Number.NEGATIVE_INFINITY;
    const records = itemsIn(body, options.items).map((item) => {
      const own = { id: id(item), time: params.from ? time(item) : 0 };
      const at = typeof own.time === 'number' ? own.time : Date.parse(own.time);
      if (own.id == null) throw new TypeError('A record has no id; `id` says what identifies it');
      if (!(at >= earliest)) throw new TypeError('A record has no time, or is not in its order, oldest first');
      earliest = at;
      return { item, id: own.id, time: own.time, at };
    });
    return { records, response, hasMore: more(body) };
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

/** No end in sight, or records would be lost: a full page of one time, a circle, or parameters that are ignored. */
export class KeysetStalledError extends PageError {
  override readonly name = 'KeysetStalledError';
}

/** The last record, and the ids seen of its time. */
type Key = { at: number; time?: string | number; id?: string | number; seen: [string | number, number][] };

function keyIn(resume: Resume): Key {
  const { at, seen } = resume;
  if (Number.isFinite(at) && Array.isArray(seen) && seen.every(Array.isArray)) return resume as unknown as Key;
  throw new TypeError('keysetPagination: resume must be the `resume` of one of its pages');
}

/** Where a listing has come to. */
interface Place {
  readonly listing: URL;
  readonly options: PaginationOptions<Json>;
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

/** Reads one page. Whatever goes wrong becomes a `PageError`; an abort keeps the caller's own reason. */
async function loadPage<T>(place: Place, url: URL, read: (body: Json, response: Response, base: string) => T) {
  const { fetch = globalThis.fetch, init } = place.options;
  let problem = 'the request failed';
  let response: Response | undefined;
  try {
    for (let redirects = 0; ; redirects++) {
      if (!place.trusted.includes(url.origin)) throw new CrossOriginError(`it leads to untrusted ${url.origin}`, place);
      // Each has its own signal, since the platform leaves listeners on one until they are collected.
      response = await fetch(url.href, { redirect: 'manual', ...init, signal: AbortSignal.any([place.signal]) });
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
    place.signal.throwIfAborted();
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
