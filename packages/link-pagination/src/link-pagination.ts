/** The platform's `fetch`, or anything of its shape. */
export type Fetch = typeof globalThis.fetch;

/** A parsed body, whose shape only the caller knows. */
// biome-ignore lint/suspicious/noExplicitAny: as `response.json()` has it.
export type Json = any;

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
  /** Sends the requests: the platform's, or one with policies around it. @defaultValue `globalThis.fetch` */
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
  /** The target, absolute. */
  readonly url: string;
  /** The parameters but `rel`, their names in lower case. Each holds its first value; `hreflang` all, joined by commas. */
  readonly params: ReadonlyMap<string, string>;
}

/**
 * Follows the `next` links of `Link` headers to the page that has none (RFC 8288).
 *
 * A link resolves against the URL that answered, and is followed only to the origin asked first or to `origins`.
 *
 * @throws `TypeError` or `RangeError` when called, if an option is out of range.
 * @throws {@link PageError} when a page is not had.
 * @throws {@link CrossOriginError} when a link or a redirect leads to another origin.
 * @throws {@link LinkLoopError} when the links run in a circle, of any length, before its second round is over.
 */
export function linkPagination<Item>(
  url: string | URL,
  options: LinkPaginationOptions<Item> = {},
): AsyncGenerator<Page<Item>, void, undefined> {
  const { fetch = globalThis.fetch, init, origins = [] } = options;
  const listing = httpUrl('linkPagination: url', url);
  const trusted = new Set([listing.origin, ...origins.map((url) => httpUrl('linkPagination: origins', url).origin)]);
  checkInteger('linkPagination: maxPages', options.maxPages, 1);
  checkInteger('linkPagination: prefetch', options.prefetch, 0);
  const begin = options.resume ? nextIn(options.resume) : listing.href;

  return readAhead(async function* linkPages(signal) {
    const wire: Wire = { fetch, init, signal, trusted };
    const wasHere = cycleDetector();
    let next = begin;
    let resume = options.resume ?? undefined;

    for (let page = 1; next !== null; page++) {
      const place: Place = { listing, page, resume };
      if (wasHere(next)) throw new LinkLoopError('the links run in a circle', place);

      const loaded = await loadPage(wire, place, new URL(next), (body, response, base) => ({
        items: itemsIn(body, options.items),
        response,
        next: nextLink(response, base, place),
      }));
      next = loaded.next;
      resume = { next };
      yield { items: loaded.items, response: loaded.response, resume };
    }
  }, options);
}

/**
 * Parses a `Link` header field by RFC 8288 (appendix B.2), in linear time.
 *
 * It stops where the field is malformed and keeps what came before. A link whose target is no URL is left out.
 *
 * @param header - The field's value; several lines joined by commas, as `Headers` does.
 * @param base - What relative targets resolve against: the URL that answered.
 */
export function parseLink(header: string, base: string | URL): Link[] {
  return readLinks(header, `${base}`).links;
}

/** The links, and what of the header is none. */
function readLinks(header: string, base: string): { links: Link[]; unread: string } {
  const links: Link[] = [];
  let unread = '';
  let position = 0;
  for (let target = take(TARGET); target; target = take(TARGET)) {
    const params = takeParams();
    const rels = new Set(params.get('rel')?.toLowerCase().match(/\S+/g));
    const url = rels.size > 0 ? URL.parse(target[1]!, base)?.href : undefined;
    params.delete('rel');
    if (url === undefined) unread += [...rels, ''];
    else for (const rel of rels) links.push({ rel, url, params });
  }
  return { links, unread: unread + header.slice(position) };

  function take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = position;
    const found = pattern.exec(header);
    if (found) position = pattern.lastIndex;
    return found;
  }

  function takeParams(): Map<string, string> {
    const params = new Map<string, string>();
    const extended = new Map<string, string>();
    for (let param = take(PARAM); param; param = take(PARAM)) {
      const name = param[1]!.toLowerCase();
      const value = take(EQUALS) ? (take(QUOTED)?.[1]?.replace(/\\(.)/gs, '$1') ?? take(TOKEN)![0].trim()) : '';
      const first = params.get(name);
      if (first === undefined) params.set(name, value);
      else if (name === 'hreflang') params.set(name, `${first}, ${value}`);
      if (name.endsWith('*') && first === undefined) extended.set(name, value);
    }
    // `title*` is `title` in other characters, and beats it (RFC 8288, 3.4.1).
    for (const [name, value] of extended) {
      const decoded = decodeExtended(value);
      params.delete(name);
      if (decoded !== undefined && name !== 'rel*' && name !== 'anchor*') params.set(name.slice(0, -1), decoded);
    }
    return params;
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
    this.resume = resume;
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

const TARGET = /[\s,]*<([^>]*)>/y;
const PARAM = /[ \t]*;[ \t]*([^\s=;,]*)[ \t]*/y;
const EQUALS = /=[ \t]*/y;
const QUOTED = /"([^"\\]*(?:\\.[^"\\]*)*)"?/sy;
const TOKEN = /[^;,]*/y;

/** A parameter value with its charset and language before it (RFC 8187), if it is in UTF-8 and well formed. */
function decodeExtended(value: string): string | undefined {
  const [, encoded] = /^utf-8'[^']*'(.*)$/i.exec(value) ?? [];
  try {
    return encoded === undefined ? undefined : decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

/** The URL of the next page. A link with an anchor is about something else (RFC 8288, 3.2). */
function nextLink({ headers, status }: Response, base: string, place: Place): string | null {
  const { links, unread } = readLinks(headers.get('link') ?? '', base);
  const next = links.find(({ rel, params }) => rel === 'next' && !params.has('anchor'));
  if (!next && /\bnext\b/i.test(unread)) throw new PageError('its next link cannot be read', place, status);
  return next?.url ?? null;
}

function nextIn({ next }: Resume): string | null {
  if (next === null || (typeof next === 'string' && URL.canParse(next))) return next;
  throw new TypeError('linkPagination: resume must be the `resume` of one of its pages');
}

/**
 * Tells whether a step was taken before: for any cycle at the latest as its second round ends (Nivasch's stack).
 * After n steps it holds about ln(n) numbers, 14 for a million.
 */
function cycleDetector(): (step: string) => boolean {
  const stack: number[] = [];
  return (step) => {
    const hash = hashOf(step);
    while (stack.length > 0 && stack.at(-1)! > hash) stack.pop();
    if (stack.at(-1) === hash) return true;
    stack.push(hash);
    return false;
  };
}

/** 53 well-mixed bits, so that different steps never meet in practice. */
function hashOf(text: string): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 0x9e3779b1);
    low = Math.imul(low ^ code, 0x5f356495);
  }
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  return (high >>> 0) * 2 ** 21 + (low >>> 11);
}

/** A page about to be read, and the way back to it. */
interface Place {
  readonly listing: URL;
  readonly page: number;
  readonly resume: Resume | undefined;
}

/** What the requests of one listing have in common. */
interface Wire {
  readonly fetch: Fetch;
  readonly init: Omit<RequestInit, 'signal'> | undefined;
  readonly signal: AbortSignal;
  readonly trusted: ReadonlySet<string>;
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
      while (started.length < Math.min(1 + prefetch, left)) {
        const next = source.next();
        next.catch(() => {}); // It is thrown when its turn comes, if it comes.
        started.push(next);
      }
      const { done, value } = await orAbort(started.shift()!, signal);
      if (done) return;
      yield value;
    }
  } finally {
    stop.abort();
    source.return().catch(() => {});
  }
}

/** Reads one page. Whatever goes wrong becomes a `PageError`; an abort has been told to the consumer by then. */
async function loadPage<T>(
  wire: Wire,
  place: Place,
  url: URL,
  read: (body: Json, response: Response, base: string) => T,
  redirectsLeft = 5,
): Promise<T> {
  const { fetch, init, signal, trusted } = wire;
  // Each page has its own signal, since the platform leaves listeners on one until they are collected.
  const own = new AbortController();
  const abort = () => own.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  let problem = 'the request failed';
  let response: Response | undefined;
  try {
    signal.throwIfAborted();
    if (!trusted.has(url.origin)) {
      throw new CrossOriginError(`the way on leads to ${url.origin}, which is not trusted`, place);
    }
    response = await fetch(url.href, { redirect: 'manual', ...init, signal: own.signal });
    signal.throwIfAborted();
    // Followed by hand: the platform would take an API key's header along to any origin.
    const location = [301, 302, 303, 307, 308].includes(response.status) ? response.headers.get('location') : null;
    if (location !== null && redirectsLeft > 0 && (init?.method ?? 'GET') === 'GET') {
      response.body?.cancel().catch(() => {}); // That frees the connection.
      return await loadPage(wire, place, new URL(location, url), read, redirectsLeft - 1);
    }
    if (!response.ok) throw new PageError(`the answer was ${response.status}`, place, response.status);
    problem = 'the body is not JSON';
    const body = await response.json();
    problem = 'the body is not the page expected';
    return read(body, response, response.url || url.href);
  } catch (error) {
    response?.body?.cancel().catch(() => {});
    // The platform's parsers quote what they read: a body, or a link with its query.
    const cause = /SyntaxError|\b(Invalid|valid|as a) URL/.test(`${error}`) ? undefined : error;
    throw error instanceof PageError ? error : new PageError(problem, place, response?.status, cause);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** The records of a page, wherever the caller or the body's only array has them. */
function itemsIn<Item>(body: Json, read?: (body: Json) => readonly Item[]): readonly Item[] {
  const arrays = Array.isArray(body) ? [body] : Object.values(body ?? {}).filter(Array.isArray);
  const items = read ? read(body) : arrays.length === 1 ? arrays[0] : undefined;
  if (!Array.isArray(items)) throw new TypeError('No array of records found; `items` says where it is');
  return items;
}

/** Settles as `work` does, or with the signal's own reason as soon as it aborts; leaves no listener behind. */
function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** An absolute http(s) URL; a relative one resolves against the page, where there is one. */
function httpUrl(name: string, url: string | URL): URL {
  const { location } = globalThis as { location?: { href: string } };
  const parsed = URL.parse(`${url}`, location?.href);
  if (parsed?.protocol === 'https:' || parsed?.protocol === 'http:') return parsed;
  throw new TypeError(`${name} must be an http(s) URL, got ${String(url).split('?')[0]}`);
}

function checkInteger(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least)) return;
  throw new RangeError(`${name} must be an integer from ${least}, got ${value}`);
}
