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
  /** How to ask for windows: `pageNumbers` and `sideBySide` are in entries of their own. @defaultValue `offsets()` */
  readonly by?: Windows;
  /** How many records to ask for at a time; the server may give fewer. From 2. @defaultValue 100 */
  readonly limit?: number;
  /** How many ids to remember at least, from `limit`. Those forgotten may come again, but none is lost. @defaultValue all */
  readonly window?: number;
}

/**
 * Gets windows of a listing by `ask`, which sends a request with these parameters. Each holds the record at `start` and
 * those after it, and says where it begins and its size when full. The most that an answer has held is `pageSize`.
 */
export type Windows = <Answer extends { readonly items: readonly unknown[]; readonly ids: readonly unknown[] }>(
  ask: (params: Readonly<Record<string, number>>) => Promise<Answer>,
  limit: number,
) => (start: number, pageSize: number) => Promise<Answer & { readonly start: number; readonly size: number }>;

/**
 * Reads a listing by offset, whatever is inserted or deleted meanwhile. Each window overlaps the last by a record. If its
 * first record was seen before, none has slipped past; if not, it steps back. So every record that is there throughout
 * comes exactly once, as long as records keep their order.
 *
 * @throws `TypeError` or `RangeError` when called, if an option is out of range.
 * @throws {@link PageError} when a page is not had, {@link CrossOriginError} when it redirects elsewhere.
 * @throws {@link PaginationStalledError} after 1,000 windows without a new record.
 */
export function offsetPagination<Item>(
  url: string | URL,
  options: OffsetPaginationOptions<Item> = {},
): AsyncGenerator<Page<Item>, void, undefined> {
  const { id = (item: Json) => item.id, by = offsets(), limit = 100, window = Infinity } = options;
  const listing = httpUrl('offsetPagination: url', url);
  if (typeof by !== 'function') throw new TypeError(`offsetPagination: by must be like \`offsets()\`, got ${by}`);
  checkInteger('offsetPagination: limit', limit, 2);
  checkInteger('offsetPagination: window', options.window, limit);
  checkInteger('offsetPagination: maxPages', options.maxPages, 1);
  checkInteger('offsetPagination: prefetch', options.prefetch, 0);
  let { offset, ids: known, pageSize } = positionIn(options.resume ?? { offset: 0, ids: [], pageSize: 0 });

  return readAhead(async function* offsetPages(signal) {
    const place: Place = { listing, options, signal, trusted: [listing.origin], page: 1, resume: options.resume };
    const windowFrom = by(ask, limit);
    let seen = new Set(known);
    let overlap = pageSize === 1 ? 0 : 1;

    for (let idle = 0; idle < 1_000; idle++) {
      const from = Math.max(0, Math.floor(offset - overlap));
      const { start, size, items, ids, response } = await windowFrom(from, pageSize || limit);
      if (start > 0 && overlap > 0 && !seen.has(ids[0])) {
        // Farther each time, but not past all that is remembered.
        overlap = Math.max(2, Math.min(overlap * 2, seen.size));
        offset = start + 1;
        continue;
      }
      const fresh = items.filter((_, index) => seen.size < seen.add(ids[index]).size);
      if (seen.size > 2 * window) seen = new Set([...seen].slice(-window));
      if (fresh.length === 0 && ids.length < size) return;
      offset = start + ids.length;
      // Staying wide for a while saves stepping back each time. Where each page is one record, none can overlap.
      overlap = pageSize === 1 ? 0 : Math.max(1, Math.min(overlap * 0.95, fresh.length));
      if (fresh.length === 0) continue;
      place.resume = { offset, ids, pageSize };
      yield { items: fresh, response, resume: place.resume };
      place.page += 1;
      idle = -1;
    }
    throw new PaginationStalledError('1,000 windows without a new record', place);

    function ask(params: Readonly<Record<string, number>>) {
      const target = new URL(listing);
      for (const [name, value] of Object.entries(params)) target.searchParams.set(name, `${value}`);
      return loadPage(place, target, (body, response) => {
        const items = itemsIn(body, options.items);
        pageSize = Math.max(pageSize, items.length);
        return { items, ids: items.map((item) => checkedId(id(item))), response };
      });
    }
  }, options);
}

/** Asks for windows by these parameters: how many records stand before, and how many there are at most. */
export function offsets(offset = 'offset', limit = 'limit'): Windows {
  if (!offset || !limit || offset === limit) throw new TypeError('offsets: offset and limit must be two names');
  return (ask, most) => async (start, size) => ({ start, size, ...(await ask({ [offset]: start, [limit]: most })) });
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

function checkedId(id: unknown): string | number {
  if (typeof id === 'string' || typeof id === 'number') return id;
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
