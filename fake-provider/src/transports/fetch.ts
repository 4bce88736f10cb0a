import { isForAdmin } from '../admin/route.ts';
import { type Call, MAX_BODY_BYTES, type Reply, type Wire } from '../call.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { bodyTooLarge } from '../problem.ts';
import type { Provider } from '../provider.ts';

/**
 * The core as a `fetch`: no socket, no port, and time belongs to whoever owns the platform's timers.
 *
 * What the wire would do is told as undici would tell it: a reset is a `TypeError` whose cause has a `code`.
 *
 * @param options - `isDirect: false` where something stands between, so that nobody sees when a request was sent.
 */
export function toFetch(
  provider: Pick<Provider, 'handle' | 'refuse' | 'ledger' | 'admin'>,
  { isDirect = true }: { readonly isDirect?: boolean } = {},
): typeof globalThis.fetch {
  return async function fetchInProcess(input, init) {
    const issuedAt = isDirect ? provider.ledger.moment() : undefined;
    const request = new Request(input, init);
    const exchange = { input, request };
    inFlight.add(exchange);
    try {
      return await answer(exchange, issuedAt);
    } finally {
      inFlight.delete(exchange);
    }
  };

  async function answer(exchange: Exchange, issuedAt: number | undefined): Promise<Response> {
    const { request } = exchange;
    const { signal } = request;
    const { ledger } = provider;
    signal.throwIfAborted();
    const body = await request.arrayBuffer();
    signal.throwIfAborted();
    const call = { ...toCall(request, body), ...(issuedAt === undefined ? {} : { issuedAt }) };
    const reply = replyTo(call, body.byteLength);

    try {
      return await perform(reply, exchange, ledger);
    } finally {
      ledger.delivered(reply.sequence ?? 0);
    }
  }

  function replyTo(call: Call, bodyBytes: number): Reply {
    if (bodyBytes > MAX_BODY_BYTES) return provider.refuse(bodyTooLarge());
    return isForAdmin(call.path) ? provider.admin.handle(call) : provider.handle(call);
  }

  async function perform(reply: Reply, exchange: Exchange, ledger: Ledger): Promise<Response> {
    const { signal, url } = exchange.request;
    const { status, headers, wire } = reply;
    if (wire?.kind === 'hang') return never(signal);
    await pause((reply.delayMs ?? 0) + (wire?.kind === 'slow-headers' ? wire.forMs : 0), signal);
    if (wire?.kind === 'reset') throw failed('fetch failed', 'Error', 'ECONNRESET', 'read ECONNRESET');
    if (wire?.kind === 'close') throw failed('fetch failed', ...OTHER_SIDE_CLOSED);
    // Whatever stands between would pass on a short body as a whole one.
    if (wire?.kind === 'truncated-body' && !isDirect) throw failed('fetch failed', ...OTHER_SIDE_CLOSED);
    if (bytesOf(headers) >= MAX_HEADER_BYTES) throw failed('fetch failed', ...HEADERS_OVERFLOW);
    const body = watched(new Response(bodyOf(reply, exchange)).body, reply, ledger);
    const response = new Response(body, { status, headers: { ...headers } });
    // The constructor leaves it empty, and clients resolve links against it.
    Object.defineProperty(response, 'url', { value: url.replace(/#.*$/, '') });
    return response;
  }
}

/** The wire faults that this transport performs. A connection that it does not have cannot be closed while idle. */
export const performs: ReadonlySet<Wire['kind']> = new Set([
  'reset',
  'close',
  'hang',
  'slow-headers',
  'dripped-body',
  'truncated-body',
]);

/** Node's own limit, unless it is started with another. */
const MAX_HEADER_BYTES = 16_384;
const HEADERS_OVERFLOW = ['HeadersOverflowError', 'UND_ERR_HEADERS_OVERFLOW', 'Headers Overflow Error'] as const;
const OTHER_SIDE_CLOSED = ['SocketError', 'UND_ERR_SOCKET', 'other side closed'] as const;

/** The error of a fetch, with the cause that undici gives it. */
function failed(message: string, name: string, code: string, reason: string): TypeError {
  return new TypeError(message, { cause: Object.assign(new Error(reason), { name, code }) });
}

function bytesOf(headers: Reply['headers']): number {
  return Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
}

function bodyOf({ body, wire }: Reply, exchange: Exchange): BodyInit | null {
  if (body === '') return null;
  const bytes = new TextEncoder().encode(body);
  if (wire?.kind === 'dripped-body') return dripped(bytes, wire, exchange);
  if (wire?.kind !== 'truncated-body') return body;
  return new ReadableStream({
    start(controller) {
      if (wire.bytes > 0) controller.enqueue(bytes.subarray(0, wire.bytes));
    },
    // Only now: an error at once would take with it what has arrived.
    pull: (controller) => controller.error(failed('terminated', ...OTHER_SIDE_CLOSED)),
  });
}

/** Holds on to the exchange as long as it sends, so that the caller's abort arrives. */
function dripped(
  bytes: Uint8Array,
  { bytes: size, everyMs }: { readonly bytes: number; readonly everyMs: number },
  exchange: Exchange,
): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream(
    {
      async pull(controller) {
        await pause(everyMs, exchange.request.signal);
        controller.enqueue(bytes.subarray(sent, sent + size));
        sent += size;
        if (sent >= bytes.length) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

function toCall(request: Request, body: ArrayBuffer): Call {
  const { pathname, searchParams, origin } = new URL(request.url);
  return {
    method: request.method,
    path: pathname,
    query: searchParams,
    // On a wire the platform would add its own name.
    headers: { 'user-agent': globalThis.navigator?.userAgent ?? 'fetch', ...Object.fromEntries(request.headers) },
    body: new TextDecoder().decode(body),
    ip: '127.0.0.1',
    origin,
  };
}

/** The body as a stream that tells the ledger when it was read to its end, or given up. */
function watched(
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  { sequence }: Reply,
  ledger: Ledger,
): ReadableStream<Uint8Array<ArrayBuffer>> | null {
  if (body === null || sequence === undefined) return body;
  const reader = body.getReader();
  const ended = (): void => ledger.bodyEnded(sequence);
  ledger.bodyOpened(sequence);
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { value, done } = await reader.read();
          if (value !== undefined) controller.enqueue(value);
          if (!done) return;
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        ended();
      },
      cancel(reason) {
        ended();
        return reader.cancel(reason);
      },
    },
    // Nothing is read ahead: to pull is to read.
    { highWaterMark: 0 },
  );
}

/** Ends only when the caller gives up. */
function never(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(settle, ms);
    signal.addEventListener('abort', settle, { once: true });

    function settle(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', settle);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    }
  });
}

/**
 * What a socket would hold. A request follows its caller's signal by a weak reference: a reply that hangs would be
 * collected while it is awaited, and the abort would never arrive.
 */
const inFlight = new Set<Exchange>();

interface Exchange {
  readonly input: Parameters<typeof globalThis.fetch>[0];
  readonly request: Request;
}
