import { type Call, json, type Reply } from '../call.ts';

/** A token that was given out. */
export interface Grant {
  readonly accessToken: string;
  /** Left out where the provider does not say how long the token lives. */
  readonly expiresInSeconds?: number | string;
  readonly refreshToken?: string;
  readonly scope?: string;
}

/** Why no token was given out. */
export interface Refusal {
  readonly status: number;
  /** An error code of RFC 6749, section 5.2. */
  readonly error: string;
  readonly description: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The token request that is answered. */
export interface TokenSite {
  readonly call: Call;
  /** Epoch milliseconds. */
  readonly nowMs: number;
}

/** How a token endpoint is asked, and how it answers. */
export interface TokenWords {
  /** Where it is, beginning with a slash. */
  readonly path: string;
  /** Where the authorization endpoint is; `/oauth/authorize`, if left out. */
  readonly authorizePath?: string;
  /** The media type that the request must have. */
  readonly mediaType: string;
  /** The fields of a request. */
  form(call: Call): URLSearchParams;
  grant(grant: Grant, site: TokenSite): Reply;
  refusal(refusal: Refusal): Reply;
}

/** The token endpoint as RFC 6749, sections 4.4 and 5, has it. */
export const rfc6749: TokenWords = {
  path: '/oauth/token',
  mediaType: 'application/x-www-form-urlencoded',
  form: (call) => new URLSearchParams(call.body),
  grant({ accessToken, expiresInSeconds, refreshToken, scope }) {
    const body = {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: expiresInSeconds,
      refresh_token: refreshToken,
      scope,
    };
    return json(200, body, { 'cache-control': 'no-store', pragma: 'no-cache' });
  },
  refusal: ({ status, error, description, headers }) =>
    json(
      status,
      { error, error_description: description },
      { 'cache-control': 'no-store', pragma: 'no-cache', ...headers },
    ),
};
