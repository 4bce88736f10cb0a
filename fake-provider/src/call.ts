import { toJson } from './json-text.ts';

/** A request as the core sees it, whichever transport brought it. */
export interface Call {
  /** Upper case. */
  readonly method: string;
  /** Begins with a slash, holds no query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  /** The address that the request came from. */
  readonly ip: string;
  /** The scheme and host that the client used, for the links in a reply. */
  readonly origin: string;
  /** Whether the connection carried a request before; left out where the transport cannot tell. */
  readonly isConnectionReused?: boolean;
  /** The ledger's moment at which the client sent this; left out where the transport cannot tell. */
  readonly issuedAt?: number;
}

/** Larger than any body a client should send here. */
export const MAX_BODY_BYTES = 1_000_000;

/** What the provider answers. */
export interface Reply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** How long the provider thinks before it answers, in milliseconds. The state has changed on arrival. */
  readonly delayMs?: number;
  /** What goes wrong on the wire instead of, or while, this is sent. */
  readonly wire?: Wire;
  /** The fault or limit that shaped this reply; absent where the provider speaks for itself. */
  readonly simulated?: string;
  /** Whether it refuses the credential, whatever status the dialect has for that: with Slack it is 200. */
  readonly isUnauthorized?: boolean;
  /** The number of the request in the ledger, if it is there. */
  readonly sequence?: number;
}

/**
 * A fault below HTTP. The transport performs it, and nothing else does; one that cannot sends the reply as it is.
 */
export type Wire =
  /** The connection is reset (TCP RST) where the reply would have begun. */
  | { readonly kind: 'reset' }
  /** The connection is closed (TCP FIN) where the reply would have begun. */
  | { readonly kind: 'close' }
  /** Nothing is ever sent, and the connection stays open. */
  | { readonly kind: 'hang' }
  /** The lines of the head come one by one, spread over so many milliseconds; then the body, at once. */
  | { readonly kind: 'slow-headers'; readonly forMs: number }
  /** The body comes in pieces of so many bytes, with a pause before each. */
  | { readonly kind: 'dripped-body'; readonly bytes: number; readonly everyMs: number }
  /** The head promises the whole body, so many bytes of it come, and the connection is closed. */
  | { readonly kind: 'truncated-body'; readonly bytes: number }
  /** The reply is whole, and its connection is closed when it has been idle for so long. */
  | { readonly kind: 'close-idle'; readonly afterMs: number };

/** A reply with a JSON body. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: toJson(body),
  };
}
