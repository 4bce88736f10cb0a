import { allowedScope, type Grant, GrantError, grantedScope } from './grant.ts';

/** The client itself is who may (RFC 6749, section 4.4). It gets no refresh token: it can ask again. */
export const clientCredentials: Grant = {
  name: 'client_credentials',
  summary: 'client id and secret for an access token (RFC 6749, 4.4)',
  exchange({ client, form }, { options }) {
    if (options.clients[client]?.secret === undefined) {
      throw new GrantError('unauthorized_client', 'a client without a secret must not use client_credentials');
    }
    return { scope: grantedScope(form.get('scope'), allowedScope(options, client)) };
  },
};
