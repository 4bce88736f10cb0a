import { chance } from '../chance.ts';
import type { Clock } from '../clock.ts';

/** How a token is judged when a request presents it. */
export type TokenState = 'valid' | 'expired' | 'revoked' | 'unknown';

/** All that follows from one consent: revoked, none of its tokens is good any more. */
export interface Family {
  isRevoked: boolean;
}

/** What a token may say beside whose it is. */
export interface TokenTerms {
  /** What it is good for; absent where nobody tells scopes apart. */
  readonly scope?: string | undefined;
  readonly family?: Family | undefined;
}

/** A token as it was issued. */
interface Token extends TokenTerms {
  readonly client: string;
  readonly expiresAtMs: number;
  usesLeft: number;
}

/** The access tokens in force. */
export interface TokenStore {
  /** Makes a token for the client, good from now for `ttlSeconds` and for `maxUses` requests. */
  issue(client: string, ttlSeconds: number, maxUses: number, terms?: TokenTerms): string;
  /** Whose token it is, even after it expired. */
  clientOf(token: string): string | undefined;
  /** What it is good for. */
  scopeOf(token: string): string | undefined;
  /** Judges a token and counts so many requests with it. */
  use(token: string, requests: number): TokenState;
  /** Revokes every token issued so far. */
  revokeAll(): void;
}

/** Tokens remembered at most; the oldest go first, and count as unknown from then on. */
const MAX_TOKENS = 10_000;

/** Makes an empty store. `checking` is the clock of who judges tokens, where it differs from that of who issues them. */
export function createTokenStore(seed: number, clock: Clock, checking: Clock = clock): TokenStore {
  const tokens = new Map<string, Token>();
  let issued = 0;

  return {
    issue(client, ttlSeconds, maxUses, terms = {}) {
      issued += 1;
      const token = secretText('tok', seed, 'token', issued);
      const expiresAtMs = clock.now() + ttlSeconds * 1_000;
      tokens.set(token, { ...terms, client, expiresAtMs, usesLeft: maxUses });
      keepNewest(tokens, MAX_TOKENS);
      return token;
    },
    clientOf: (token) => tokens.get(token)?.client,
    scopeOf: (token) => tokens.get(token)?.scope,
    use(text, requests) {
      const token = tokens.get(text);
      if (token === undefined) return 'unknown';
      if (checking.now() >= token.expiresAtMs) return 'expired';
      if (token.usesLeft <= 0 || token.family?.isRevoked) return 'revoked';
      token.usesLeft -= requests;
      return 'valid';
    },
    revokeAll() {
      for (const token of tokens.values()) token.usesLeft = 0;
    },
  };
}

/** A text that nobody guesses, and that is the same in every replay. */
export function secretText(prefix: string, ...site: readonly (string | number)[]): string {
  const random = [0, 1, 2].map((part) => Math.floor(chance(...site, part) * 2 ** 32).toString(36));
  return `${prefix}_${random.join('')}`;
}

/** Drops the oldest entries of a map that has become too large. */
export function keepNewest(map: Map<string, unknown>, most: number): void {
  while (map.size > most) map.delete(map.keys().next().value!);
}
