import type { Arrival } from '../arrival.ts';
import type { Reply, Wire } from '../call.ts';
import { invitedAtMs } from '../invitation.ts';
import { fingerprint } from './fingerprint.ts';
import { presentedSecrets, type Redactor } from './redact.ts';

/** What the provider saw and answered. Holds no credential, no query and no body; what must be compared is hashed. */
export interface Observation {
  /** Epoch milliseconds of the arrival. */
  readonly atMs: number;
  /** Epoch milliseconds at which the answer was given. */
  readonly sentAtMs: number;
  /** Who called: the client the token was issued to, or `anonymous`. */
  readonly client: string;
  readonly method: string;
  /** Without the query, and without anything that looks like a secret. */
  readonly path: string;
  /** The scheme, host and port that were called. */
  readonly origin: string;
  /** The method and the route's pattern, such as `GET /users/:id`. */
  readonly route: string;
  /** What the route does; absent where there is none. */
  readonly operation: string | undefined;
  /** How many requests of this client on this route came before, and this one. */
  readonly nth: number;
  /** The status sent, or 0 where the wire broke first. */
  readonly status: number;
  /** Whether the credential was refused, whatever the status. */
  readonly isUnauthorized: boolean;
  /** What went wrong on the wire. */
  readonly wire: Wire['kind'] | undefined;
  /** Epoch milliseconds before which the client was asked, by `Retry-After`, not to come back. */
  readonly retryAtMs: number | undefined;
  /** The fault or limit that shaped the answer. */
  readonly simulated: string | undefined;
  /** The resource that was listed, and its revision when it was. */
  readonly listed: { readonly resource: string; readonly revision: number } | undefined;
  /** Equal for requests of one client that are equal in method, path, query and body. */
  readonly identity: string;
  /** Equal where the idempotency keys are. */
  readonly idempotencyKey: string | undefined;
  /** Equal where the bodies are. */
  readonly bodyHash: string | undefined;
  /** Equal where the credentials presented are. */
  readonly credential: string | undefined;
  /** Whether a secret stood in the URL, where this provider asks for none. */
  readonly hasSecretInUrl: boolean;
  readonly hasUserAgent: boolean;
  /** Whether the connection had carried a request before; absent where the transport cannot tell. */
  readonly isConnectionReused: boolean | undefined;
  /** The token that was issued, and for how long, if the answer said. */
  readonly granted: { readonly credential: string; readonly livesMs: number | undefined } | undefined;
}

/** How a request follows from those before it. */
export interface Lineage {
  /** 1 for a first try; 2 for its first retry. */
  readonly attempt: number;
  /** The sequence number of the failed request that this one repeats. */
  readonly retryOf: number | undefined;
  /** How long after the answer, in milliseconds, where the answer left that to the client. */
  readonly waitedMs: number | undefined;
  /** Whether it is what client stacks do by themselves when a kept connection is reset: it is recorded, not scored. */
  readonly isSilent: boolean;
}

/** One request and its answer. */
export interface LedgerEntry extends Observation, Lineage {
  /** 1 for the first request. */
  readonly sequence: number;
}

/** Puts down what the ledger may know of a request and its answer. */
export function observe(
  { call, match, route, nowMs, endsAtMs, client, credential, nth }: Arrival,
  reply: Reply,
  redactor: Redactor,
  listed: Observation['listed'],
): Observation {
  const query = call.query.toString();
  const idempotencyKey = call.headers['idempotency-key'];
  return {
    atMs: nowMs,
    sentAtMs: reply.delayMs === undefined ? endsAtMs : nowMs + reply.delayMs,
    client,
    method: call.method,
    // A path that is all pattern was written by the provider, not by the client.
    path: isLiteral(match) ? call.path : redactor.path(call.path, [credential, ...presentedSecrets(call.headers)]),
    origin: originOf(call.origin),
    route,
    operation: match?.route.operation,
    nth,
    status: reply.status,
    isUnauthorized: reply.isUnauthorized ?? false,
    wire: reply.wire?.kind,
    retryAtMs: invitedAtMs(reply.headers['retry-after'], nowMs),
    simulated: reply.simulated,
    listed,
    identity: fingerprint(client, call.method, call.path, query, call.body),
    idempotencyKey: idempotencyKey === undefined ? undefined : fingerprint(idempotencyKey),
    bodyHash: call.body === '' ? undefined : fingerprint(call.body),
    credential: credential === '' ? undefined : fingerprint(credential),
    hasSecretInUrl: (query !== '' || !isLiteral(match)) && holdsSecret(call, credential, redactor),
    hasUserAgent: (call.headers['user-agent'] ?? '') !== '',
    isConnectionReused: call.isConnectionReused,
    granted: match?.route.operation === 'token' && reply.status === 200 ? grantIn(reply.body) : undefined,
  };
}

function isLiteral(match: Arrival['match']): boolean {
  return match !== undefined && !match.route.name.includes(':');
}

/** A secret in the URL ends up in logs. One that the dialect reads from there, as some old APIs have it, is no news. */
function holdsSecret({ path, query, headers }: Arrival['call'], credential: string, { isSecret }: Redactor): boolean {
  const isAskedFor = (text: string): boolean =>
    text === credential && !Object.values(headers).some((value) => value?.includes(text));
  const isLeaked = (text: string): boolean => isSecret(text) && !isAskedFor(text);
  return path.split('/').some(isLeaked) || [...query.values()].some(isLeaked);
}

/** Without what a client may have put before the host. */
function originOf(text: string): string {
  if (/^https?:\/\/[\w.:[\]-]+$/.test(text)) return text;
  return URL.canParse(text) ? new URL(text).origin : 'unknown';
}

function grantIn(body: string): Observation['granted'] {
  try {
    const { access_token: token, expires_in: seconds } = JSON.parse(body) as Record<string, unknown>;
    const livesMs = seconds === undefined ? undefined : Number(seconds) * 1_000;
    return typeof token === 'string' ? { credential: fingerprint(token), livesMs } : undefined;
  } catch {
    return undefined;
  }
}
