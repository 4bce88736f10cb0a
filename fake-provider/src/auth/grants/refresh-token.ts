import { type Grant, GrantError, grantedScope, type RefreshToken, required } from './grant.ts';

/** A refresh token for a new access token (RFC 6749, section 6), rotated as configured (RFC 9700, section 4.14). */
export const refreshToken: Grant = {
  name: 'refresh_token',
  summary: 'a refresh token for an access token, with no, strict or lenient rotation (RFC 6749, 6)',
  exchange({ client, form }, { options, clock, refreshTokens, issueRefreshToken }) {
    const { rotation, graceSeconds } = options.refresh;
    const token = refreshTokens.get(required(form, 'refresh_token'));
    if (token === undefined || token.client !== client) throw invalid('unknown, or of another client');
    if (token.family.isRevoked) throw invalid('revoked');
    const nowMs = clock.now();
    if (nowMs >= token.expiresAtMs) throw invalid('expired');
    const scope = grantedScope(form.get('scope'), token.scope);
    if (rotation === 'none') return { scope, family: token.family };

    if (isReused(token, rotation === 'grace' ? graceSeconds * 1_000 : 0, nowMs)) {
      // Nobody can tell a thief from the owner, so both lose it.
      token.family.isRevoked = true;
      throw invalid('spent, so all that came of it is revoked');
    }
    token.spentAtMs ??= nowMs;
    return { scope, family: token.family, refreshToken: issueRefreshToken(client, token.scope, token.family) };
  },
};

function isReused({ spentAtMs }: RefreshToken, graceMs: number, nowMs: number): boolean {
  return spentAtMs !== undefined && nowMs >= spentAtMs + graceMs;
}

function invalid(state: string): GrantError {
  return new GrantError('invalid_grant', `refresh_token is ${state}`);
}
