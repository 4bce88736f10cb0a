import type { Call } from '../call.ts';
import { Problem } from '../problem.ts';

/** Lets a request to the admin pass, or throws the `Problem` that refuses it. */
export type Guard = (call: Call) => void;

/** Shorter ones are guessed. */
export const MIN_TOKEN_LENGTH = 16;

/** Asks for `Authorization: Bearer <token>`. */
export function requireToken(token: string): Guard {
  return ({ headers }) => {
    const presented = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
    if (isSame(presented, token)) return;
    throw new Problem(401, 'admin_token_required', 'authorization must be Bearer and the admin token', {
      field: 'authorization',
      headers: { 'www-authenticate': 'Bearer realm="admin"' },
    });
  };
}

/** Asks for no token, but for a caller on this machine: no page of another origin, and no name that leads here. */
export const requireLoopback: Guard = ({ origin, headers }) => {
  const host = URL.canParse(origin) ? new URL(origin).hostname : '';
  if (!isLoopback(host)) throw new Problem(403, 'not_local', 'host must be that of this machine', { field: 'host' });
  if (headers.origin !== undefined && headers.origin !== origin) {
    throw new Problem(403, 'not_local', 'origin must be the provider itself', { field: 'origin' });
  }
};

/** Whether a host is this machine, and nobody else can reach it. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Takes as long for every text of the same length. */
function isSame(one: string, other: string): boolean {
  let difference = one.length ^ other.length;
  for (let at = 0; at < other.length; at += 1) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
}
