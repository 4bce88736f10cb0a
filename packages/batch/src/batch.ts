/** The platform's `fetch`, or anything of its shape. */
export type Fetch = typeof globalThis.fetch;

/** A parsed body, whose shape only the caller knows. */
export type Json = ReturnType<typeof JSON.parse>;

/** How items are sent, and how the answers are read. */
export interface BatchOptions<Item> {
  /** Sends the requests, perhaps with limits around, but without retries. @defaultValue `globalThis.fetch` */
  readonly fetch?: Fetch;
  /** Sent with every request: headers, another method than POST. `redirect` defaults to following none. */
  readonly init?: Omit<RequestInit, 'signal' | 'body'>;
  /** Ends the run at once, with the signal's own reason, and aborts what is in flight. */
  readonly signal?: AbortSignal | undefined;
  /** Makes the body of a request; what it throws ends the run. @defaultValue `JSON.stringify` */
  readonly body?: (items: readonly Item[]) => string;
  /** Finds in an answer, of whatever status, what it means; `undefined`: its status tells. @defaultValue `readStatuses` */
  readonly read?: (body: Json, items: readonly Json[], response: Response) => Meaning | undefined;
  /** The most items the provider takes in one request. From 1. @defaultValue 100 */
  readonly maxItems?: number;
  /** How many requests are in flight at once at most. From 1. @defaultValue 4 */
  readonly concurrency?: number;
  /** How often a request, or an item that failed for now, is sent at most. From 1. @defaultValue 4 */
  readonly attempts?: number;
  /** Names the run. The same items under the same name have the same keys, elsewhere too. @defaultValue random */
  readonly run?: string;
  /** Carries the key; `false`: what has no answer is never sent again. @defaultValue 'Idempotency-Key' */
  readonly keyHeader?: string | false;
  /** From 0 to below 1; spreads the waits. @defaultValue `Math.random` */
  readonly random?: () => number;
}

/** A verdict for each item, in the order sent, or a word for all. `'split'`: none is written, for the size or for one. */
export type Meaning = readonly (Verdict | undefined)[] | Verdict['outcome'] | 'split';

/** What an answer says of one item. */
export interface Verdict {
  /** `'failed'` and `'retry'` say that it was not written; `'retry'`, that it may be when it is sent again. */
  readonly outcome: 'done' | 'failed' | 'retry' | 'unknown';
  /** What the server said of it. @defaultValue `undefined` */
  readonly answer?: Json;
  /** How long to wait before it is sent again, in milliseconds. @defaultValue 0 */
  readonly afterMs?: number | undefined;
}

/** What became of an item. `'unknown'`: it may have been written or not, its answer was lost or does not tell. */
export type ItemOutcome<Item> = { readonly index: number; readonly item: Item } & (
  | { readonly status: 'done'; readonly answer: Json }
  | { readonly status: 'failed' | 'unknown'; readonly error: BatchError }
);

/**
 * Sends items in chunks, and yields what became of each as soon as it is known, in no order, once. A chunk refused for
 * its size or for one of its items is halved; items that failed for now are sent again; a request without an answer,
 * with the same key and bytes. What `items` gave before it throws is finished first.
 *
 * @throws `TypeError` or `RangeError` when called, for the URL or an option; what `items` throws; the abort's reason.
 */
export function batch<Item>(
  url: string | URL,
  items: Iterable<Item> | AsyncIterable<Item>,
  options: BatchOptions<Item> = {},
): AsyncGenerator<ItemOutcome<Item>, void, undefined> {
  const { fetch = globalThis.fetch, init, body = JSON.stringify, read = readStatuses } = options;
  const { maxItems = 100, concurrency = 4, attempts = 4, random = Math.random } = options;
  const { run = crypto.randomUUID(), keyHeader = 'Idempotency-Key' } = options;
  const { url: href } = new Request(url);
  for (const [name, count] of Object.entries({ maxItems, concurrency, attempts }))
    if (!(Number.isInteger(count) && count > 0)) throw new RangeError(`batch: ${name} must be from 1, got ${count}`);
  for (const [name, value] of Object.entries({ fetch, body, read, random }))
    if (typeof value !== 'function') throw new TypeError(`batch: ${name} must be a function, got ${value}`);
  const ownHeaders = new Headers(init?.headers);
  ownHeaders.set('content-type', ownHeaders.get('content-type') ?? 'application/json');
  if (keyHeader !== false) ownHeaders.set(keyHeader, ''); // Throws for what is no header's name.

  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, options.signal ?? stop.signal]);
  const { readable, writable } = new TransformStream<ItemOutcome<Item>[]>(); // Who writes goes on when it is read.
  const known = writable.getWriter();
  let quietUntilMs = 0; // One answer that asks to wait holds all requests back.
  return batches();

  async function* batches(): AsyncGenerator<ItemOutcome<Item>, void, undefined> {
    const chunks = chunked();
    const reader = readable.getReader();
    signal.addEventListener('abort', () => known.abort(signal.reason));
    try {
      signal.throwIfAborted();
      const lanes = Array.from({ length: concurrency }, async () => {
        for await (const chunk of chunks) await settle(chunk);
      });
      Promise.allSettled(lanes).then(() => known.close().catch(() => {}));
      for (let next = await reader.read(); !next.done; next = await reader.read()) yield* next.value;
      await Promise.all(lanes);
    } finally {
      stop.abort();
    }
  }

  /** Numbers the items and cuts them into chunks. What was given before the source failed is a chunk, too. */
  async function* chunked() {
    const chunk: Entry<Item>[] = [];
    let index = 0;
    try {
      for await (const item of items) {
        chunk.push({ index: index++, item });
        if (chunk.length === maxItems) yield chunk.splice(0);
      }
    } finally {
      if (chunk.length > 0) yield chunk;
    }
  }

  /** Finds out what became of these items, with one request in flight at a time. */
  async function settle(entries: readonly Entry<Item>[], round = 1): Promise<void> {
    const sent = entries.map(({ item }) => item);
    const text = body(sent);
    const headers = new Headers(ownHeaders);
    if (keyHeader) {
      // By place, for equal items are each to be written; by round, for to the old key belongs the old answer.
      const content = new TextEncoder().encode(JSON.stringify([run, href, round, entries[0]!.index, text]));
      const digest = await crypto.subtle.digest('SHA-256', content);
      headers.set(keyHeader, new Uint8Array(digest, 0, 12).join('')); // No more than 36 digits.
    }
    let answer: Answer;
    let mayBeWritten = false;
    for (let attempt = 1; ; attempt += 1) {
      answer = await ask(sent, { headers, body: text, signal });
      mayBeWritten ||= !answer.said;
      const isPassing = answer.said ? answer.said === 'retry' : keyHeader;
      if (!isPassing || !(await mayRepeat(attempt, answer.askedMs))) break;
    }
    const { said } = answer;
    if (said === 'split' && !mayBeWritten && entries.length > 1) {
      const half = Math.ceil(entries.length / 2);
      await settle(entries.slice(0, half), round);
      return settle(entries.slice(half), round);
    }
    // Who turns a request away at the door does not say what became of the one before.
    const refused = mayBeWritten ? 'unknown' : 'failed';
    const final = said === 'split' || said === 'retry' || said === 'failed' ? refused : said;
    const judged = entries.map(({ index, item }, place): Entry<Item> => {
      return { ...(typeof final === 'string' ? { outcome: final } : final?.[place]), index, item };
    });
    const passing = judged.filter(({ outcome }) => outcome === 'retry');
    const settled = judged.filter(({ outcome }) => outcome !== 'retry');
    await tell(settled, answer);
    if (passing.length === 0) return;
    const askedMs = Math.max(answer.askedMs, ...passing.map(({ afterMs }) => afterMs || 0));
    return (await mayRepeat(round, askedMs)) ? settle(passing, round + 1) : tell(passing, answer);
  }

  async function ask(sent: readonly Item[], request: RequestInit): Promise<Answer> {
    while (quietUntilMs > performance.now()) await sleep(Math.ceil(quietUntilMs - performance.now()), signal);
    signal.throwIfAborted();
    let status: number | undefined;
    try {
      const response = await fetch(href, { redirect: 'manual', ...init, method: init?.method ?? 'POST', ...request });
      status = response.status;
      const text = await response.text().catch(() => '['); // What breaks off is lost, as JSON without an end is.
      const json: Json = await new Response(text).json().catch(() => undefined);
      const isTorn = response.ok && json === undefined && /^[[{]/.test(text);
      const isLost = isTorn || [408, 409, 500, 502, 503, 504, 529].includes(status);
      const isSplit = [400, 413, 422, keyHeader ? 400 : 409].includes(status);
      const word = isSplit ? 'split' : isLost ? undefined : response.ok ? 'unknown' : outcomeFor(status);
      return { said: read(json, sent, response) ?? word, status, askedMs: askedForMs(response.headers) };
    } catch (cause) {
      const { name, retryAfterMs: askedMs = 0 } = Object(cause);
      const isUnsent = /^(BucketAway|CircuitOpen|QuotaExhausted|TokenRequest)Error$/.test(name);
      return { said: isUnsent ? 'retry' : undefined, status, askedMs, cause };
    }
  }

  /** Waits before another attempt, never shorter than asked; or answers `false` at once, if there is to be none. */
  async function mayRepeat(attempt: number, askedMs: number): Promise<boolean> {
    if (askedMs > 120_000) return false;
    quietUntilMs = Math.max(quietUntilMs, performance.now() + askedMs);
    if (attempt < attempts) await sleep(Math.ceil(askedMs + random() * Math.min(20_000, 125 * 2 ** attempt)), signal);
    return attempt < attempts;
  }

  function tell(judged: readonly Entry<Item>[], sent: Answer): Promise<void> {
    const outcomes = judged.map(({ index, item, outcome, answer }): ItemOutcome<Item> => {
      if (outcome === 'done') return { index, item, status: outcome, answer };
      const status = outcome === 'retry' || outcome === 'failed' ? 'failed' : 'unknown';
      const message = `Item ${index}: ${status} (${sent.status ?? 'no answer'})`;
      return { index, item, status, error: new BatchError(message, sent, answer) };
    });
    return known.write(outcomes);
  }
}

/** Reads a 2xx whose only list has an HTTP `status` for each item, in the order sent; no entry whose `index` differs. */
export function readStatuses(body: Json, items: readonly Json[], { ok }: Response): Meaning | undefined {
  const [list, another]: Json[][] = [body, ...Object.values(body ?? {})].filter(Array.isArray);
  if (!ok || another || list?.length !== items.length) return undefined;
  return list.map((it, at) => ((it?.index ?? at) === at ? { outcome: outcomeFor(it?.status), answer: it } : undefined));
}

/** Why an item failed, or why it is not known whether it was written. */
export class BatchError extends Error {
  override readonly name = 'BatchError';
  /** The HTTP status of the answer, if there was one. */
  readonly status: number | undefined;
  /** What the server said of this item, if it did. */
  readonly answer: Json;

  constructor(message: string, sent: { readonly status: number | undefined; readonly cause?: unknown }, answer: Json) {
    super(message, sent);
    this.status = sent.status;
    this.answer = answer;
  }
}

type Entry<Item> = Pick<ItemOutcome<Item>, 'index' | 'item'> & Partial<Verdict>;

/** What came of a request. Where nothing is said, the answer was lost: the same may be sent again under the same key. */
type Answer = { said: Meaning | undefined; status: number | undefined; askedMs: number; cause?: unknown };

/** What a status, or what should be one, says of a write. After some nothing was done, and it may be another time. */
function outcomeFor(status: number): Verdict['outcome'] {
  if (status >= 200 && status < 300) return 'done';
  if ([423, 424, 425, 429, 503, 529].includes(status)) return 'retry';
  return status >= 400 && status < 500 && status !== 408 ? 'failed' : 'unknown';
}

/** Waits, or rejects with the signal's own reason as soon as it aborts; leaves no timer and no listener behind. */
function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(settle, ms);
    signal?.addEventListener('abort', settle, { once: true });

    function settle(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', settle);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    }
  });
}

/** How long an answer asks to be left alone, in milliseconds: the longest of its `Retry-After` (RFC 9110, 10.2.3). */
function askedForMs(headers: Headers): number {
  const sentAtMs = Date.parse(headers.get('date') ?? '') || Date.now();
  // Cut at every comma, a date has lost its weekday, which it does not need. One that names no zone means UTC.
  const hints = (headers.get('retry-after') ?? '').split(',');
  const waits = hints.map((it) => Number(it) * 1_000 || Date.parse(it.replace(/ \d{4}$/, '$& GMT')) - sentAtMs || 0);
  return Math.max(0, ...waits);
}
