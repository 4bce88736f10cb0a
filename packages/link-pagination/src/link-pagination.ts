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

/** The links themselves say where to go on, so there is only how far to trust them. */
export interface LinkPaginationOptions<Item> extends PaginationOptions<Item> {
  /** Origins that links and redirects may lead to besides the one asked first. They are handed the credentials too. */
  readonly origins?: readonly string[];
}

/** A link of a `Link` header: one for each relation type it names. */
export interface Link {
  /** The relation type, in lower case. */
  readonly rel: string;
  /** The target, absolute; empty where it is no URL. */
  readonly url: string;
  /** The parameters, the first of each name, in lower case. What `title*` holds is left encoded. */
  readonly params: ReadonlyMap<string, string>;
}

/**
 * Follows the `next` links of `Link` headers to the page that has none (RFC 8288), within the trusted origins.
 *
 * @throws `TypeError` or `RangeError` when called, if an option is out of range.
 * @throws {@link PageError} when a page is not had, {@link CrossOriginError} when a link or a redirect leads elsewhere.
 * @throws {@link LinkLoopError} when the links run in a circle, of any length, before its second round is over.
 */
export function linkPagination<Item>(
  url: string | URL,
  options: LinkPaginationOptions<Item> = {},
): AsyncGenerator<Page<Item>, void, undefined> {
  const { origins = [] } = options;
  const listing = httpUrl('linkPagination: url', url);
  const trusted = origins.map((url) => httpUrl('linkPagination: origins', url).origin).concat(listing.origin);
  checkInteger('linkPagination: maxPages', options.maxPages, 1);
  checkInteger('linkPagination: prefetch', options.prefetch, 0);
  const begin = options.resume ? nextIn(options.resume) : listing.href;

  return readAhead(async function* linkPages(signal) {
    const place: Place = { listing, options, signal, trusted, page: 1, resume: options.resume };
    const steps: string[] = [];
    for (let next = begin; next !== null; place.page++) {
      if (wasHere(steps, next)) throw new LinkLoopError('the links run in a circle', place);
      const { items, response, following } = await loadPage(place, new URL(next), (body, response, base) => {
        return { items: itemsIn(body, options.items), response, following: nextLink(response, base, place) };
      });
      next = following;
      place.resume = { next };
      yield { items, response, resume: place.resume };
    }
  }, options);
}

/**
 * Parses a `Link` header field by RFC 8288 (appendix B.2), up to what is malformed, in linear time. Several fields are
 * joined by commas, as `Headers` does. Relative targets resolve against `base`, the URL that answered.
 */
export function parseLink(header: string, base: string | URL): Link[] {
  const links: { target: string; params: Map<string, string> }[] = [];
  for (const [, target, name = '', quoted, token = ''] of header.matchAll(LINK_PART)) {
    const params = links.at(-1)?.params;
    const key = name.toLowerCase();
    if (target !== undefined) links.push({ target, params: new Map() });
    else if (!params?.has(key)) params?.set(key, quoted?.replace(/\\(.)/gs, '$1') ?? token.trim());
  }
  return links.flatMap(({ target, params }) => {
    const url = URL.parse(target, `${base}`)?.href ?? '';
    const rels = new Set(params.get('rel')?.toLowerCase().match(/\S+/g));
    return [...rels].map((rel) => ({ rel, url, params }));
  });
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

/** The links run in a circle: each leads to a page, and none to the end. */
export class LinkLoopError extends PageError {
  override readonly name = 'LinkLoopError';
}

/** A target in angle brackets, or a parameter with its value, quoted or not. */
const LINK_PART = /[\s,]*<([^>]*)>|\s*;\s*([^\s=;,]*)\s*(?:=\s*(?:"([^"\\]*(?:\\.[^"\\]*)*)"?|([^;,]*)))?/gsy;

/** The URL of the next page. A link with an anchor is about something else (RFC 8288, 3.2). */
function nextLink({ headers, status }: Response, base: string, place: Place): string | null {
  const header = headers.get('link') ?? '';
  const next = parseLink(header, base).find(({ rel, params }) => rel === 'next' && !params.has('anchor'));
  const isUnread = next ? next.url === '' : /\bnext\b/i.test(header.replace(LINK_PART, ''));
  if (isUnread) throw new PageError('its next link cannot be read', place, status);
  return next?.url ?? null;
}

function nextIn({ next }: Resume): string | null {
  if (next === null || URL.canParse(`${next}`)) return next as string | null;
  throw new TypeError('linkPagination: resume must be the `resume` of one of its pages');
}

/** Whether a step was taken before, known as a cycle's second round ends (Nivasch): keeps ln(n) of n, by their hashes. */
function wasHere(stack: string[], step: string): boolean {
  let hash = 0;
  for (let index = 0; index < step.length; index++) hash = Math.imul(hash ^ step.charCodeAt(index), 0x9e3779b1);
  const key = `${hash} ${step}`;
  while (stack.length > 0 && stack.at(-1)! > key) stack.pop();
  if (stack.at(-1) === key) return true;
  stack.push(key);
  return false;
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
