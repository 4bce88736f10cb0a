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
  /** Finds in an answer what became of each item. @defaultValue `readList` */
  readonly read?: ReadAnswer;
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

/**
 * Says what an answer, of whatever status, means: for each item in the order sent, in one word for all of them, or
 * `undefined` to go by the status. `'split'` says that nothing was written, and one item or the size may be the cause.
 */
export type ReadAnswer = (body: Json, items: readonly Json[], response: Response) => Meaning | undefined;

/** A verdict for each item, where one that is not there is unknown; or a word for all of them. */
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
 * with the same key and bytes. If `items` throws, what it gave before is finished first.
 *
 * @throws `TypeError` or `RangeError` when called, for the URL or an option; what `items` throws; the abort's reason.
 */
export function batch<Item>(
  url: string | URL,
  items: Iterable<Item> | AsyncIterable<Item>,
  options: BatchOptions<Item> = {},
): AsyncGenerator<ItemOutcome<Item>, void, undefined> {
  const { fetch = globalThis.fetch, init, body = (chunk) => JSON.stringify(chunk), read = readList } = options;
  const { maxItems = 100, concurrency = 4, attempts = 4, random = Math.random } = options;
  const { run = crypto.randomUUID(), keyHeader = 'Idempotency-Key' } = options;
  const { location } = globalThis as { location?: { href: string } };
  const { href, origin, pathname } = new URL(url, location?.href);
  for (const [name, count] of Object.entries({ maxItems, concurrency, attempts }))
    if (!(Number.isInteger(count) && count >= 1)) throw new RangeError(`batch: ${name} must be from 1, got ${count}`);

  const stop = new AbortController();
  const signal = AbortSignal.any(options.signal ? [options.signal, stop.signal] : [stop.signal]);
  /** What is known. Whoever writes goes on when it is read. */
  const { readable, writable } = new TransformStream<ItemOutcome<Item>[]>();
  const known = writable.getWriter();
  /** One answer that asks to wait holds all requests back. */
  let quietUntilMs = 0;
  return batches();

  async function* batches(): AsyncGenerator<ItemOutcome<Item>, void, undefined> {
    const chunks = chunksOf(items, maxItems);
    const reader = readable.getReader();
    signal.addEventListener('abort', () => known.abort(signal.reason));
    try {
      signal.throwIfAborted();
      const lanes = Array.from({ length: concurrency }, async () => {
        for (let next = await chunks.next(); !next.done; next = await chunks.next()) await settle(next.value, 1);
      });
      Promise.allSettled(lanes)
        .then(() => known.close())
        .catch(() => {});
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        signal.throwIfAborted();
        yield* next.value;
      }
      await Promise.all(lanes);
    } finally {
      stop.abort();
      chunks.return().catch(() => {});
    }
  }

  /** Finds out what became of these items, with one request in flight at a time. */
  async function settle(entries: readonly Entry<Item>[], round: number): Promise<void> {
    const answer = await send(entries, round);
    const { said } = answer;
    if (said === 'split' && entries.length > 1) {
      const half = Math.ceil(entries.length / 2);
      await settle(entries.slice(0, half), round);
      return settle(entries.slice(half), round);
    }

    const verdicts = entries.map((entry, place) => ({ ...entry, ...verdictIn(said, place) }));
    const passing = verdicts.filter(({ outcome }) => outcome === 'retry');
    const final = verdicts.filter(({ outcome }) => outcome !== 'retry');
    await tell(final, answer);
    if (passing.length === 0) return;
    const askedMs = Math.max(answer.askedMs, ...passing.map(({ afterMs = 0 }) => afterMs));
    if (await mayRepeat(round, askedMs)) return settle(passing, round + 1);
    await tell(passing, answer);
  }

  function tell(verdicts: readonly (Entry<Item> & Verdict)[], sent: Answer): Promise<void> {
    const told = typeof sent.said === 'string' ? `the answer was ${sent.status}` : 'the answer has it as not done';
    const problem = sent.status === undefined ? 'there was no answer' : told;
    const outcomes = verdicts.map(({ index, item, outcome, answer }): ItemOutcome<Item> => {
      if (outcome === 'done') return { index, item, status: outcome, answer };
      const error = new BatchError(`Item ${index} to ${origin}${pathname}: ${problem}`, sent, answer);
      return { index, item, status: outcome === 'unknown' ? outcome : 'failed', error };
    });
    return known.write(outcomes);
  }

  /** Sends items until there is an answer to them, always with the same key and the same bytes. */
  async function send(entries: readonly Entry<Item>[], round: number): Promise<Answer> {
    const sent = entries.map(({ item }) => item);
    const text = body(sent);
    const headers = new Headers(init?.headers);
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
    // By places, for equal items are each to be written; by round, for to the old key belongs the old answer.
    const places = entries.map(({ index }) => index);
    if (keyHeader !== false) headers.set(keyHeader, await keyOf([run, href, round, places, text]));

    let mayBeWritten = false;
    for (let attempt = 1; ; attempt += 1) {
      while (quietUntilMs > performance.now()) await sleep(Math.ceil(quietUntilMs - performance.now()), signal);
      const answer = await ask(sent, { redirect: 'manual', method: 'POST', ...init, headers, body: text, signal });
      const { said, isLost, askedMs } = answer;
      if (said === 'unknown') mayBeWritten = true;
      const isWorthIt = said === 'retry' || (said === 'unknown' && isLost && keyHeader !== false);
      if (isWorthIt && (await mayRepeat(attempt, askedMs))) continue;
      // Who turns a request away at the door does not say what became of the one before.
      return mayBeWritten && (said === 'retry' || said === 'failed') ? { ...answer, said: 'unknown' } : answer;
    }
  }

  async function ask(sent: readonly Item[], request: RequestInit): Promise<Answer> {
    let status: number | undefined;
    try {
      signal.throwIfAborted();
      const response = await fetch(href, request);
      status = response.status;
      const json: Json = await response.json().catch(() => undefined);
      const said = read(json, sent, response) ?? wordFor(status, keyHeader !== false);
      // Seconds or a date (RFC 9110, 10.2.3).
      const asked = response.headers.get('retry-after') ?? '';
      const sentAtMs = Date.parse(response.headers.get('date') ?? '') || Date.now();
      const askedMs = Math.max(0, Number(asked) * 1_000 || Date.parse(asked) - sentAtMs || 0);
      return { said, status, isLost: response.ok ? json === undefined : PASSING.has(status), askedMs };
    } catch (cause) {
      signal.throwIfAborted();
      return { said: 'unknown', status, isLost: true, askedMs: 0, cause };
    }
  }

  /** Waits before another attempt, never shorter than asked; or answers `false` at once, if there is to be none. */
  async function mayRepeat(attempt: number, askedMs: number): Promise<boolean> {
    if (attempt >= attempts || askedMs > 120_000) return false;
    quietUntilMs = Math.max(quietUntilMs, performance.now() + askedMs);
    await sleep(Math.ceil(askedMs + random() * Math.min(20_000, 250 * 2 ** (attempt - 1))), signal);
    return true;
  }
}

/** Reads a 2xx whose only list has an entry for each item, by `index` or place, with a status, `success` or errors. */
export function readList(body: Json, items: readonly Json[], { ok }: Response): Meaning | undefined {
  const [list, ...others] = Array.isArray(body) ? [body] : Object.values(body ?? {}).filter(Array.isArray);
  if (!ok || list === undefined || others.length > 0) return undefined;
  const hasIndex = list.every((answer) => Number.isInteger(answer?.index));
  if (!hasIndex && list.length !== items.length) return undefined;
  const verdicts: Verdict[] = [];
  for (const [at, answer] of list.entries())
    verdicts[hasIndex ? answer.index : at] = { outcome: outcomeIn(answer), answer };
  return verdicts;
}

/** Why an item failed, or why it is not known whether it was written. */
export class BatchError extends Error {
  override readonly name = 'BatchError';
  /** The HTTP status of the answer, if there was one. */
  readonly status: number | undefined;
  /** What the server said of this item, if it did. */
  readonly answer: Json;

  /** @internal */
  constructor(message: string, { status, cause }: { status?: number | undefined; cause?: unknown }, answer: Json) {
    super(message, cause === undefined ? {} : { cause });
    this.status = status;
    this.answer = answer;
  }
}

type Entry<Item> = Pick<ItemOutcome<Item>, 'index' | 'item'>;

/** What came of a request; `said` is `unknown`, `isLost`: the same request again may tell. */
type Answer = { said: Meaning; status: number | undefined; isLost: boolean; askedMs: number; cause?: unknown };

/** What a status says of a whole chunk. A 409 under a key says that the first request is under way still. */
function wordFor(status: number, hasKey: boolean): Verdict['outcome'] | 'split' {
  if ([400, 413, 422].includes(status) || (status === 409 && !hasKey)) return 'split';
  return status < 300 || status === 409 ? 'unknown' : outcomeFor(status);
}

function verdictIn(said: Meaning, place: number): Verdict {
  if (typeof said !== 'string') return said[place] ?? { outcome: 'unknown' };
  return { outcome: said === 'done' || said === 'unknown' ? said : 'failed' };
}

/** What an entry of a list says: by its status, as wherever there is one, or by `success` and errors. */
function outcomeIn(answer: Json): Verdict['outcome'] {
  const status = [answer?.status, answer?.httpStatusCode].find(Number.isInteger);
  // A 424 is another item's failure.
  if (status !== undefined) return [424, 503, 529].includes(status) ? 'retry' : outcomeFor(status);
  if (answer?.success === true) return 'done';
  return answer?.success === false || answer?.error || answer?.errors?.length > 0 ? 'failed' : 'unknown';
}

/** After a 423, 425 or 429 nothing was done, and it may be another time. */
function outcomeFor(status: number): Verdict['outcome'] {
  if (status < 300) return 'done';
  if ([423, 425, 429].includes(status)) return 'retry';
  return status < 400 || status >= 500 || status === 408 ? 'unknown' : 'failed';
}

/** Answers after which the same request may bring another, though nobody knows what became of this one. */
const PASSING = new Set([408, 409, 500, 502, 503, 504, 529]);

/** Numbers the items and cuts them into chunks. What was given before the source failed is a chunk, too. */
async function* chunksOf<Item>(items: Iterable<Item> | AsyncIterable<Item>, maxItems: number) {
  let chunk: Entry<Item>[] = [];
  let index = 0;
  try {
    for await (const item of items) {
      chunk.push({ index: index++, item });
      if (chunk.length < maxItems) continue;
      yield chunk;
      chunk = [];
    }
  } finally {
    if (chunk.length > 0) yield chunk;
  }
}

/** By content alone, so that another process finds the same: half of a SHA-256, as hexadecimal digits. */
async function keyOf(content: readonly unknown[]): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(content));
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes), 0, 16);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
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
