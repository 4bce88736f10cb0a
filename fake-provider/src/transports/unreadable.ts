import { bodyTooLarge, Problem } from '../problem.ts';

/** What Express found wrong with a body: too large, in an unknown encoding, cut short. */
export function unreadableBody(error: Error & { readonly status?: number; readonly type?: string }): Problem {
  const { status = 500, type = 'unreadable_body', message } = error;
  if (status === 413) return bodyTooLarge();
  if (status < 500) return new Problem(status, type.replaceAll('.', '_'), `body: ${message}`, { field: 'body' });
  return ownFailure();
}

/** The answer where the provider itself broke. */
export function ownFailure(): Problem {
  return new Problem(500, 'internal', 'the provider failed; this is a bug in it, not a fault it simulates');
}

/** What Node's parser found wrong with something that is not a request of HTTP/1.1. */
export function malformedRequest({ code = '' }: Error & { readonly code?: string }): Problem {
  const { status, field } = CAUSES.get(code) ?? { status: 400, field: 'request' };
  return new Problem(status, 'malformed_request', `${field} cannot be read (${code})`, { field });
}

/** The answer to CONNECT: this is no proxy. */
export function noTunnel(): Problem {
  const allow = 'GET, HEAD, POST, PATCH, DELETE, OPTIONS';
  return new Problem(405, 'method_not_allowed', `method must be ${allow}`, { field: 'method', headers: { allow } });
}

/** By Node's code. */
const CAUSES: ReadonlyMap<string, { readonly status: number; readonly field: string }> = new Map([
  ['HPE_INVALID_METHOD', { status: 400, field: 'method' }],
  ['HPE_INVALID_URL', { status: 400, field: 'path' }],
  ['HPE_INVALID_HEADER_TOKEN', { status: 400, field: 'headers' }],
  ['HPE_INVALID_CONTENT_LENGTH', { status: 400, field: 'content-length' }],
  ['HPE_INVALID_TRANSFER_ENCODING', { status: 400, field: 'transfer-encoding' }],
  ['HPE_INVALID_CHUNK_SIZE', { status: 400, field: 'body' }],
  ['HPE_HEADER_OVERFLOW', { status: 431, field: 'headers' }],
  ['ERR_HTTP_REQUEST_TIMEOUT', { status: 408, field: 'request' }],
]);
