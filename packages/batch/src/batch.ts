/** The platform's `fetch`, or anything of its shape. */
export type Fetch = typeof globalThis.fetch;

/** A parsed body, whose shape only the caller knows. */
// biome-ignore lint/suspicious/noExplicitAny: as `response.json()` has it.
export type Json = any;

/** How items are sent, and how the answers are read. */
export interface BatchOptions<Item> {
  /** Sends the requests: the platform's, or one with limits around it, but with no retries. @defaultValue `globalThis.fetch` */
  readonly fetch?: Fetch;
  /** Sent with every request: headers, another method than POST. `redirect` defaults to following none. */
  readonly init?: Omit<RequestInit, 'signal' | 'body'>;
  /** Ends the run at once, with the signal's own reason, and aborts what is in flight. */
  readonly signal?: AbortSignal | undefined;
  /** Makes the body of a request. Where it throws, the items it throws for fail. @defaultValue `JSON.stringify` */
  readonly body?: (items: readonly Item[]) => string;
  /** Finds in an answer what became of each item. @defaultValue `readAnswer.list` */
  readonly read?: ReadAnswer;
  /** The most items the provider takes in one request. From 1. @defaultValue 100 */
  readonly maxItems?: number;
  /** How many requests are in flight at once at most. From 1. @defaultValue 4 */
  readonly concurrency?: number;
  /** How often a request, or an item that failed for now, is sent at most. From 1. @defaultValue 4 */
  readonly attempts?: number;
  /** Names the run. The same items sent under the same name have the same keys, in another process too. @defaultValue random */
  readonly run?: string;
  /** The header that carries the key; `false` where the provider knows none: what has no answer is then not sent again. @defaultValue 'Idempotency-Key' */
  readonly keyHeader?: string | false;
  /** From 0 to below 1; spreads the waits. @defaultValue `Math.random` */
  readonly random?: () => number;
}

/**
 * Says what an answer, of whatever status, means: for each item in the order sent, in one word for all of them, or
 * `undefined` to go by the status. `'split'` says that nothing was written, and one item or the size may be the cause.
 */
export type ReadAnswer = (
  body: Json,
  items: readonly Json[],
  response: Response,
) => Verdicts | Verdict['outcome'] | 'split' | undefined;

/** In the order of the items; one that is not there is unknown. */
export type Verdicts = readonly (Verdict | undefined)[];

/** What an answer says of one item. */
export interface Verdict {
  /** `'failed'` and `'retry'` say that it was not written; `'retry'`, that it may be when it is sent again. */
  readonly outcome: 'done' | 'failed' | 'retry' | 'unknown';
  /** What the server said of it. @defaultValue `undefined` */
  readonly answer?: Json;
  /** How long it is not to be sent again, in milliseconds. @defaultValue 0 */
  readonly afterMs?: number | undefined;
}

/** What became of an item. `'unknown'` is one that may have been written or not: its answer was lost, or does not tell. */
export type ItemOutcome<Item> = { readonly index: number; readonly item: Item } & (
  | { readonly status: 'done'; readonly answer: Json }
  | { readonly status: 'failed' | 'unknown'; readonly error: BatchError }
);

/**
 * Sends items in chunks, and yields what became of each as soon as it is known, in no order, once.
 *
 * A chunk that is refused for its size or for one of its items (400, 413, 422) is halved until the item stands alone.
 * Items that failed for now are sent again without the others. A request without an answer is sent again with the same
 * key and the same bytes, and where that does not help its items are `'unknown'`. At most two chunks of items are held
 * for each request in flight. If `items` throws, what it gave before is finished first.
 *
 * @throws `TypeError` or `RangeError` when called, if an option is out of range.
 * @throws what `items` throws; and the reason of `signal`, upon which items without an outcome may have been written.
 */
export function batch<Item>(
  url: string | URL,
  items: Iterable<Item> | AsyncIterable<Item>,
  options: BatchOptions<Item> = {},
): AsyncGenerator<ItemOutcome<Item>, void, undefined> {
  const { fetch = globalThis.fetch, init, body = (chunk) => JSON.stringify(chunk), read = readAnswer.list } = options;
  const { maxItems = 100, concurrency = 4, attempts = 4, random = Math.random } = options;
  const { run = crypto.randomUUID(), keyHeader = 'Idempotency-Key' } = options;
  const { href, origin, pathname } = httpUrl('batch: url', url);
  checkInteger('batch: maxItems', maxItems, 1);
  checkInteger('batch: concurrency', concurrency, 1);
  checkInteger('batch: attempts', attempts, 1);

  /** One lane that is asked to wait holds all of them back. */
  let quietUntilMs = 0;

  return (async function* batches() {
    const stop = new AbortController();
    const signal = AbortSignal.any(options.signal ? [options.signal, stop.signal] : [stop.signal]);
    const chunks = chunksOf(items, maxItems);
    try {
      signal.throwIfAborted();
      const lanes = Array.from({ length: concurrency }, () => lane(chunks.next, signal));
      yield* merged(lanes, signal);
      if (chunks.failure) throw chunks.failure.error;
    } finally {
      stop.abort();
      chunks.close();
    }
  })();

  /** Settles chunk after chunk, with one request in flight at a time. */
  async function* lane(next: () => Promise<Entry<Item>[]>, signal: AbortSignal): AsyncGenerator<ItemOutcome<Item>[]> {
    for (let chunk = await next(); chunk.length > 0; chunk = await next()) {
      const parts: Part<Item>[] = [{ entries: chunk, round: 1, waitMs: 0 }];
      for (let part = parts.shift(); part; part = parts.shift()) {
        const { entries, round } = part;
        if (part.waitMs > 0) await sleep(part.waitMs, signal);
        const answer = await send(part, signal);
        const { said } = answer;
        if (said === 'split' && entries.length > 1) {
          const half = Math.ceil(entries.length / 2);
          const halves = [entries.slice(0, half), entries.slice(half)];
          parts.unshift(...halves.map((some) => ({ entries: some, round, waitMs: 0 })));
          continue;
        }

        const verdicts = entries.map((entry, place) => ({ entry, ...verdictIn(said, place) }));
        const passing = typeof said === 'string' ? [] : verdicts.filter(({ outcome }) => outcome === 'retry');
        const waitMs = waitBefore(round, [answer.askedMs, ...passing.map(({ afterMs }) => afterMs)]);
        const isFinal = waitMs === undefined || passing.length === 0;
        if (!isFinal) parts.push({ entries: passing.map(({ entry }) => entry), round: round + 1, waitMs });
        yield verdicts
          .filter((verdict) => isFinal || !passing.includes(verdict))
          .map((verdict) => told(verdict, answer));
      }
    }
  }

  /** Sends a part until there is an answer to it, always with the same key and the same bytes. */
  async function send({ entries, round }: Part<Item>, signal: AbortSignal): Promise<Answer> {
    const sent = entries.map(({ item }) => item);
    let text: string;
    try {
      text = body(sent);
    } catch (cause) {
      return { said: 'split', problem: 'no body could be made of it', cause };
    }
    const headers = new Headers(init?.headers);
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
    if (keyHeader !== false) {
      // With the places, for equal items are each to be written; and with the round, for under the key of an answer
      // that has all items failed a provider gives just that answer again.
      headers.set(keyHeader, await keyOf([run, href, round, entries.map(({ index }) => index), text]));
    }

    let mayBeWritten = false;
    for (let attempt = 1; ; attempt++) {
      while (quietUntilMs > performance.now()) await sleep(Math.ceil(quietUntilMs - performance.now()), signal);
      const answer = await ask(sent, { redirect: 'manual', method: 'POST', ...init, headers, body: text, signal });
      const { said, isLost } = answer;
      if (said === 'unknown') mayBeWritten = true;
      const mayAsk = said === 'retry' || (said === 'unknown' && isLost && keyHeader !== false);
      const waitMs = mayAsk ? waitBefore(attempt, [answer.askedMs]) : undefined;
      if (waitMs !== undefined) await sleep(waitMs, signal);
      // Who turns a request away at the door does not say what became of the one before.
      else if (mayBeWritten && (said === 'retry' || said === 'failed')) return { ...answer, said: 'unknown' };
      else return answer;
    }
  }

  /** Sends once. */
  async function ask(sent: readonly Item[], request: RequestInit & { readonly signal: AbortSignal }): Promise<Answer> {
    let response: Response | undefined;
    try {
      request.signal.throwIfAborted();
      response = await fetch(href, request);
      const { status, ok, headers } = response;
      const json = jsonOf(await response.text());
      const askedMs = retryAfterMs(headers);
      if (askedMs !== undefined && askedMs <= MAX_ASKED_MS) {
        quietUntilMs = Math.max(quietUntilMs, performance.now() + askedMs + 1);
      }
      const said = read(json, sent, response) ?? wordFor(status, keyHeader !== false);
      const problem = ok ? 'the answer does not tell' : `the answer was ${status}`;
      const isLost = ok ? json === undefined : PASSING.has(status);
      return { said, status, problem, isLost, askedMs };
    } catch (cause) {
      request.signal.throwIfAborted();
      const problem = response ? 'the answer could not be read' : 'there was no answer';
      return { said: 'unknown', status: response?.status, problem, isLost: true, cause };
    }
  }

  /** How long to wait before the next attempt; `undefined` if there is to be none. */
  function waitBefore(attempt: number, asked: readonly (number | undefined)[]): number | undefined {
    const askedMs = asked.reduce<number>((longest, ms = -1) => Math.max(longest, ms), -1);
    if (attempt >= attempts || askedMs > MAX_ASKED_MS) return undefined;
    // On top of what was asked, so that a herd does not return at one instant and a timer is never early.
    if (askedMs >= 0) return Math.ceil(askedMs + 1 + random() * Math.max(BASE_MS, askedMs / 10));
    return random() * Math.min(CAP_MS, BASE_MS * 2 ** (attempt - 1));
  }

  function told({ entry, outcome, answer }: Verdict & { entry: Entry<Item> }, sent: Answer): ItemOutcome<Item> {
    if (outcome === 'done') return { ...entry, status: 'done', answer };
    const problem = typeof sent.said === 'string' ? sent.problem : 'the answer has it as not done';
    const error = new BatchError(`Item ${entry.index} to ${origin}${pathname}: ${problem}`, sent, answer);
    return { ...entry, status: outcome === 'unknown' ? 'unknown' : 'failed', error };
  }
}

/** Reads the answers of these platforms; `list` those of many others. */
export const readAnswer = {
  /** A 2xx whose only list has an entry for each item, by `index` or by position, with a status, `success` or errors. */
  list: (body: Json, items: readonly Json[], { ok }: Response): Verdicts | undefined => {
    const [list, ...others] = Array.isArray(body) ? [body] : Object.values(body ?? {}).filter(Array.isArray);
    if (!ok || list === undefined || others.length > 0) return undefined;
    const hasIndex = list.every((answer) => Number.isInteger(answer?.index));
    if (!hasIndex && list.length !== items.length) return undefined;
    return inPlaces(items, list, (answer, at) => [
      hasIndex ? answer.index : at,
      { outcome: outcomeIn(answer), answer },
    ]);
  },
  /** Each item needs an `objectWriteTraceId`: without, a partial failure leaves all of them unknown. */
  hubspot: (body: Json, items: readonly Json[], { ok }: Response): Verdicts | undefined => {
    const errors: Json[] = body?.errors ?? [];
    const failed = new Map(errors.map((answer) => [[answer.context?.objectWriteTraceId].flat()[0], answer]));
    if (!ok || body?.results?.length + errors.length !== items.length) return undefined;
    const verdicts = items.map(({ objectWriteTraceId: id }): Verdict => {
      return id !== undefined && failed.has(id) ? { outcome: 'failed', answer: failed.get(id) } : { outcome: 'done' };
    });
    return verdicts.filter(({ outcome }) => outcome === 'failed').length === errors.length ? verdicts : undefined;
  },
  /** The items are the `requests`, each with its `id`. */
  microsoftGraph: (body: Json, items: readonly Json[], { ok }: Response): Verdicts | undefined => {
    if (!ok || !Array.isArray(body?.responses)) return undefined;
    const places = new Map(items.map(({ id }, place) => [String(id), place]));
    return inPlaces(items, body.responses, (answer) => {
      const afterMs = retryAfterMs(new Headers(answer.headers));
      return [places.get(String(answer.id)), { outcome: outcomeIn(answer), answer, afterMs }];
    });
  },
  /** Its 400 has stored what it does not name. */
  mixpanel: (body: Json, items: readonly Json[]): Verdicts | undefined => {
    const failed: Json[] = body?.failed_records ?? [];
    if (body?.num_records_imported + failed.length !== items.length) return undefined;
    const named = inPlaces(items, failed, (answer) => [answer.index, { outcome: 'failed', answer }]);
    return named.map((verdict) => verdict ?? { outcome: 'done' });
  },
  /** sObject Collections. A row that met a lock, or was rolled back for another's sake, is sent again. */
  salesforce: (body: Json, items: readonly Json[], response: Response): Verdicts | undefined =>
    readAnswer.list(body, items, response)?.map((verdict) => {
      const errors: Json[] = verdict?.answer?.errors ?? [];
      const isPassing = errors.length > 0 && errors.every(({ statusCode }) => PASSING_ROWS.has(statusCode));
      return isPassing ? { ...verdict, outcome: 'retry' } : verdict;
    }),
} as const;

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

interface Entry<Item> {
  /** Its place among all items, from 0. */
  readonly index: number;
  readonly item: Item;
}

/** Entries that are sent together, and how often it was told that they failed. */
interface Part<Item> {
  readonly entries: readonly Entry<Item>[];
  readonly round: number;
  readonly waitMs: number;
}

/** What came of a request; `said` is `unknown`, `isLost`: the same request again may tell. */
interface Answer {
  readonly said: NonNullable<ReturnType<ReadAnswer>>;
  readonly status?: number | undefined;
  readonly problem: string;
  readonly isLost?: boolean;
  readonly askedMs?: number | undefined;
  readonly cause?: unknown;
}

/** What a status says of a whole chunk. A 409 under a key says that the first request is under way still. */
function wordFor(status: number, hasKey: boolean): Verdict['outcome'] | 'split' {
  if (status === 400 || status === 413 || status === 422 || (status === 409 && !hasKey)) return 'split';
  if (REFUSED_FOR_NOW.has(status)) return 'retry';
  return status < 400 || status >= 500 || PASSING.has(status) ? 'unknown' : 'failed';
}

function verdictIn(said: Answer['said'], place: number): Verdict {
  if (typeof said !== 'string') return said[place] ?? { outcome: 'unknown' };
  return { outcome: said === 'split' ? 'failed' : said };
}

/** What an entry of a list says: by its status, as wherever there is one, or by `success` and errors. */
function outcomeIn(answer: Json): Verdict['outcome'] {
  const status = [answer?.status, answer?.httpStatusCode].find(Number.isInteger);
  if (status === undefined) {
    if (answer?.success === true) return 'done';
    return answer?.success === false || answer?.error || answer?.errors?.length > 0 ? 'failed' : 'unknown';
  }
  if (status < 300) return 'done';
  if (ITEM_REFUSED_FOR_NOW.has(status)) return 'retry';
  return status < 400 || status >= 500 || status === 408 ? 'unknown' : 'failed';
}

function inPlaces(
  items: readonly Json[],
  list: readonly Json[],
  read: (answer: Json, at: number) => [number | undefined, Verdict],
): Verdicts {
  const told = new Map(list.map(read));
  return items.map((_, place) => told.get(place));
}

/** Numbers the items and hands them out by the chunk, to one asker after the other; none at the end. */
function chunksOf<Item>(items: Iterable<Item> | AsyncIterable<Item>, maxItems: number) {
  const source = (async function* each() {
    yield* items;
  })();
  let index = 0;
  let turn = Promise.resolve<Entry<Item>[]>([]);
  const chunks = {
    failure: undefined as { readonly error: unknown } | undefined,
    next: () => (turn = turn.then(read)),
    close: () => void source.return().catch(() => {}),
  };
  return chunks;

  async function read(): Promise<Entry<Item>[]> {
    const chunk: Entry<Item>[] = [];
    try {
      while (chunk.length < maxItems) {
        const { done, value } = await source.next();
        if (done) break;
        chunk.push({ index: index++, item: value });
      }
    } catch (error) {
      chunks.failure = { error }; // It is thrown when all that came before is settled.
    }
    return chunk;
  }
}

/** What all lanes yield, as it comes. None is more than one step ahead of the consumer. */
async function* merged<T>(lanes: readonly AsyncGenerator<T[]>[], signal: AbortSignal): AsyncGenerator<T> {
  const arrived: { readonly lane: AsyncGenerator<T[]>; readonly step: Promise<IteratorResult<T[]>> }[] = [];
  let wake = () => {};
  const advance = (lane: AsyncGenerator<T[]>): void => {
    const step = lane.next();
    const arrive = () => {
      arrived.push({ lane, step });
      wake();
    };
    step.then(arrive, arrive);
  };

  lanes.forEach(advance);
  for (let open = lanes.length; open > 0; ) {
    const next = arrived.shift();
    if (next) {
      const { done, value } = await next.step;
      if (done) open -= 1;
      else {
        advance(next.lane);
        yield* value;
      }
    } else {
      const arrival = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await orAbort(arrival, signal);
    }
  }
}

/** By content alone, so that another process finds the same: half of a SHA-256, as hexadecimal digits. */
async function keyOf(content: readonly unknown[]): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(content));
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes), 0, 16);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function jsonOf(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // What a parser says quotes the body.
  }
}

/** Answers after which the same request may bring another, though nobody knows what became of this one. */
const PASSING = new Set([408, 409, 500, 502, 503, 504, 529]);
/** Answers that say that nothing was done, and that it may be another time. */
const REFUSED_FOR_NOW = new Set([423, 425, 429]);
/** As much, where it is said of one item; 424 is another item's failure. */
const ITEM_REFUSED_FOR_NOW = new Set([...REFUSED_FOR_NOW, 424, 503, 529]);
const PASSING_ROWS = new Set(['UNABLE_TO_LOCK_ROW', 'ALL_OR_NONE_OPERATION_ROLLED_BACK']);

const BASE_MS = 250;
const CAP_MS = 20_000;
const MAX_ASKED_MS = 120_000;

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

/** Settles as `work` does, or with the signal's own reason as soon as it aborts; leaves no listener behind. */
function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** An absolute http(s) URL; a relative one resolves against the page, where there is one. */
function httpUrl(name: string, url: string | URL): URL {
  const { location } = globalThis as { location?: { href: string } };
  const parsed = URL.parse(`${url}`, location?.href);
  if (parsed?.protocol === 'https:' || parsed?.protocol === 'http:') return parsed;
  throw new TypeError(`${name} must be an http(s) URL, got ${String(url).split('?')[0]}`);
}

function checkInteger(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least)) return;
  throw new RangeError(`${name} must be an integer from ${least}, got ${value}`);
}

/**
 * How long a response asks to be left alone, in milliseconds, or `undefined` if it does not say. The longest counts of
 * `Retry-After` (RFC 9110, 10.2.3: seconds, decimals too, or dates by the response's own `Date`) and `retry-after-ms`.
 */
function retryAfterMs(headers: Headers): number | undefined {
  const decimal = (text: string | null) => (/^\s*\d+(\.\d+)?\s*$/.test(text ?? '') ? Number(text) : Number.NaN);
  const sentAtMs = httpDateMs(headers.get('date') ?? '') || Date.now();
  // The comma after a date's weekday is its own; any other joins two header lines.
  const hints = headers.get('retry-after')?.split(/,(?! \d\d[ -][A-Z])/) ?? [];
  const waits = hints.flatMap((hint) => [decimal(hint) * 1_000, httpDateMs(hint.trim()) - sentAtMs]);
  const told = [decimal(headers.get('retry-after-ms')), ...waits].filter((ms) => !Number.isNaN(ms));
  return told.length > 0 ? Math.max(0, ...told) : undefined;
}

/** An HTTP date (RFC 9110, 5.6.7) of any form as epoch milliseconds, or `NaN`. The form without a zone means UTC. */
function httpDateMs(text: string): number {
  const form = /^[A-Z][a-z]+(, \d\d[ -][A-Z][a-z]{2}[ -]\d+| [A-Z][a-z]{2} [ \d]\d) [\d:]{8} (GMT|\d{4})$/;
  return form.test(text) ? Date.parse(text.replace(/\d{4}$/, '$& GMT')) : Number.NaN;
}
