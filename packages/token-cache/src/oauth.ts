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
  /** Absolute http(s) URL of the token endpoint, without user or password. A redirect from it is not followed. */
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
        if (!SPENT.test(Object(error).code)) throw error;
      }
    }
    return typeof first === 'string' ? redeem(first) : first({ key });
  };

  async function redeem(token: string): Promise<TokenResponse> {
    const answer = await post({ grant_type: 'refresh_token', refresh_token: token });
    return { ...answer, refresh_token: answer.refresh_token || token };
  }
}

/** What `bearer` asks of a `tokenCache`. */
export interface TokenSource {
  /** The token of a key; `value` goes behind `Bearer`. */
  get(options: { readonly key: string; readonly signal: AbortSignal | undefined }): Promise<{ readonly value: string }>;
  /** Takes back a token answered with 401. Returns whether to `get` and send again. */
  reject(token: { readonly value: string }, key: string): boolean;
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
 * @throws `TypeError` when the policy is made, if `origins` is not a list of origins, or `cache` no cache.
 * @throws `TypeError` when the request is made, if its URL is relative and no page tells to what.
 * @throws what {@link TokenSource.get} throws, when the request is made.
 */
export function bearer(cache: TokenSource, { origins, key = 'default' }: BearerOptions): Policy {
  demand(typeof cache?.get === 'function', 'bearer: cache', 'a tokenCache', cache);
  const urls = Array.isArray(origins) ? origins.map((origin) => URL.parse(origin)) : [];
  // A path would promise a narrower trust than is kept.
  const areOrigins = urls.length > 0 && urls.every((url) => url?.href === `${url?.origin}/`);
  demand(areOrigins, 'bearer: origins', 'a list of origins such as https://api.example.com', origins);
  const trusted = new Set(urls.map((url) => url?.origin));

  return (next) =>
    async function withBearer(input, init) {
      const origin = originOf(input);
      if (!origin) throw new TypeError('bearer: the URL must be absolute');
      if (!trusted.has(origin)) return next(input, init);
      // All is read now, as by `fetch`: the caller may change it while the token is awaited.
      if (init instanceof Request) [input, init] = [new Request(input, init), undefined];
      const own = 'clone' in Object(input) ? (input as Request) : undefined;
      const target = own ?? `${input}`;
      const headers = new Headers(init?.headers ?? own?.headers);
      // Any `init` takes a `Request`'s referrer from it, and the policy that may hide it.
      const rest = { ...(own && { referrer: own.referrer, referrerPolicy: own.referrerPolicy }), ...init };
      // An explicit `null` detaches a `Request` from its own.
      const signal = (init?.signal === undefined ? own?.signal : init.signal) ?? undefined;
      // A redirect to another origin leaves the token behind: a 401 there says nothing of it.
      const isRefused = (r: Response) => r.status === 401 && (!r.redirected || originOf(r.url) === origin);

      const token = await cache.get({ key, signal });
      const mayRepeat = isReplayable(rest.body);
      // Firefox tells of no body.
      const repeat = mayRepeat && own && own.body !== null && !rest.body ? own.clone() : target;
      const response = await next(target, withToken(token));
      if (!isRefused(response) || !cache.reject(token, key) || !mayRepeat) return response;

      response.body?.cancel?.()?.catch(() => {});
      const another = await cache.get({ key, signal });
      const answer = await next(repeat, withToken(another));
      if (isRefused(answer)) cache.reject(another, key);
      return answer;

      function withToken({ value }: { readonly value: string }): RequestInit {
        const authorized = new Headers(headers);
        authorized.set('authorization', `Bearer ${value}`);
        return { ...rest, headers: authorized };
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
  const { tokenUrl, clientId, clientSecret, authentication = 'basic', timeoutMs = 30_000 } = options;
  const { scope = '', parameters = {}, fetch: given = globalThis.fetch } = options;
  const isEndpoint = /^https?:\/\/[^@/]+\//.test(`${URL.parse(tokenUrl)?.href}`);
  demand(isEndpoint, `${name}: tokenUrl`, 'an http(s) URL without password', tokenUrl);
  demand(isText(clientId), `${name}: clientId`, 'a non-empty string', clientId);
  demand(['basic', 'post'].includes(authentication), `${name}: authentication`, "'basic' or 'post'", authentication);
  demand(typeof scope === 'string', `${name}: scope`, 'a string', scope);
  demand(parameters === Object(parameters), `${name}: parameters`, 'an object', parameters);
  demand(timeoutMs >= 1 && timeoutMs <= LONGEST_TIMER_MS, `${name}: timeoutMs`, `1 to ${LONGEST_TIMER_MS}`, timeoutMs);
  demand(typeof given === 'function', `${name}: fetch`, 'a function', given);

  return async function requestToken(grant: Record<string, string>): Promise<TokenResponse> {
    const isBasic = clientSecret && authentication === 'basic';
    const basic = isBasic && `Basic ${btoa(`${formEncode(clientId)}:${formEncode(clientSecret)}`)}`;
    const headers = { accept: 'application/json', ...(basic && { authorization: basic }) };
    const client = basic ? {} : { client_id: clientId, ...(clientSecret && { client_secret: clientSecret }) };
    const body = new URLSearchParams({ ...parameters, ...grant, ...(scope && { scope }), ...client });

    const send = options.fetch ?? globalThis.fetch;
    const deadline = new AbortController();
    const { promise: late, reject } = Promise.withResolvers<never>();
    deadline.signal.onabort = () => reject(deadline.signal.reason);
    const end = () => deadline.abort(new DOMException(`No access token within ${timeoutMs} ms`, 'TimeoutError'));
    const timer = setTimeout(end, timeoutMs);
    try {
      // A 307 or 308, if followed, would take the secret wherever it leads.
      const init = { method: 'POST', headers, body, redirect: 'manual', signal: deadline.signal } as const;
      const response = await Promise.race([send(tokenUrl, init), late]);
      const text = await Promise.race([response.text(), late]);
      // The parser's own error would quote what it read.
      const answer = await (async () => Object(JSON.parse(text)))().catch(() => Object(null));
      // Bound to a key, so `Bearer` is not how to send it (RFC 6749, 7.1).
      const isBound = /^d?pop$/i.test(answer.token_type);
      const isToken = response.ok && !isBound && isText(answer.access_token);
      if (!isToken) throw new TokenRequestError(response.status, isBound ? 'invalid_token_type' : answer.error);
      return answer;
    } finally {
      clearTimeout(timer);
    }
  };
}

/** What goes into a `Basic` header is form-encoded first (RFC 6749, 2.3.1 and appendix B). */
function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

/** Where a request goes; a relative URL resolves against the page, where there is one. */
function originOf(input: Parameters<Fetch>[0]): string | undefined {
  const { document, location } = globalThis as { document?: { baseURI: string }; location?: { href: string } };
  return URL.parse(String((input as Partial<Request>).url ?? input), document?.baseURI ?? location?.href)?.origin;
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

/** The refresh token is no good any more, by RFC 6749, 5.2, GitHub or Slack. */
const SPENT = /^invalid_grant$|_refresh_token$/;
/** A longer delay overflows the platform's timer, which then fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
