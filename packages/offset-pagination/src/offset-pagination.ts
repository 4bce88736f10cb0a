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

/** How windows are asked for, and how a record is known again in the next. */
export interface OffsetPaginationOptions<Item> extends PaginationOptions<Item> {
  /** What identifies a record: unique, and the same in every page. @defaultValue `record.id` */
  readonly id?: (item: Item) => string | number;
  /** The names of the query parameters. @defaultValue `{ offset: 'offset', limit: 'limit' }` */
  readonly params?: OffsetParams | PageNumberParams;
  /** How many records to ask for at a time; the server may give fewer. From 2. @defaultValue 100 */
  readonly limit?: number;
  /** How many ids to remember at least, from `limit`. Those forgotten may come again, but none is lost. @defaultValue all */
  readonly window?: number;
  /** About how many records there are: lets `prefetch` ask side by side. A wrong figure costs no records. @defaultValue unknown */
  readonly total?: number;
  /** Told when the listing moved. */
  readonly onEvent?: (event: OffsetPaginationEvent) => void;
}

/** A listing that is asked for `limit` records from the one at `offset`, counted from 0. */
export interface OffsetParams {
  /** The parameter that counts the records before the window, from 0. */
  readonly offset: string;
  /** The parameter that says how many records the window holds at most. */
  readonly limit: string;
}

/** A listing that is asked for a page by its number. */
export interface PageNumberParams {
  /** The parameter that counts the pages, from `first`. */
  readonly page: string;
  /** The parameter that sets the page size. Without it the server's size is fixed, and not all drift can be made good. */
  readonly size?: string;
  /** The number of the first page. @defaultValue 1 */
  readonly first?: number;
}

/** The listing moved: records slipped left, out of the window just read. Reading steps back for them. */
export interface OffsetPaginationEvent {
  /** There is no other event yet. */
  readonly type: 'drift';
  /** Where the window began, in records from 0. */
  readonly offset: number;
  /** `false` where the windows could not overlap, so that stepping back may still miss records. */
  readonly lossless: boolean;
}

/**
 * Reads a listing by offset or page number, whatever is inserted or deleted meanwhile.
 *
 * Each window of records overlaps the one before by a record. Where its first record was seen before (or is the
 * listing's first), no record between can have slipped past. Where not, it steps back until one is. So, as long as
 * records keep their order, every record that is there throughout comes exactly once.
 *
 * @throws `TypeError` or `RangeError` when called, if an option is out of range.
 * @throws {@link PageError} when a page is not had, {@link CrossOriginError} when it redirects elsewhere.
 * @throws {@link PaginationStalledError} after 1,000 windows without a new record.
 */
export function offsetPagination<Item>(
  url: string | URL,
  options: OffsetPaginationOptions<Item> = {},
): AsyncGenerator<Page<Item>, void, undefined> {
  const { limit = 100, window = Infinity, total = 0, onEvent } = options;
  const { id = (item: Json) => item.id, maxPages = Infinity, prefetch = 0 } = options;
  const params: OffsetParams | PageNumberParams = options.params ?? { offset: 'offset', limit: 'limit' };
  const listing = httpUrl('offsetPagination: url', url);
  checkInteger('offsetPagination: limit', limit, 2);
  checkInteger('offsetPagination: window', options.window, limit);
  checkInteger('offsetPagination: total', total, 0);
  checkInteger('offsetPagination: maxPages', options.maxPages, 1);
  checkInteger('offsetPagination: prefetch', prefetch, 0);
  const position = positionIn(options.resume ?? { offset: 0, ids: [], pageSize: 0 });

  return readAhead(async function* offsetPages(signal) {
    const place: Place = { listing, options, signal, trusted: [listing.origin], page: 1, resume: options.resume };
    const early = new Map<string, Promise<Slice<Item> | undefined>>();
    let seen = new Set(position.ids);
    let { offset, pageSize } = position;
    let isPageSizeFixed = 'page' in params && params.size === undefined;
    let overlap = 1;

    for (let idle = 0; idle < 1_000; idle++) {
      const span = spanAt(offset);
      const { start, size } = span;
      const url = urlOf(span);
      if (!early.has(url.href)) early.clear();
      const asked = early.get(url.href) ?? load(url);
      loadEarly(span);
      // What failed ahead of its turn is asked again in its turn.
      const slice = (await asked) ?? (await load(url));
      const { ids, response } = slice;
      early.delete(url.href);
      pageSize = Math.max(1, pageSize, ids.length);
      isPageSizeFixed ||= ids.length > size;

      // Where it could not overlap, see whether the page before it still ends as it did.
      const before =
        start > 0 && start >= offset ? await load(urlOf({ start: start - pageSize, size: pageSize })) : null;
      if (start > 0 && !seen.has(before ? before.ids.at(-1) : ids[0])) {
        notify(onEvent, { type: 'drift', offset: start, lossless: start < offset });
        // Farther each time, but not past all that is remembered.
        overlap = Math.max(2, Math.min(overlap * 2, seen.size));
        offset = overlapping(start);
        continue;
      }
      const items = slice.items.filter((_, index) => seen.size < seen.add(ids[index]).size);
      if (seen.size > 2 * window) seen = new Set([...seen].slice(-window));
      if (items.length === 0 && ids.length < Math.min(size, pageSize)) return;
      // Where the listing keeps moving, staying wide for a while saves stepping back each time.
      overlap = items.length === 0 || isPageSizeFixed ? 1 : Math.max(1, overlap * 0.95);
      const end = start + ids.length;
      offset = overlapping(end);
      if (items.length === 0) continue;
      place.resume = { offset: end, ids, pageSize };
      yield { items, response, resume: place.resume };
      place.page += 1;
      idle = -1;
    }
    throw new PaginationStalledError('1,000 windows without a new record', place);

    function overlapping(end: number): number {
      return Math.max(0, Math.floor(end + 1 - overlap));
    }

    /** Of the spans that hold the record before `at`, the one that reaches farthest; if none reaches `at`, one from there. */
    function spanAt(at: number): Span {
      if ('offset' in params) return { start: pageSize === 1 ? at : Math.max(0, at - 1), size: limit };
      const most = pageSize || limit;
      let best: Span = { start: at, size: most };
      let reach = at;
      for (let size = most; size >= (isPageSizeFixed ? most : 2); size--) {
        const start = Math.floor(Math.max(0, at - 1) / size) * size;
        if (start + size > reach) best = { start, size };
        reach = Math.max(reach, start + size);
      }
      return best;
    }

    function urlOf({ start, size }: Span): URL {
      const target = new URL(listing);
      const set = (name: string | undefined, value: number) => name && target.searchParams.set(name, `${value}`);
      if ('offset' in params) {
        set(params.offset, start);
        set(params.limit, size);
      } else {
        set(params.page, (params.first ?? 1) + start / size);
        set(params.size, size);
      }
      return target;
    }

    function load(url: URL): Promise<Slice<Item>> {
      return loadPage(place, url, (body, response) => {
        const items = itemsIn(body, options.items);
        return { items, ids: items.map((item) => idOf(id, item)), response };
      });
    }

    /** Asks side by side for the windows that will follow if nothing moves. If something does, that shows in their turn. */
    function loadEarly(span: Span): void {
      const most = pageSize > 0 ? Math.min(prefetch, maxPages - place.page) : 0;
      for (let next = span, count = 0; count < most; count++) {
        const end = next.start + Math.min(next.size, pageSize);
        if (end >= total) return;
        next = spanAt(overlapping(end));
        const url = urlOf(next);
        early.set(url.href, early.get(url.href) ?? load(url).catch(() => undefined));
      }
    }
  }, options);
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

/** A server that keeps moving the listing, or ignores the parameters: 1,000 windows in a row held nothing new. */
export class PaginationStalledError extends PageError {
  override readonly name = 'PaginationStalledError';
}

interface Span {
  readonly start: number;
  readonly size: number;
}

interface Slice<Item> {
  readonly items: readonly Item[];
  readonly ids: readonly (string | number)[];
  readonly response: Response;
}

function idOf<Item>(id: (item: Item) => string | number, item: Item): string | number {
  const value = id(item);
  if (typeof value === 'string' || typeof value === 'number') return value;
  throw new TypeError('A record has no id; `id` says what identifies it');
}

function positionIn(resume: Resume): { offset: number; ids: unknown[]; pageSize: number } {
  const { offset, ids, pageSize } = resume as ReturnType<typeof positionIn>;
  if (Number.isInteger(offset) && Array.isArray(ids) && Number.isInteger(pageSize)) return { offset, ids, pageSize };
  throw new TypeError('offsetPagination: resume must be the `resume` of one of its pages');
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

/** Tells the observer. What goes wrong there, at once or later, is not the request's failure. */
function notify<Event>(onEvent: ((event: Event) => void) | undefined, event: Event): void {
  (async () => onEvent?.(event))().catch(() => {});
}
