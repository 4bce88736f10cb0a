/** The platform's `fetch`, or anything of its shape. */
export type Fetch = typeof globalThis.fetch;

/** Wraps one `fetch` in another. Policies nest: `outer(inner(fetch))`. */
export type Policy = (next: Fetch) => Fetch;

/** What a token endpoint answers (RFC 6749, 5.1). */
export interface TokenResponse {
  /** Visible ASCII. */
  readonly access_token: string;
  /** Lifetime in seconds. Zero or nonsense: good for whoever waits for the token, and no longer. */
  readonly expires_in?: number | string | null;
  /** What the next request for the key is handed. Left out, it is handed none. */
  readonly refresh_token?: string;
}

/** Gets a token for a key. Never aborted, so it must come to an end by itself. */
export type TokenRequest = (context: {
  readonly key: string;
  readonly refreshToken?: string;
}) => Promise<TokenResponse>;

/** A token as `save` is handed it and `load` returns it: plain JSON, and secret. */
export interface StoredToken {
  /** What callers are given. */
  readonly accessToken: string;
  /** What the next request is handed, if the answer held one. */
  readonly refreshToken?: string;
  /** Epoch milliseconds. */
  readonly expiresAtMs: number;
}

/** What happened to a key's token. `reason` is an OAuth error code or an error's name, never a message. */
export type TokenCacheEvent = { readonly key: string } & (
  | { readonly type: 'token-received'; readonly durationMs: number; readonly lifetimeMs: number }
  | { readonly type: 'token-failed'; readonly durationMs: number; readonly reason: string }
  | { readonly type: 'token-loaded' | 'token-rejected' }
  | { readonly type: 'store-failed'; readonly hook: 'load' | 'save' | 'lock'; readonly reason: string }
);

/** Where tokens come from, and how long they and their failures are kept. */
export interface TokenCacheOptions {
  /** {@link clientCredentials}, {@link refreshToken} or your own. */
  readonly request: TokenRequest;
  /**
   * How long before its end a token is renewed while callers go on using it; at most half its lifetime, and less at
   * random, down to half. In milliseconds, from 0.
   *
   * @defaultValue 30_000
   */
  readonly refreshBeforeMs?: number;
  /**
   * Lifetime of a token that does not tell, in milliseconds; from 1, `Infinity` for one that never ends.
   *
   * @defaultValue 3_600_000
   */
  readonly defaultLifetimeMs?: number;
  /**
   * How long a refusal such as `invalid_client` stands before it is put to the test again. In milliseconds, from 0.
   *
   * @defaultValue 60_000
   */
  readonly holdRefusalMs?: number;
  /** How many keys are remembered; the least recently used goes, its refresh token too. From 1. @defaultValue 1_000 */
  readonly maxKeys?: number;
  /** Reads what any process saved last. Must settle; a failure is an event. */
  readonly load?: (key: string) => Promise<StoredToken | null | undefined>;
  /** Stores a token before anyone is given it. Must settle; a failure is an event. */
  readonly save?: (key: string, token: StoredToken) => Promise<unknown>;
  /** Runs `work` while no other process does for this key. Must settle; on failure `work` runs without it. */
  readonly lock?: (key: string, work: () => Promise<void>) => Promise<unknown>;
  /** Observes. Holds nothing up. */
  readonly onEvent?: (event: TokenCacheEvent) => void;
  /** Spreads early renewals, from 0 to 1. @defaultValue Math.random */
  readonly random?: () => number;
}

/** What a caller is given. */
export interface AccessToken {
  /** What goes behind `Bearer`. */
  readonly value: string;
  /** Whether it was requested while the caller waited, so that no other would fare better. */
  readonly isFresh: boolean;
}

/** One access token per key, for {@link bearer} or for any client that asks for a token by itself. */
export interface TokenCache {
  /**
   * The token of a key (`'default'`). Aborting ends the wait but not the token request: others wait for its answer, which
   * may hold the only refresh token that is still good.
   *
   * @throws {@link TokenRequestError}, or what `request` threw, when there is no token to be had.
   */
  get(options?: { readonly key?: string; readonly signal?: AbortSignal | undefined }): Promise<AccessToken>;
  /** Takes back a token answered with 401, if it still is current. Returns whether to `get` and send again. */
  reject(token: AccessToken, key?: string): boolean;
}

/**
 * Shares one access token per key among all callers and renews it early.
 *
 * @throws `TypeError` or `RangeError` when the cache is made, for an option that cannot be.
 */
export function tokenCache(options: TokenCacheOptions): TokenCache {
  const { request, load, save, lock, onEvent, random = Math.random, refreshBeforeMs = 30_000 } = options;
  const { defaultLifetimeMs = 3_600_000, holdRefusalMs = 60_000, maxKeys = 1_000 } = options;
  demand(typeof request === 'function', 'tokenCache: request', 'a function', request);
  demand(refreshBeforeMs >= 0, 'tokenCache: refreshBeforeMs', '0 or more', refreshBeforeMs);
  demand(defaultLifetimeMs >= 1, 'tokenCache: defaultLifetimeMs', '1 or more', defaultLifetimeMs);
  demand(holdRefusalMs >= 0, 'tokenCache: holdRefusalMs', '0 or more', holdRefusalMs);
  demand(maxKeys >= 1, 'tokenCache: maxKeys', '1 or more', maxKeys);
  const entries = new Map<string, Entry>();

  return {
    async get({ key = 'default', signal } = {}) {
      signal?.throwIfAborted();
      const entry = entryOf(key);
      const { token } = entry;
      if (!isUsable(token, entry)) return unlessAborted(renew(key, entry), signal);
      if (performance.now() >= entry.renewAtMs) renew(key, entry).catch(() => {});
      return { value: token.accessToken, isFresh: false };
    },

    reject({ value, isFresh }, key = 'default') {
      const entry = entries.get(key);
      if (entry?.token?.accessToken !== value || entry.rejected === value) return !isFresh;
      if (isFresh) entry.notBeforeMs = performance.now() + FLOOR_MS;
      if (performance.now() < entry.notBeforeMs) return false;
      entry.rejected = value;
      notify(onEvent, { type: 'token-rejected', key });
      return true;
    },
  };

  function entryOf(key: string): Entry {
    const entry = entries.get(key) ?? { renewAtMs: 0, notBeforeMs: 0, isUnsaved: false };
    entries.delete(key);
    for (const [oldest, { flight }] of entries) {
      if (entries.size < maxKeys) break;
      if (!flight) entries.delete(oldest);
    }
    entries.set(key, entry);
    return entry;
  }

  function renew(key: string, entry: Entry): Promise<AccessToken> {
    entry.flight ??= underLock(key, () => loadOrRequest(key, entry))
      .catch((error) => {
        const now = performance.now();
        entry.renewAtMs = now + Math.max(FLOOR_MS, ((entry.token?.expiresAtMs ?? now) - now) / 10);
        throw error;
      })
      .finally(() => {
        entry.flight = undefined;
      });
    return entry.flight;
  }

  async function loadOrRequest(key: string, entry: Entry): Promise<AccessToken> {
    const stored = await loadToken(key, entry);
    if (stored?.accessToken !== entry.token?.accessToken && isUsable(stored, entry)) {
      keep(entry, stored);
      notify(onEvent, { type: 'token-loaded', key });
      return { value: stored.accessToken, isFresh: false };
    }

    const waitMs = entry.notBeforeMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    if (entry.refusal && performance.now() < entry.refusal.untilMs) throw entry.refusal.error;
    return requestToken(key, entry, stored ?? entry.token);
  }

  async function requestToken(key: string, entry: Entry, last?: StoredToken): Promise<AccessToken> {
    const sentAtMs = performance.now();
    try {
      const answer = Object(await request({ key, ...(last?.refreshToken && { refreshToken: last.refreshToken }) }));
      const lifetimeMs = lifetimeOf(answer.expires_in) ?? defaultLifetimeMs;
      const token = tokenOf(answer.access_token, answer.refresh_token, sentAtMs + lifetimeMs);
      notify(onEvent, { type: 'token-received', key, durationMs: performance.now() - sentAtMs, lifetimeMs });

      await saveToken(key, entry, token);
      keep(entry, token);
      entry.rejected = undefined;
      if (lifetimeMs < FLOOR_MS) entry.notBeforeMs = sentAtMs + FLOOR_MS;
      return { value: token.accessToken, isFresh: true };
    } catch (error) {
      const reason = reasonOf(error);
      if (REFUSAL.test(reason)) entry.refusal = { error, untilMs: performance.now() + holdRefusalMs };
      notify(onEvent, { type: 'token-failed', key, durationMs: performance.now() - sentAtMs, reason });
      throw error;
    }
  }

  function keep(entry: Entry, token: StoredToken): void {
    const earlyMs = Math.min(refreshBeforeMs, (token.expiresAtMs - performance.now()) / 2);
    entry.token = token;
    entry.renewAtMs = token.expiresAtMs - earlyMs * (1 - random() / 2);
  }

  async function loadToken(key: string, entry: Entry): Promise<StoredToken | undefined> {
    // What could not be saved is newer than what the store holds.
    if (entry.isUnsaved) return undefined;
    try {
      const stored = await load?.(key);
      return stored ? tokenOf(stored.accessToken, stored.refreshToken, stored.expiresAtMs - wallAheadMs()) : undefined;
    } catch (error) {
      notify(onEvent, { type: 'store-failed', key, hook: 'load', reason: reasonOf(error) });
      return undefined;
    }
  }

  async function saveToken(key: string, entry: Entry, token: StoredToken): Promise<void> {
    try {
      await save?.(key, { ...token, expiresAtMs: Math.round(token.expiresAtMs + wallAheadMs()) });
      entry.isUnsaved = false;
    } catch (error) {
      entry.isUnsaved = true;
      notify(onEvent, { type: 'store-failed', key, hook: 'save', reason: reasonOf(error) });
    }
  }

  async function underLock<T>(key: string, work: () => Promise<T>): Promise<T> {
    let outcome: Promise<T> | undefined;
    const workOnce = () => (outcome ??= work());
    try {
      await lock?.(key, async () => void (await workOnce()));
    } catch (error) {
      if (!outcome) notify(onEvent, { type: 'store-failed', key, hook: 'lock', reason: reasonOf(error) });
    }
    return workOnce();
  }
}

/** A token endpoint, and how to be known there. */
export interface TokenEndpointOptions {
  /** Absolute URL of the token endpoint. A redirect from it is not followed. */
  readonly tokenUrl: string;
  /** As registered with the provider. */
  readonly clientId: string;
  /** Left out only by public clients, whose `client_id` goes into the form. */
  readonly clientSecret?: string;
  /** Whether id and secret go into the `Authorization` header or the form (RFC 6749, 2.3.1). @defaultValue 'basic' */
  readonly authentication?: 'basic' | 'post';
  /** Scopes, separated by spaces. @defaultValue whatever the provider grants by itself */
  readonly scope?: string;
  /** Further form fields, Auth0's `audience` for one. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** How long the endpoint may take, in milliseconds, from 1 to 2_147_483_647. @defaultValue 30_000 */
  readonly timeoutMs?: number;
  /** What sends the token request. @defaultValue globalThis.fetch */
  readonly fetch?: Fetch;
}

/**
 * The client credentials grant (RFC 6749, 4.4).
 *
 * @throws `TypeError` or `RangeError` when it is made, for an option that cannot be.
 * @throws {@link TokenRequestError} if the endpoint refuses, a `TimeoutError` if it is late.
 */
export function clientCredentials(options: TokenEndpointOptions & { readonly clientSecret: string }): TokenRequest {
  const post = tokenEndpoint('clientCredentials', options);
  demand(isText(options.clientSecret), 'clientCredentials: clientSecret', 'a non-empty string', options.clientSecret);
  return function requestByClientCredentials() {
    return post({ grant_type: 'client_credentials' });
  };
}

/** A token endpoint, and where its first refresh token comes from. */
export interface RefreshTokenOptions extends TokenEndpointOptions {
  /** A refresh token to begin with, or the grant that gets one. `invalid_grant` leads back here. */
  readonly first: string | TokenRequest;
}

/**
 * The refresh token grant (RFC 6749, 6). An answer without a refresh token keeps the one in use.
 *
 * @throws `TypeError` or `RangeError` when it is made, for an option that cannot be.
 * @throws {@link TokenRequestError} if the endpoint refuses, a `TimeoutError` if it is late.
 */
export function refreshToken({ first, ...options }: RefreshTokenOptions): TokenRequest {
  const post = tokenEndpoint('refreshToken', options);
  demand(
    isText(first) || typeof first === 'function',
    'refreshToken: first',
    'a non-empty string or a function',
    first,
  );

  return async function requestByRefreshToken({ key, refreshToken: held }) {
    if (held !== undefined && held !== first) {
      try {
        return await redeem(held);
      } catch (error) {
        if (reasonOf(error) !== 'invalid_grant') throw error;
      }
    }
    return typeof first === 'string' ? redeem(first) : first({ key });
  };

  async function redeem(token: string): Promise<TokenResponse> {
    const answer = await post({ grant_type: 'refresh_token', refresh_token: token });
    return { ...answer, refresh_token: answer.refresh_token || token };
  }
}

/** Who is sent which token. */
export interface BearerOptions {
  /** Who may see the token, as `https://api.example.com`. At least one. Other requests go out as they are. */
  readonly origins: readonly string[];
  /** Which of the cache's tokens a request takes. @defaultValue 'default' */
  readonly key?: string | ((request: { readonly url: URL; readonly headers: Headers }) => string);
}

/**
 * Sends requests with the cache's token, in place of any `Authorization` of the caller's. After a 401 sends once more
 * with another token, unless the body is a stream.
 *
 * @throws `TypeError` when the policy is made, if `origins` is not a list of origins.
 * @throws what {@link TokenCache.get} throws, when the request is made.
 */
export function bearer(cache: TokenCache, { origins, key = 'default' }: BearerOptions): Policy {
  const areOrigins = Array.isArray(origins) && origins.length > 0 && origins.every(isOrigin);
  demand(areOrigins, 'bearer: origins', 'a list of origins such as https://api.example.com', origins);
  const trusted = new Set(origins.map((origin) => new URL(origin).origin));

  return (next) =>
    async function withBearer(input, init) {
      const url = urlOf(input);
      if (!trusted.has(url.origin)) return next(input, init);
      const headers = headersOf(input, init);
      const whose = { key: typeof key === 'string' ? key : key({ url, headers }), signal: signalOf(input, init) };

      const token = await cache.get(whose);
      const mayRepeat = !token.isFresh && isReplayable(init?.body);
      const repeat = mayRepeat && input instanceof Request && !init?.body && input.body ? input.clone() : input;
      const response = await next(input, withToken(token));
      if (response.status !== 401 || !cache.reject(token, whose.key) || !mayRepeat) return response;

      discard(response);
      const another = await cache.get(whose);
      const answer = await next(repeat, withToken(another));
      if (answer.status === 401) cache.reject(another, whose.key);
      return answer;

      function withToken({ value }: AccessToken): RequestInit {
        const authorized = new Headers(headers);
        authorized.set('authorization', `Bearer ${value}`);
        return { ...init, headers: authorized };
      }
    };
}

/** A token request came to nothing. Of the answer only the code is kept: descriptions quote credentials. */
export class TokenRequestError extends Error {
  override readonly name = 'TokenRequestError';
  /** The endpoint's HTTP status; `undefined` where `request` itself resolved to no usable token. */
  readonly status: number | undefined;
  /** The OAuth error code (RFC 6749, 5.2); a 401 without one is taken for `invalid_client`. */
  readonly code: string | undefined;

  constructor(status?: number, error?: unknown) {
    const isCode = typeof error === 'string' && /^[a-z_]{1,64}$/.test(error);
    const code = isCode ? error : status === 401 ? 'invalid_client' : undefined;
    super(`No access token: ${code ?? 'no usable answer'}${status ? `, status ${status}` : ''}`);
    this.status = status;
    this.code = code;
  }
}

/** What is known of one key. All times, those in `token` too, are `performance.now()`. */
interface Entry {
  token?: StoredToken;
  /** Answered with 401; the store may still hold it. */
  rejected?: string | undefined;
  flight?: Promise<AccessToken> | undefined;
  renewAtMs: number;
  /** Keeps requests apart while the tokens they bring are of no use. */
  notBeforeMs: number;
  refusal?: { readonly error: unknown; readonly untilMs: number };
  isUnsaved: boolean;
}

function isUsable(token: StoredToken | undefined, { rejected }: Entry): token is StoredToken {
  return token !== undefined && token.accessToken !== rejected && performance.now() < token.expiresAtMs;
}

/** Refuses what `Headers` would: its error quotes the token. */
function tokenOf(accessToken: unknown, refreshToken: unknown, expiresAtMs: number): StoredToken {
  const isToken = isText(accessToken) && /^[\x21-\x7e]+$/.test(accessToken);
  if (!isToken || Number.isNaN(expiresAtMs)) throw new TokenRequestError();
  return { accessToken, expiresAtMs, ...(isText(refreshToken) && { refreshToken }) };
}

function lifetimeOf(expiresIn: unknown): number | undefined {
  if (expiresIn === undefined || expiresIn === null) return undefined;
  return DECIMAL.test(String(expiresIn)) ? Number(expiresIn) * 1_000 : 0;
}

/** Turns a time in here into one another process understands. */
function wallAheadMs(): number {
  return Date.now() - performance.now();
}

function tokenEndpoint(name: string, options: TokenEndpointOptions) {
  const { tokenUrl, clientId, clientSecret, authentication = 'basic', scope, parameters, timeoutMs = 30_000 } = options;
  demand(URL.canParse(tokenUrl), `${name}: tokenUrl`, 'an absolute URL', tokenUrl);
  demand(isText(clientId), `${name}: clientId`, 'a non-empty string', clientId);
  demand(['basic', 'post'].includes(authentication), `${name}: authentication`, "'basic' or 'post'", authentication);
  demand(timeoutMs >= 1 && timeoutMs <= LONGEST_TIMER_MS, `${name}: timeoutMs`, `1 to ${LONGEST_TIMER_MS}`, timeoutMs);

  return async function requestToken(grant: Record<string, string>): Promise<TokenResponse> {
    const body = new URLSearchParams({ ...parameters, ...grant, ...(scope && { scope }) });
    const headers = new Headers({ accept: 'application/json' });
    if (clientSecret && authentication === 'basic') {
      headers.set('authorization', `Basic ${btoa(`${formEncode(clientId)}:${formEncode(clientSecret)}`)}`);
    } else {
      body.set('client_id', clientId);
      if (clientSecret) body.set('client_secret', clientSecret);
    }

    const send = options.fetch ?? globalThis.fetch;
    const deadline = new AbortController();
    const late = () => deadline.abort(new DOMException(`No token within ${timeoutMs} ms`, 'TimeoutError'));
    const timer = setTimeout(late, timeoutMs);
    try {
      // A 307 or 308, if followed, would take the secret wherever it leads.
      const init = { method: 'POST', headers, body, redirect: 'manual', signal: deadline.signal } as const;
      const response = await send(tokenUrl, init);
      const answer = parse(await response.text());
      if (!response.ok || !isText(answer.access_token)) throw new TokenRequestError(response.status, answer.error);
      return answer;
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Nothing, where there is no JSON: the parser's own error quotes what it read. */
function parse(text: string): TokenResponse & { readonly error?: unknown } {
  try {
    return Object(JSON.parse(text));
  } catch {
    return Object(null);
  }
}

/** What goes into a `Basic` header is form-encoded first (RFC 6749, 2.3.1 and appendix B). */
function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

/** The OAuth error code, or the error's name. Messages of others may quote a token. */
function reasonOf(error: unknown): string {
  const { name, code } = Object(error);
  return name === 'TokenRequestError' && code ? code : String(name);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Whether it is an origin and no more: a path in it would promise a narrower trust than is kept. */
function isOrigin(value: string): boolean {
  return URL.canParse(value) && new URL(value).href === `${new URL(value).origin}/`;
}

/** Shows numbers only: anything else may be a secret in the wrong place. */
function demand(isMet: boolean, option: string, range: string, got: unknown): asserts isMet {
  if (isMet) return;
  if (typeof got === 'number') throw new RangeError(`${option} must be ${range}, got ${got}`);
  throw new TypeError(`${option} must be ${range}, got ${typeof got}`);
}

/** Waits for work that others share, or rejects with the signal's own reason as soon as it aborts. */
function unlessAborted<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    work.finally(() => signal?.removeEventListener('abort', stop)).then(resolve, reject);
  });
}

/** The caller's signal as `fetch` sees it: an explicit `null` detaches a `Request` from its own. */
function signalOf(input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): AbortSignal | undefined {
  const own = input instanceof Request ? input.signal : undefined;
  return (init?.signal === undefined ? own : init.signal) ?? undefined;
}

/** The headers the platform would send: `init.headers`, where given, replaces a `Request`'s. */
function headersOf(input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): Headers {
  return new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
}

/** The request's URL; a relative one resolves against the page, where there is one. */
function urlOf(input: Parameters<Fetch>[0]): URL {
  const { location } = globalThis as { location?: { href: string } };
  return new URL(input instanceof Request ? input.url : input, location?.href);
}

/** Whether a body can be sent again. A stream is gone after the first time; a `Request` is cloned beforehand. */
function isReplayable(body: unknown): boolean {
  // Node takes whatever it can iterate; not every browser can iterate its streams.
  return !(body instanceof ReadableStream || Symbol.asyncIterator in Object(body));
}

/** Frees the connection of a response that nobody will read. */
function discard(response: Response): void {
  response.body?.cancel().catch(() => {});
}

/** Tells the observer. What goes wrong there, at once or later, is not the request's failure. */
function notify<Event>(onEvent: ((event: Event) => void) | undefined, event: Event): void {
  try {
    const outcome: unknown = onEvent?.(event);
    if (outcome instanceof Promise) outcome.catch(() => {});
  } catch {
    // The observer's own affair.
  }
}

const DECIMAL = /^\d+(\.\d+)?$/;
/** Apart by which requests stay whose tokens are of no use. */
const FLOOR_MS = 1_000;
/** Refused for what was asked or who asked (RFC 6749, 5.2): asking again changes nothing. */
const REFUSAL = /^(invalid_(client|grant|request|scope)|un(authorized_client|supported_grant_type)|access_denied)$/;

/** A longer delay overflows the platform's timer, which then fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
