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
export type TokenRequest = (last: { readonly key: string; readonly refreshToken?: string }) => Promise<TokenResponse>;

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
  const isStart = isText(first) || typeof first === 'function';
  demand(isStart, 'refreshToken: first', 'a non-empty string or a function', first);

  return async function requestByRefreshToken({ key, refreshToken: held }) {
    if (held !== undefined && held !== first) {
      try {
        return await redeem(held);
      } catch (error) {
        if (Object(error).code !== 'invalid_grant') throw error;
      }
    }
    return typeof first === 'string' ? redeem(first) : first({ key });
  };

  async function redeem(token: string): Promise<TokenResponse> {
    const answer = await post({ grant_type: 'refresh_token', refresh_token: token });
    return { ...answer, refresh_token: answer.refresh_token || token };
  }
}

/** What a caller is given. */
export interface AccessToken {
  /** What goes behind `Bearer`. */
  readonly value: string;
  /** Whether it was requested while the caller waited, so that no other would fare better. */
  readonly isFresh: boolean;
}

/** One access token per key, for `bearer` or for any client that asks for a token by itself. */
export interface TokenCache {
  /**
   * The token of a key (`'default'`). Aborting ends the wait alone: the answer may hold the only good refresh token.
   *
   * @throws what `request` threw, or an error named `TokenRequestError` if it resolved to no usable token.
   */
  get(options?: { readonly key?: string; readonly signal?: AbortSignal | undefined }): Promise<AccessToken>;
  /** Takes back a token answered with 401, if it still is current. Returns whether to `get` and send again. */
  reject(token: AccessToken, key?: string): boolean;
}

/** Who is sent which token. */
export interface BearerOptions {
  /** Who may see the token, as `https://api.example.com`. At least one. Other requests go out as they are. */
  readonly origins: readonly string[];
  /** Which of the cache's tokens is sent. @defaultValue 'default' */
  readonly key?: string;
}

/**
 * Sends requests with the cache's token, in place of any `Authorization` of the caller's. After a 401 sends once more
 * with another token, unless the body is a stream.
 *
 * @throws `TypeError` when the policy is made, if `origins` is not a list of origins.
 * @throws what {@link TokenCache.get} throws, when the request is made.
 */
export function bearer(cache: TokenCache, { origins, key = 'default' }: BearerOptions): Policy {
  const urls = Array.isArray(origins) ? origins.map((origin) => URL.parse(origin)) : [];
  // A path would promise a narrower trust than is kept.
  if (urls.length === 0 || !urls.every((url) => url?.href === `${url?.origin}/`)) {
    throw new TypeError('bearer: origins must be a list of origins such as https://api.example.com');
  }
  const trusted = new Set(urls.map((url) => url?.origin));

  return (next) =>
    async function withBearer(input, init) {
      if (!trusted.has(urlOf(input).origin)) return next(input, init);
      const own = input instanceof Request ? input : undefined;
      // An explicit `null` detaches a `Request` from its own.
      const signal = (init?.signal === undefined ? own?.signal : init.signal) ?? undefined;

      const token = await cache.get({ key, signal });
      const mayRepeat = !token.isFresh && isReplayable(init?.body);
      const repeat = mayRepeat && own?.body && !init?.body ? own.clone() : input;
      const response = await next(input, withToken(token));
      if (response.status !== 401 || !cache.reject(token, key) || !mayRepeat) return response;

      response.body?.cancel().catch(() => {});
      const another = await cache.get({ key, signal });
      const answer = await next(repeat, withToken(another));
      if (answer.status === 401) cache.reject(another, key);
      return answer;

      function withToken({ value }: AccessToken): RequestInit {
        const headers = new Headers(init?.headers ?? own?.headers);
        headers.set('authorization', `Bearer ${value}`);
        return { ...init, headers };
      }
    };
}

/** The endpoint gave no token. Of its answer only the code is kept: descriptions quote credentials. */
export class TokenRequestError extends Error {
  override readonly name = 'TokenRequestError';
  /** The endpoint's HTTP status. */
  readonly status: number;
  /** The OAuth error code (RFC 6749, 5.2); a 401 without one is taken for `invalid_client`. */
  readonly code: string | undefined;

  constructor(status: number, error?: unknown) {
    const isCode = typeof error === 'string' && /^[a-z_]{1,64}$/.test(error);
    const code = isCode ? error : status === 401 ? 'invalid_client' : undefined;
    super(`No access token: ${code ?? 'no usable answer'}, status ${status}`);
    this.status = status;
    this.code = code;
  }
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

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Shows numbers only: anything else may be a secret in the wrong place. */
function demand(isMet: boolean, option: string, range: string, got: unknown): asserts isMet {
  if (isMet) return;
  if (typeof got === 'number') throw new RangeError(`${option} must be ${range}, got ${got}`);
  throw new TypeError(`${option} must be ${range}, got ${typeof got}`);
}

/** A longer delay overflows the platform's timer, which then fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
