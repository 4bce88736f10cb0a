import type { Call, Reply } from '../call.ts';
import { Problem } from '../problem.ts';
import type { AuthOptions, Client } from './auth-options.ts';
import { allowedScope, GrantError, grantedScope } from './grants/grant.ts';

/** What somebody consented to. */
export interface Consent {
  readonly client: string;
  readonly scope: string | undefined;
  readonly redirectUri: string | undefined;
  readonly challenge: string | undefined;
}

/**
 * Answers an authorization request as a user would who consents at once: a redirect with a code (RFC 6749, 4.1.2).
 *
 * @throws {@link Problem} 400 where there is nowhere safe to redirect to (RFC 6749, 4.1.2.1).
 */
export function answerAuthorizationRequest(
  { query }: Call,
  options: AuthOptions,
  issueCode: (consent: Consent) => string,
): Reply {
  const id = query.get('client_id') ?? '';
  const client = Object.hasOwn(options.clients, id) ? options.clients[id] : undefined;
  if (client === undefined) throw unsafe('client_id', 'is unknown');
  const target = redirectTarget(client, query.get('redirect_uri') ?? undefined);
  if (target === undefined) {
    const allowed = registered(client)?.join(' or ') ?? 'an http address on this machine, or one of redirectUris';
    throw unsafe('redirect_uri', `must be ${allowed}`);
  }

  try {
    const consent = consentOf(query, id, client, options);
    return redirect(target, { code: issueCode(consent), state: query.get('state') });
  } catch (error) {
    if (!(error instanceof GrantError)) throw error;
    return redirect(target, { error: error.code, error_description: error.message, state: query.get('state') });
  }
}

function consentOf(query: URLSearchParams, id: string, client: Client, options: AuthOptions): Consent {
  const repeated = [...new Set(query.keys())].find((field) => query.getAll(field).length > 1);
  if (repeated !== undefined) throw invalid('every parameter must be given once');
  const responseType = query.get('response_type');
  if (!responseType) throw invalid('response_type is missing');
  if (responseType !== 'code') throw new GrantError('unsupported_response_type', 'response_type must be code');

  const challenge = query.get('code_challenge') ?? undefined;
  if (challenge === undefined) {
    if (options.pkce === 'required' || client.secret === undefined) throw invalid('code challenge required');
  } else {
    if (query.get('code_challenge_method') !== 'S256') throw invalid('transform algorithm not supported; use S256');
    if (!/^[\w-]{43}$/.test(challenge)) throw invalid('code_challenge must be 43 characters of base64url');
  }
  const scope = grantedScope(query.get('scope'), allowedScope(options, id));
  return { client: id, scope, redirectUri: query.get('redirect_uri') ?? undefined, challenge };
}

/** Where to redirect: an address that is registered to the letter, or one on this machine where none are. */
function redirectTarget(client: Client, asked: string | undefined): string | undefined {
  const known = registered(client);
  if (asked === undefined) return known?.length === 1 ? known[0] : undefined;
  if (known !== undefined) return known.includes(asked) ? asked : undefined;
  const url = URL.parse(asked);
  const isHere = url?.protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  return isHere && url.hash === '' ? asked : undefined;
}

function registered(client: Client): readonly string[] | undefined {
  return 'redirectUris' in client ? client.redirectUris : undefined;
}

function redirect(target: string, fields: Readonly<Record<string, string | null>>): Reply {
  const url = new URL(target);
  for (const [field, value] of Object.entries(fields)) if (value !== null) url.searchParams.set(field, value);
  return { status: 302, headers: { location: url.href, 'referrer-policy': 'no-referrer' }, body: '' };
}

function unsafe(field: string, reason: string): Problem {
  return new Problem(400, 'invalid_request', `${field} ${reason}`, { field });
}

function invalid(description: string): GrantError {
  return new GrantError('invalid_request', description);
}
