import type { Clock } from '../../clock.ts';
import type { AuthOptions } from '../auth-options.ts';
import type { Family } from '../token-store.ts';

/** What came of a grant: on whose behalf tokens are issued. */
export interface Granted {
  readonly scope: string | undefined;
  readonly family?: Family | undefined;
  /** A refresh token to hand out, where the client gets one that it does not have yet. */
  readonly refreshToken?: string | undefined;
}

/** Why there is no token, in the words of RFC 6749, sections 4.1.2.1 and 5.2. */
export class GrantError extends Error {
  override readonly name = 'GrantError';
  /** The error code. */
  readonly code: string;

  constructor(code: string, description: string) {
    super(description);
    this.code = code;
  }
}

/** A refresh token. */
export interface RefreshToken {
  readonly client: string;
  readonly scope: string | undefined;
  readonly family: Family;
  readonly expiresAtMs: number;
  /** When it was first exchanged, if it was. */
  spentAtMs?: number;
}

/** An authorization code. */
export interface Code {
  readonly client: string;
  readonly scope: string | undefined;
  readonly family: Family;
  readonly expiresAtMs: number;
  /** As the authorization request had it; absent where it relied on the only one there is. */
  readonly redirectUri: string | undefined;
  readonly challenge: string | undefined;
  isSpent: boolean;
}

/** What grants share. */
export interface GrantSite {
  readonly options: AuthOptions;
  readonly clock: Clock;
  readonly codes: Map<string, Code>;
  readonly refreshTokens: Map<string, RefreshToken>;
  /** Makes a refresh token; `undefined`, where the provider gives none. */
  issueRefreshToken(client: string, scope: string | undefined, family: Family): string | undefined;
}

/** What a client gives in exchange for a token. */
export interface GrantRequest {
  /** The client id, proven if the client has a secret. */
  readonly client: string;
  readonly form: URLSearchParams;
}

/** Something that a client exchanges for a token. */
export interface Grant {
  /** The `grant_type`. */
  readonly name: string;
  /** One line for people who choose. */
  readonly summary: string;
  /**
   * Takes what the client gives.
   *
   * @throws {@link GrantError} where it is worth nothing.
   */
  exchange(request: GrantRequest, site: GrantSite): Granted;
}

/**
 * The scope that a client gets: what it asks for, or all it may have.
 *
 * @throws {@link GrantError} `invalid_scope`, if it asks for more than that.
 */
export function grantedScope(asked: string | null, allowed: string | undefined): string | undefined {
  if (allowed === undefined) return undefined;
  if (!asked) return allowed;
  const wanted = asked.split(' ').filter((scope) => scope !== '');
  const permitted = allowed.split(' ');
  if (!wanted.every((scope) => permitted.includes(scope))) {
    throw new GrantError('invalid_scope', `scope must be one or more of ${allowed}`);
  }
  return [...new Set(wanted)].join(' ');
}

/** All scopes that a client may have; `undefined`, where no route demands any. */
export function allowedScope({ scopes, clients }: AuthOptions, client: string): string | undefined {
  const known = [...new Set(Object.values(scopes))];
  const own = Object.hasOwn(clients, client) ? clients[client] : undefined;
  const permitted = own !== undefined && 'scopes' in own ? own.scopes : undefined;
  return known.length === 0 ? undefined : (permitted ?? known).join(' ');
}

/**
 * The one value of a field.
 *
 * @throws {@link GrantError} `invalid_request`, if it is missing.
 */
export function required(form: URLSearchParams, field: string): string {
  const value = form.get(field);
  if (!value) throw new GrantError('invalid_request', `${field} is missing`);
  return value;
}
