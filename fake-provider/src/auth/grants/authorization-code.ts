import { sha256 } from '../sha256.ts';
import { type Code, type Grant, GrantError, required } from './grant.ts';

/** A code from the authorization endpoint for a token (RFC 6749, section 4.1), with its proof (RFC 7636). */
export const authorizationCode: Grant = {
  name: 'authorization_code',
  summary: 'a code from GET /oauth/authorize for an access token, with PKCE S256 (RFC 6749, 4.1; RFC 7636)',
  exchange({ client, form }, { clock, codes, issueRefreshToken }) {
    const code = codes.get(required(form, 'code'));
    if (code === undefined || code.client !== client) throw invalid('code is unknown, or of another client');
    if (code.isSpent) {
      code.family.isRevoked = true;
      throw invalid('code is spent, so all that came of it is revoked');
    }
    if (clock.now() >= code.expiresAtMs) throw invalid('code is expired');
    if (code.redirectUri !== undefined && code.redirectUri !== form.get('redirect_uri')) {
      throw invalid('redirect_uri must be that of the authorization request');
    }
    prove(code, form.get('code_verifier') ?? undefined);
    code.isSpent = true;
    const { scope, family } = code;
    return { scope, family, refreshToken: issueRefreshToken(client, scope, family) };
  },
};

/** Checks the proof of RFC 7636, section 4.6. One without a challenge is refused too (RFC 9700, section 2.1.1). */
function prove({ challenge }: Code, verifier: string | undefined): void {
  if (challenge === undefined && verifier === undefined) return;
  if (challenge === undefined) throw invalid('code_verifier is given, but there was no code_challenge');
  if (verifier === undefined) throw invalid('code_verifier is missing');
  if (!/^[\w.~-]{43,128}$/.test(verifier)) throw invalid('code_verifier must be 43 to 128 unreserved characters');
  if (s256(verifier) !== challenge) throw invalid('code_verifier does not fit the code_challenge');
}

/** `BASE64URL(SHA256(verifier))`, RFC 7636, section 4.2. */
function s256(verifier: string): string {
  const digest = String.fromCharCode(...sha256(new TextEncoder().encode(verifier)));
  return btoa(digest).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function invalid(description: string): GrantError {
  return new GrantError('invalid_grant', description);
}
