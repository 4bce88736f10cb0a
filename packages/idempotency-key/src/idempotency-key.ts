/** The platform's `fetch`, or anything of its shape. */
export type Fetch = typeof globalThis.fetch;

/** Wraps one `fetch` in another. Policies nest: `outer(inner(fetch))`. */
export type Policy = (next: Fetch) => Fetch;

/** Where the key goes, and where it comes from. */
export interface IdempotencyKeyOptions {
  /** The header that carries the key. @defaultValue 'Idempotency-Key' */
  readonly header?: string;
  /**
   * Names a logical request by what it is about, so that it has the same key in another process too. From 1 to 255
   * printable ASCII characters. @defaultValue `() => crypto.randomUUID()`
   */
  readonly key?: (request: KeyedRequest) => string | Promise<string>;
  /** How many of those keys are remembered; the least recently used is forgotten. From 1. @defaultValue 1_000 */
  readonly maxKeys?: number;
}

/** A request that is about to be given its key. */
export interface KeyedRequest {
  /** Query included. */
  readonly url: URL;
  /** POST or PATCH. */
  readonly method: string;
  /** A copy of what will be sent. */
  readonly headers: Headers;
  /** As the caller passed it in `init`, and not to be consumed; `undefined` where there is none, or it is a `Request`'s. */
  readonly body: Body;
}

/** What `fetch` takes for a body. */
export type Body = NonNullable<Parameters<Fetch>[1]>['body'];

/**
 * Gives every POST and PATCH one key, made before the first send.
 *
 * Stands outside of what retries, so that all attempts carry the same key: further in, each attempt would be a request
 * of its own. A key of the caller's own, in `init.headers` or in a `Request`, is left as it is, and its request too.
 *
 * The keys of the option `key` are remembered with a fingerprint of method, URL and body, for each origin. A first use
 * is sent without waiting for it. Content is compared, not kind: a string and a `Blob` of the same bytes are one body.
 * A stream in `init.body` is never read, so its key is good for one call. The body of a `Request` is read from a clone.
 *
 * @throws `TypeError` or `RangeError` when the policy is made, for an option that cannot be.
 * @throws `TypeError` when the request is made and not sent, if `key` returns no key, or one that was used for another
 * method, URL or body; and whatever `key` itself throws.
 */
export function idempotencyKey(options: IdempotencyKeyOptions = {}): Policy {
  const { header = 'Idempotency-Key', key, maxKeys = 1_000 } = options;
  if (typeof header !== 'string' || !HEADER_NAME.test(header)) {
    throw new TypeError(`idempotencyKey: header must be the name of a header, got ${JSON.stringify(header)}`);
  }
  if (key !== undefined && typeof key !== 'function') {
    throw new TypeError(`idempotencyKey: key must be a function, got ${typeof key}`);
  }
  if (!Number.isInteger(maxKeys) || maxKeys < 1) {
    throw new RangeError(`idempotencyKey: maxKeys must be a whole number from 1, got ${maxKeys}`);
  }
  /** By origin and key, the least recently used first. */
  const used = new Map<string, Fingerprint>();

  return (next) =>
    async function withIdempotencyKey(input, init) {
      const method = methodOf(input, init);
      const headers = headersOf(input, init);
      if (!KEYED.has(method) || headers.has(header)) return next(input, init);

      headers.set(header, key ? await keyBy(key, method, headers, input, init) : crypto.randomUUID());
      return next(input, { ...init, headers });
    };

  async function keyBy(
    makeKey: NonNullable<typeof key>,
    method: string,
    headers: Headers,
    ...[input, init]: Parameters<Fetch>
  ): Promise<string> {
    const url = urlOf(input);
    const signal = signalOf(input, init);
    signal?.throwIfAborted();
    const made = makeKey({ url, method, headers: new Headers(headers), body: init?.body });
    const value = await unlessAborted(Promise.resolve(made), signal);
    if (typeof value !== 'string' || !PRINTABLE.test(value)) {
      const got = typeof value === 'string' ? `${value.length} characters` : typeof value;
      throw new TypeError(`idempotencyKey: key must return 1 to 255 printable ASCII characters, got ${got}`);
    }

    const name = `${url.origin} ${value}`;
    const own = fingerprintOf(`${method} ${url.href}`, input, init);
    const earlier = used.get(name);
    remember(name, earlier ?? own);
    if (!earlier) return value;

    const [first, second] = await unlessAborted(Promise.all([earlier, own]), signal);
    if (first === undefined) remember(name, own);
    else if (second !== undefined && second !== first) {
      const where = `${method} ${url.origin}${url.pathname}`;
      throw new TypeError(`idempotencyKey: key must name one request, got the key of an earlier one for ${where}`);
    }
    return value;
  }

  function remember(name: string, fingerprint: Fingerprint): void {
    used.delete(name);
    used.set(name, fingerprint);
    if (used.size > maxKeys) used.delete(used.keys().next().value!);
  }
}

/** What a request is known by: equal for equal ones. A symbol where there is no telling; `undefined` if it broke off. */
type Fingerprint = Promise<string | symbol | undefined>;

/** Never rejects: what is wrong with a body is for `fetch` to say. */
async function fingerprintOf(head: string, ...[input, init]: Parameters<Fetch>): Fingerprint {
  const body = init?.body ?? null;
  if (!isReplayable(body)) return Symbol('stream');
  const digest = digester();
  digest.add(new TextEncoder().encode(`${head}\n`));
  try {
    if (body !== null || !(input instanceof Request)) await addTo(digest, body);
    else {
      // It may be a stream that never ends, so it is read no longer than the caller wants the request.
      const signal = signalOf(input, init);
      const read = ownBody(input.clone()).then((own) => addTo(digest, own, signal));
      await unlessAborted(read, signal);
    }
    return digest.result();
  } catch {
    return undefined;
  }
}

/** A form's boundary is random, so it is read as the form that it is. */
async function ownBody(request: Request): Promise<Body> {
  const isForm = request.headers.get('content-type')?.startsWith('multipart/form-data');
  return isForm ? request.formData() : request.body;
}

/** Reads a body piece by piece, as the platform would send it, but for a form's boundary. */
async function addTo(digest: ReturnType<typeof digester>, body: Body, signal?: AbortSignal): Promise<void> {
  const content = new Response(body instanceof FormData ? framed(body) : body).body;
  await content?.pipeTo(new WritableStream({ write: digest.add }), signal && { signal });
}

/** A form as one `Blob`, which refers to its files and does not copy them. */
function framed(form: FormData): Blob {
  const parts = [...form].flatMap(([name, value]) => {
    const file = typeof value === 'string' ? [value.length] : [value.size, value.name, value.type];
    return [JSON.stringify([name, ...file]), value];
  });
  return new Blob(parts);
}

/** 64 bits and a length, in constant memory: enough to tell apart what nobody tries to pass off for the same. */
function digester() {
  let size = 0;
  let one = 0x811c9dc5;
  let other = 0x9747b28c;
  return {
    add(bytes: Uint8Array): void {
      size += bytes.length;
      for (const byte of bytes) {
        one = Math.imul(one ^ byte, 0x01000193);
        other = (Math.imul((other << 13) | (other >>> 19), 5) + (byte ^ 0xe6546b64)) | 0;
      }
    },
    result: (): string => `${size} ${one} ${other}`,
  };
}

const KEYED = new Set(['POST', 'PATCH']);
const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]+$/;
/** Spaces at either end would be lost on the way. */
const PRINTABLE = /^[!-~](?:[ -~]{0,253}[!-~])?$/;

/** Waits for work that others share, or rejects with the signal's own reason as soon as it aborts. */
function unlessAborted<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    work.finally(() => signal?.removeEventListener('abort', stop)).then(resolve, reject);
  });
}

/** The caller's signal as `fetch` sees it: an explicit `null` detaches a `Request` from its own. */
function signalOf(input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): AbortSignal | undefined {
  const own = input instanceof Request ? input.signal : undefined;
  return (init?.signal === undefined ? own : init.signal) ?? undefined;
}

/** The method as it goes on the wire. */
function methodOf(input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): string {
  return (init?.method ?? (input instanceof Request ? input.method : 'GET')).toUpperCase();
}

/** The headers the platform would send: `init.headers`, where given, replaces a `Request`'s. */
function headersOf(input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): Headers {
  return new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
}

/** The request's URL; a relative one resolves against the page, where there is one. */
function urlOf(input: Parameters<Fetch>[0]): URL {
  const { location } = globalThis as { location?: { href: string } };
  return new URL(input instanceof Request ? input.url : input, location?.href);
}

/** Whether a body can be sent again. A stream is gone after the first time; a `Request` is cloned beforehand. */
function isReplayable(body: unknown): boolean {
  // Node takes whatever it can iterate; not every browser can iterate its streams.
  return !(body instanceof ReadableStream || Symbol.asyncIterator in Object(body));
}
