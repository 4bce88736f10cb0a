/** The platform's `fetch`, or anything of its shape. */
export type Fetch = typeof globalThis.fetch;

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
