import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import express, { type NextFunction, type Request, type Response } from 'express';
import { type Guard, isLoopback, MIN_TOKEN_LENGTH, requireLoopback, requireToken } from '../admin/access.ts';
import { isForAdmin } from '../admin/route.ts';
import { type Call, MAX_BODY_BYTES, type Reply, type Wire } from '../call.ts';
import type { LedgerEntry } from '../ledger/entry.ts';
import { bodyTooLarge, Problem } from '../problem.ts';
import type { Provider } from '../provider.ts';
import { perform, performed, sendEarly, sendWhole } from './socket-wire.ts';
import { malformedRequest, noTunnel, ownFailure, unreadableBody } from './unreadable.ts';

/** A provider that listens. */
export interface RunningServer {
  /** Where it listens, such as `http://127.0.0.1:4010`, without a slash at the end. */
  readonly url: string;
  /** Stops listening and ends every connection, hanging ones included. */
  close(): Promise<void>;
}

/** The wire faults that this transport performs: all of them. */
export const performs: ReadonlySet<Wire['kind']> = performed;

/** Longer than any test, so that no client meets a reset that nobody configured. */
const KEEP_ALIVE_MS = 600_000;

/** How a provider is served. */
export interface ServeOptions {
  /** 0, the default, takes any free one. */
  readonly port?: number;
  /** The address to listen at. @defaultValue `127.0.0.1` */
  readonly host?: string;
  /** What `/__admin` asks for as a bearer token; without one it answers to this machine only. */
  readonly adminToken?: string;
  /** Hears of every request, right after it was answered. */
  readonly onRequest?: (entry: LedgerEntry) => void;
}

/**
 * Serves a provider over HTTP.
 *
 * @throws `RangeError`, if others could reach it and there is no admin token, or one that can be guessed.
 * @throws Node's `EADDRINUSE`, `EADDRNOTAVAIL`, `ENOTFOUND` or `EACCES` error, if the address cannot be had.
 */
export async function serve(
  provider: Provider,
  { port = 0, host = '127.0.0.1', adminToken, onRequest }: ServeOptions = {},
): Promise<RunningServer> {
  const guard = guardOf(host, adminToken);
  if (adminToken !== undefined) provider.hide(adminToken);
  const answer = (call: Call): Reply => {
    if (isForAdmin(call.path)) return provider.admin.handle(call, guard);
    const reply = provider.handle(call);
    if (onRequest !== undefined) onRequest(provider.ledger.entries.at(-1)!);
    return reply;
  };
  const receive = (request: IncomingMessage, response: ServerResponse, body: string): void => {
    let reply: Reply;
    try {
      reply = answer(toCall(request, body));
    } catch {
      reply = provider.refuse(ownFailure());
    }
    send(response, reply);
  };
  const app = express().disable('x-powered-by');
  app.use(express.text({ type: () => true, limit: MAX_BODY_BYTES }));
  app.use((request: Request, response: Response) => {
    receive(request, response, typeof request.body === 'string' ? request.body : '');
  });
  app.use((error: Error, _request: Request, response: Response, _next: NextFunction) => {
    send(response, provider.refuse(unreadableBody(error)));
  });
  // Express reads bodies; where there is none to read, going through it takes as long as all the rest.
  const listener: RequestListener = (request, response) => {
    if (isHostless(request)) send(response, provider.refuse(missingHost()));
    else if (isTooLarge(request)) sendEarly(response, provider.refuse(bodyTooLarge()));
    else if (hasBody(request)) app(request, response);
    else receive(request, response, '');
  };

  // Left to itself, Node answers these without a body or not at all.
  const server = createServer({ requireHostHeader: false, keepAliveTimeout: KEEP_ALIVE_MS }, listener)
    .on('checkExpectation', listener)
    .on('checkContinue', (request, response) => {
      if (!isTooLarge(request)) response.writeContinue();
      listener(request, response);
    })
    .on('connect', (_request, socket) => {
      // Node hands this connection over: nobody else will close it, or hear that it broke.
      socket.once('finish', () => socket.destroy()).on('error', () => socket.destroy());
      endWith(socket, provider.refuse(noTunnel()));
    })
    .on('clientError', (error, socket) => {
      if (socket.writable) endWith(socket, provider.refuse(malformedRequest(error)));
      else socket.destroy();
    })
    .listen(port, host);
  await once(server, 'listening');
  const { address, family, port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`,
    close: () => close(server),
  };
}

/** Who may steer: everyone on this machine where nobody else can come, and who has the token anywhere else. */
function guardOf(host: string, adminToken: string | undefined): Guard {
  if (adminToken === undefined) {
    if (isLoopback(host)) return requireLoopback;
    throw new RangeError(`host ${host} can be reached from other machines, which needs an admin token`);
  }
  if (adminToken.length >= MIN_TOKEN_LENGTH && /^\S+$/.test(adminToken)) return requireToken(adminToken);
  throw new RangeError(`admin token must be at least ${MIN_TOKEN_LENGTH} characters, without spaces`);
}

/** Reads a request. The path is taken as it was sent: nothing is decoded, and nothing can climb. */
function toCall(request: IncomingMessage, body: string): Call {
  // RFC 9112, section 3.2.2: a server must take the absolute form too.
  const target = request.url!.replace(/^https?:\/\/[^/?]*/i, '');
  const [path, query] = split(target, '?');
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(request.headers))
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  return {
    method: request.method!,
    path,
    query: new URLSearchParams(query),
    headers,
    body,
    ip: request.socket.remoteAddress ?? '',
    origin: `http://${request.headers.host ?? '127.0.0.1'}`,
    isConnectionReused: isReused(request.socket),
  };
}

/** Whether this connection was seen before. */
function isReused(socket: object): boolean {
  if (used.has(socket)) return true;
  used.add(socket);
  return false;
}

/** Connections that carried a request. */
const used = new WeakSet<object>();

function send(response: ServerResponse, reply: Reply): void {
  const { delayMs = 0, wire } = reply;
  if (delayMs > 0) {
    const timer = setTimeout(() => send(response, { ...reply, delayMs: 0 }), delayMs);
    response.once('close', () => clearTimeout(timer));
  } else if (wire === undefined) sendWhole(response, reply);
  else perform(response, reply, wire);
}

/** Answers on a connection that speaks no HTTP, and ends it. */
function endWith(socket: Duplex, { status, headers, body }: Reply): void {
  const fields = { ...headers, 'content-length': Buffer.byteLength(body), connection: 'close' };
  const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head.join('')}\r\n${body}`);
}

/** RFC 9112, section 3.2: a request of HTTP/1.1 without a host must be refused. */
function isHostless({ headers, httpVersion }: IncomingMessage): boolean {
  return headers.host === undefined && httpVersion === '1.1';
}

function missingHost(): Problem {
  return new Problem(400, 'missing_header', 'host must be given', { field: 'host' });
}

/** RFC 9112, section 6.3: what else a request may carry is no body. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined;
}

/** Whether a request announces a body that nobody here would read. One that announces nothing is measured as it comes. */
function isTooLarge({ headers }: IncomingMessage): boolean {
  return Number(headers['content-length'] ?? 0) > MAX_BODY_BYTES;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
