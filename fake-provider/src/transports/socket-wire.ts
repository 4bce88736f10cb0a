import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Reply, Wire } from '../call.ts';

type Performance<Kind extends Wire['kind']> = (
  response: ServerResponse,
  reply: Reply,
  wire: Extract<Wire, { readonly kind: Kind }>,
) => void;

/** What a socket does, by the kind of fault. */
const PERFORMANCES: { readonly [Kind in Wire['kind']]: Performance<Kind> } = {
  reset: (response) => void response.socket?.resetAndDestroy(),
  close: (response) => void response.socket?.destroy(),
  hang: () => {},
  'slow-headers': sendHeadSlowly,
  'dripped-body': dripBody,
  'truncated-body': breakOff,
  'close-idle': closeWhenIdle,
};

/** Sends the reply, with what goes wrong on the wire meanwhile. */
export function perform(response: ServerResponse, reply: Reply, wire: Wire): void {
  // The table pairs each kind with its own fields, which a lookup by kind cannot show the compiler.
  (PERFORMANCES[wire.kind] as Performance<Wire['kind']>)(response, reply, wire as never);
}

/** The kinds of faults that {@link perform} performs. */
export const performed: ReadonlySet<Wire['kind']> = new Set(Object.keys(PERFORMANCES) as Wire['kind'][]);

/** Sends the reply as it should be. */
export function sendWhole(response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.status, headersOf(response, reply));
  response.end(reply.body);
}

/**
 * Sends the reply to a request whose body is still on its way, and closes the connection when all of it is there, or after
 * {@link LINGER_MS}. Closed at once, it would be reset, and a client that is busy sending would never read the reply.
 */
export function sendEarly(response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.status, { ...headersOf(response, reply), connection: 'close' });
  response.write(reply.body);
  const end = (): void => void response.end();
  const timer = setTimeout(end, LINGER_MS);
  response.req.once('end', end).resume();
  response.once('close', () => clearTimeout(timer));
}

/** How long a body is waited for that nobody wants. */
const LINGER_MS = 5_000;

function headersOf({ req }: ServerResponse, { status, headers, body }: Reply): Record<string, string | number> {
  const hasLength = status !== 204 && req.method !== 'HEAD';
  return hasLength ? { ...headers, 'content-length': Buffer.byteLength(body) } : { ...headers };
}

/** Node sends a head in one piece, so this one is written past it; nothing else can follow on the connection. */
function sendHeadSlowly(response: ServerResponse, reply: Reply, { forMs }: { readonly forMs: number }): void {
  const { socket } = response;
  const fields = Object.entries({ ...headersOf(response, reply), connection: 'close' });
  const lines = [
    `HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? ''}\r\n`,
    ...fields.map(([name, value]) => `${name}: ${value}\r\n`),
  ];
  inSteps(response, lines.length, forMs / lines.length, (index, isLast) => {
    socket?.write(lines[index]!);
    if (isLast) socket?.end(`\r\n${reply.body}`);
  });
}

function dripBody(
  response: ServerResponse,
  reply: Reply,
  { bytes, everyMs }: { readonly bytes: number; readonly everyMs: number },
): void {
  const body = Buffer.from(reply.body);
  response.writeHead(reply.status, headersOf(response, reply));
  response.flushHeaders();
  inSteps(response, Math.max(1, Math.ceil(body.length / bytes)), everyMs, (index, isLast) => {
    response.write(body.subarray(index * bytes, (index + 1) * bytes));
    if (isLast) response.end();
  });
}

/** A length that is too short would leave the client waiting: it is the end of the connection that tells. */
function breakOff(response: ServerResponse, reply: Reply, { bytes }: { readonly bytes: number }): void {
  response.writeHead(reply.status, headersOf(response, reply));
  response.flushHeaders();
  response.write(Buffer.from(reply.body).subarray(0, bytes), () => response.socket?.destroy());
}

function closeWhenIdle(response: ServerResponse, reply: Reply, { afterMs }: { readonly afterMs: number }): void {
  const { socket } = response.req;
  response.once('finish', () => {
    const timer = setTimeout(() => socket.destroy(), afterMs);
    const settle = (): void => {
      clearTimeout(timer);
      socket.off('data', settle).off('close', settle);
    };
    // Whatever comes next on the connection ends its idleness.
    socket.on('data', settle).on('close', settle);
  });
  sendWhole(response, reply);
}

/** Calls `step` so many times, with a pause before each, for as long as somebody listens. */
function inSteps(
  response: ServerResponse,
  count: number,
  everyMs: number,
  step: (index: number, isLast: boolean) => void,
): void {
  let index = 0;
  const timer = setInterval(() => {
    const isLast = index === count - 1;
    if (isLast) clearInterval(timer);
    step(index, isLast);
    index += 1;
  }, everyMs);
  response.once('close', () => clearInterval(timer));
}
