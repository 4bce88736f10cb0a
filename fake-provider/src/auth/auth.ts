import type { Arrival } from '../arrival.ts';
import type { Call, Reply } from '../call.ts';
import type { Clock } from '../clock.ts';
import type { Dialect } from '../dialects/dialect.ts';
import { Problem } from '../problem.ts';
import type { Operation } from '../routes.ts';
import type { AuthOptions } from './auth-options.ts';
import { answerAuthorizationRequest, type Consent } from './authorization-endpoint.ts';
import { allowedScope, type Code, type GrantSite, type RefreshToken } from './grants/grant.ts';
import { answerTokenRequest, claimedClient, readBasic } from './token-endpoint.ts';
import { createTokenStore, type Family, keepNewest, secretText, type TokenState } from './token-store.ts';
import type { TokenSite } from './token-words.ts';

/** How a provider tells who calls, and lets them in. */
export interface Auth {
  /** The credential that a request presents, without its scheme; empty, if none. A secret. */
  credential(call: Call): string;
  /** Whose request it is, as far as it says: a client with an expired token is still that client. */
  clientOf(call: Call, operation: Operation | undefined, credential: string): string;
  organisationOf(client: string): string;
  /**
   * Lets a request in, or not.
   *
   * @throws {@link Problem} 401 without a good credential, 403 without the scope that the route demands.
   */
  authenticate(arrival: Arrival): void;
  /** Answers a token request. */
  token(request: TokenSite): Reply;
  /** Answers an authorization request. A free one, such as HEAD, takes no code. */
  authorize(call: Call, isFree: boolean): Reply;
  /** Revokes every access token issued so far. */
  revokeTokens(): void;
  /** What is secret from the start: of clients, API keys, refresh tokens. */
  readonly secrets: readonly string[];
  /** Whether the text was ever issued as a token or a code. */
  isToken(text: string): boolean;
}

/** What is wrong with the credential of a request, in a word. */
const TOKEN_PROBLEMS: Readonly<Record<Exclude<TokenState, 'valid'> | 'missing', string>> = {
  missing: 'missing_token',
  unknown: 'invalid_token',
  expired: 'expired_token',
  revoked: 'revoked_token',
};

/** Codes and refresh tokens remembered at most; the oldest go first. */
const MAX_GRANTS = 10_000;

/** Makes the gate of a provider, which stands open where `options` is `false`. */
export function createAuth(
  options: AuthOptions | false,
  { seed, clock, dialect }: { readonly seed: number; readonly clock: Clock; readonly dialect: Dialect },
): Auth {
  return options === false ? openToAll(dialect) : createGate(options, seed, clock, dialect);
}

function openToAll(dialect: Dialect): Auth {
  function noToken(): never {
    throw new Problem(404, 'not_found', 'this provider asks for no token', { field: 'path' });
  }
  return {
    credential: (call) => dialect.credential(call) ?? '',
    clientOf: () => 'anonymous',
    organisationOf: (client) => client,
    authenticate() {},
    token: noToken,
    authorize: noToken,
    revokeTokens() {},
    secrets: [],
    isToken: () => false,
  };
}

function createGate(options: AuthOptions, seed: number, clock: Clock, dialect: Dialect): Auth {
  const { clients, apiKeys, scopes, tokenTtlSeconds, revokeAfterRequests = Infinity } = options;
  // Who checks tokens may be ahead of who issues them.
  const checkingClock: Clock = { now: () => clock.now() + options.clockSkewSeconds * 1_000 };
  const tokens = createTokenStore(seed, clock, checkingClock);
  const codes = new Map<string, Code>();
  const refreshTokens = new Map<string, RefreshToken>();
  let issued = 0;

  for (const [token, client] of Object.entries(options.refreshTokens)) {
    rememberRefreshToken(token, client, allowedScope(options, client), { isRevoked: false });
  }

  function rememberRefreshToken(token: string, client: string, scope: string | undefined, family: Family): void {
    refreshTokens.set(token, {
      client,
      scope,
      family,
      expiresAtMs: clock.now() + options.refresh.ttlSeconds * 1_000,
    });
    keepNewest(refreshTokens, MAX_GRANTS);
  }

  const site: GrantSite = {
    options,
    clock,
    codes,
    refreshTokens,
    issueRefreshToken(client, scope, family) {
      if (!options.grants.includes('refresh_token')) return undefined;
      issued += 1;
      const token = secretText('ref', seed, 'refresh token', issued);
      rememberRefreshToken(token, client, scope, family);
      return token;
    },
  };

  function issueCode({ client, scope, redirectUri, challenge }: Consent): string {
    issued += 1;
    const code = secretText('code', seed, 'code', issued);
    const expiresAtMs = clock.now() + options.codeTtlSeconds * 1_000;
    codes.set(code, {
      client,
      scope,
      redirectUri,
      challenge,
      expiresAtMs,
      family: { isRevoked: false },
      isSpent: false,
    });
    keepNewest(codes, MAX_GRANTS);
    return code;
  }

  const basicOf = (call: Call): string | undefined => (options.basic ? basicCredential(call) : undefined);

  /** The client behind an API key, or an id and its secret. */
  function keyHolder(credential: string): string | undefined {
    if (Object.hasOwn(apiKeys, credential)) return apiKeys[credential];
    const pair = options.basic ? readBasic(credential) : undefined;
    if (pair === undefined) return undefined;
    if (Object.hasOwn(apiKeys, pair.id)) return apiKeys[pair.id];
    return Object.hasOwn(clients, pair.id) && clients[pair.id]!.secret === pair.secret ? pair.id : undefined;
  }

  function stateOf(credential: string, requests: number): TokenState | 'missing' {
    if (credential === '') return 'missing';
    return keyHolder(credential) === undefined ? tokens.use(credential, requests) : 'valid';
  }

  function demandScope({ credential, client, route }: Arrival): void {
    const demanded = Object.hasOwn(scopes, route) ? scopes[route] : undefined;
    if (demanded === undefined) return;
    const scope = keyHolder(credential) === undefined ? tokens.scopeOf(credential) : allowedScope(options, client);
    if (scope?.split(' ').includes(demanded)) return;
    throw new Problem(403, 'insufficient_scope', `the request needs the scope ${demanded}`, {
      field: 'scope',
      headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${demanded}"` },
    });
  }

  return {
    credential: (call) => dialect.credential(call) ?? call.headers[options.apiKeyHeader] ?? basicOf(call) ?? '',
    clientOf(call, operation, credential) {
      if (operation !== 'token' && operation !== 'authorize') {
        return keyHolder(credential) ?? tokens.clientOf(credential) ?? 'anonymous';
      }
      const id = operation === 'token' ? claimedClient(call, dialect.token) : call.query.get('client_id');
      return id != null && Object.hasOwn(clients, id) ? id : 'anonymous';
    },
    organisationOf: (client) => (Object.hasOwn(clients, client) ? clients[client]!.organisation : client),
    authenticate(arrival) {
      const state = stateOf(arrival.credential, arrival.isFree ? 0 : 1);
      if (state === 'valid') return demandScope(arrival);
      throw new Problem(401, TOKEN_PROBLEMS[state], `the access token is ${state}`, {
        field: 'authorization',
        headers: { 'www-authenticate': challenge(state) + (options.basic ? ', Basic realm="api"' : '') },
      });
    },
    token: (request) =>
      answerTokenRequest(request, site, dialect.token, (client, { scope, family }) =>
        tokens.issue(client, tokenTtlSeconds, revokeAfterRequests, { scope, family }),
      ),
    authorize: (call, isFree) => answerAuthorizationRequest(call, options, isFree ? () => '' : issueCode),
    revokeTokens: tokens.revokeAll,
    secrets: [
      ...Object.values(clients).flatMap(({ secret = [] }) => secret),
      // As HTTP Basic has them, which is no disguise.
      ...Object.entries(clients).flatMap(([id, { secret }]) => (secret === undefined ? [] : coded(`${id}:${secret}`))),
      ...Object.keys(apiKeys),
      ...Object.keys(options.refreshTokens),
    ],
    isToken: (text) => tokens.clientOf(text) !== undefined || codes.has(text) || refreshTokens.has(text),
  };
}

/** In base64; text that it cannot hold is not sent so. */
function coded(text: string): string[] {
  return /^[\0-\xff]*$/.test(text) ? [btoa(text)] : [];
}

/** As RFC 6750, section 3, has it: no error code for who presents nothing. */
function challenge(state: string): string {
  return state === 'missing' ? 'Bearer' : `Bearer error="invalid_token", error_description="the token is ${state}"`;
}

/** What stands behind the scheme of HTTP Basic (RFC 7617). */
function basicCredential({ headers }: Call): string | undefined {
  return /^basic +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}
