/** Where to go on: a plain JSON object, to be stored and handed back as it is. It may hold a query string. */
export type Resume = Readonly<Record<string, unknown>>;

/** One page of a listing. */
export interface Page<Item> {
  /** The records, in the listing's order; there may be none. */
  readonly items: readonly Item[];
  /** What they came in. The body has been read; status and headers are there to look at. */
  readonly response: Response;
  /** Goes on right after this page, in another process too. */
  readonly resume: Resume;
}

/**
 * Reads a listing from right after `resume`, or from the beginning without one, such as a paginator does. It ends only
 * where the listing ends, since the sync is complete then: no `maxPages`.
 */
export type Pages<Item> = (from: {
  /** Of the last page that landed; `undefined` at the beginning. */
  readonly resume: Resume | undefined;
  /** The caller's own, to be handed to the paginator. */
  readonly signal: AbortSignal | undefined;
}) => AsyncIterable<Page<Item>>;

/** A record on its way into the sink. */
export interface SyncRecord<Item> {
  /** What identifies it within its source. */
  readonly id: string;
  /** SHA-256 of its content, whatever the order of its keys, in Base64. */
  readonly hash: string;
  /** As it came. */
  readonly item: Item;
}

/** How far a source has been read: a plain JSON object. */
export interface Checkpoint {
  /** The run that it belongs to. */
  readonly run: string;
  /** Of the last page that landed; `null` at the beginning. It may hold a query string. */
  readonly resume: Resume | null;
  /** Whether the listing was read to its end. */
  readonly complete: boolean;
  /** How many pages landed in this run. */
  readonly pages: number;
  /** How many records those held, repeats from page to page included. */
  readonly records: number;
}

/** Where records go. Its calls for one source never overlap. */
export interface Sink<Item> {
  /** The checkpoint committed last, or nothing. */
  load(source: string): Awaitable<Checkpoint | null | undefined>;
  /**
   * Writes the records and the checkpoint in one transaction: both or none. An id that is there already is replaced, if
   * `hash` differs. No id comes twice in one call. What is thrown ends the sync as it is.
   * `before` is what this sync loaded or committed last. Where another is there by now, throw: who comes late is refused.
   */
  commit(
    source: string,
    records: readonly SyncRecord<Item>[],
    checkpoint: Checkpoint,
    before: Checkpoint | undefined,
  ): Awaitable<Landed | undefined>;
}

/** What became of the records of one commit; all others were there, unchanged. */
export interface Landed {
  /** How many the sink had not seen before. */
  readonly added: number;
  /** How many replaced another version. */
  readonly changed: number;
}

/** A validator, as Zod, Valibot, ArkType and others have it. Source: https://standardschema.dev, version 1. */
export interface StandardSchema {
  /** Its one property. A value fits where there are no issues. */
  readonly '~standard': { validate(value: unknown): Awaitable<{ issues?: readonly SchemaIssue[] | undefined }> };
}

/** What does not fit, and where in the value. */
export interface SchemaIssue {
  /** As the validator words it. */
  readonly message: string;
  /** From the outside in. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** At once, or later. */
export type Awaitable<Value> = Value | Promise<Value>;

/** How a source is synced. */
export interface ResumableSyncOptions<Item> {
  /** What the source is called in the sink. One sync at a time for each. */
  readonly source: string;
  /**
   * Names this reading of the source. With the same name an unfinished one goes on, and a finished one is left alone;
   * with another name, such as today's date, the source is read from the beginning. @defaultValue `''`
   */
  readonly run?: string;
  /** Whether a finished run goes on after its last page, for listings that grow at their end. @defaultValue false */
  readonly follow?: boolean;
  /** What identifies a record: a string, or an integer up to 2^53, past which several become one. @defaultValue its `id` */
  readonly id?: (item: Item) => string | number;
  /** Is shown every record. What does not fit is told as `drift`, and lands all the same, as it came. */
  readonly schema?: StandardSchema;
  /** How many records there are, where a page tells, for the estimate. One below what was read counts as unknown. */
  readonly total?: (page: Page<Item>) => number | undefined;
  /** Ends the sync before the next page lands, with the signal's own reason. */
  readonly signal?: AbortSignal | undefined;
  /** Is told how it goes. Is not waited for, and its failures are its own affair. */
  readonly onEvent?: (event: SyncEvent) => void;
}

/** How far a sync is. */
export interface SyncFigures extends Landed {
  /** As in the options. */
  readonly source: string;
  /** Whether the listing was read to its end. */
  readonly complete: boolean;
  /** How many pages landed in this run, in earlier processes too. */
  readonly pages: number;
  /** How many records those held, repeats from page to page included. */
  readonly records: number;
  /** Since this call began. */
  readonly recordsPerSecond: number;
  /** How many records there are, if that is known. */
  readonly total: number | undefined;
  /** How long it will take at this rate, in milliseconds, if the total is known. */
  readonly leftMs: number | undefined;
}

/** A sync begins or goes on; a page has landed, or the end; something does not fit the schema. */
export type SyncEvent =
  | ({ readonly type: 'started' | 'progress' } & SyncFigures)
  | {
      readonly type: 'drift';
      readonly source: string;
      /** Of the first record it was seen in; each path is told once, and a hundred of them at most. */
      readonly id: string;
      /** Where in the record, as `tags[].name`; empty for the record itself. */
      readonly path: string;
      /** As the validator words it, which may quote the record. */
      readonly message: string;
    };

/**
 * Reads pages into a sink. Each page lands together with the way on from it, so whoever calls again with the same
 * `source` and `run`, in whatever process, goes on after the last page that landed.
 *
 * Resolves to how far it came; `added` and `changed` count from this call. What pages or sink throw arrives as it is.
 *
 * @throws `TypeError` when called, if an option is wrong; later, if a record has no id: nothing of its page lands.
 */
export function resumableSync<Item>(
  pages: Pages<Item>,
  sink: Sink<Item>,
  options: ResumableSyncOptions<Item>,
): Promise<SyncFigures> {
  const { source, run = '', follow = false, schema, total: readTotal, signal, onEvent } = options;
  const { id = (item) => (item as { id: string } | null)?.id as string } = options;
  if (typeof source !== 'string' || source === '') throw new TypeError('resumableSync: source must be a name');
  const functions = { pages, 'sink.load': sink?.load, 'sink.commit': sink?.commit, id };
  if (schema) Object.assign(functions, { 'schema.~standard.validate': schema['~standard']?.validate });
  for (const [name, value] of Object.entries(functions)) {
    if (typeof value !== 'function') throw new TypeError(`resumableSync: ${name} must be a function, got ${value}`);
  }
  const told = new Set<string>();
  const landed = { added: 0, changed: 0 };
  const startMs = performance.now();
  let total: number | undefined;
  return sync();

  async function sync(): Promise<SyncFigures> {
    let held = (await sink.load(source)) ?? undefined;
    let reached = held?.run === run ? held : { run, resume: null, complete: false, pages: 0, records: 0 };
    const begun = reached.records;
    notify(onEvent, { type: 'started', ...figures() });
    if (reached.complete && !follow) return figures();
    signal?.throwIfAborted();
    for await (const page of pages({ resume: reached.resume ?? undefined, signal })) {
      const records = await recordsOf(page.items, reached.pages + 1);
      for (const record of schema ? records : []) await look(record);
      total = readTotal?.(page) ?? total;
      await commit(records, { resume: page.resume, complete: false, pages: reached.pages + 1 });
    }
    // Pages that end because of the signal are not the end of the listing.
    await commit([], { complete: true });
    return figures();

    async function commit(records: readonly SyncRecord<Item>[], step: Partial<Checkpoint>): Promise<void> {
      signal?.throwIfAborted();
      const next = { ...reached, ...step, records: reached.records + records.length };
      const { added = 0, changed = 0 } = (await sink.commit(source, records, next, held)) ?? {};
      reached = held = next;
      landed.added += added;
      landed.changed += changed;
      notify(onEvent, { type: 'progress', ...figures() });
    }

    function figures(): SyncFigures {
      const { complete, pages, records } = reached;
      const recordsPerSecond = (records - begun) / Math.max((performance.now() - startMs) / 1_000, 0.001);
      const known = total !== undefined && total >= records ? total : undefined;
      const leftMs = known && recordsPerSecond > 0 ? ((known - records) / recordsPerSecond) * 1_000 : undefined;
      return { source, complete, pages, records, ...landed, recordsPerSecond, total: known, leftMs };
    }
  }

  /** One for each id: where a page holds one twice, the later is the newer. */
  function recordsOf(items: readonly Item[], page: number): Promise<SyncRecord<Item>[]> {
    const newest = new Map<string, Item>();
    for (const [index, item] of items.entries()) {
      const key = id(item);
      if (typeof key === 'string' ? key === '' : !Number.isSafeInteger(key)) {
        const where = `record ${index} of page ${page} of ${source}`;
        throw new TypeError(`resumableSync: ${where} has no id, a non-empty string or a safe integer, but ${key}`);
      }
      newest.set(`${key}`, item);
    }
    return Promise.all(Array.from(newest, async ([id, item]) => ({ id, hash: await fingerprint(item), item })));
  }

  /** Tells where a record does not fit the schema. */
  async function look({ id, item }: SyncRecord<Item>): Promise<void> {
    const { issues = [] } = (await schema?.['~standard'].validate(item)) ?? {};
    for (const { message, path: steps = [] } of issues) {
      const keys = steps.map((step) => (typeof step === 'object' ? step.key : step));
      const dotted = keys.map((key) => (typeof key === 'number' ? '[]' : `.${String(key)}`)).join('');
      const path = dotted.replace(/^\./, '');
      if (told.has(path) || told.size === 100) continue;
      told.add(path);
      notify(onEvent, { type: 'drift', source, id, path, message });
    }
  }
}

/** SHA-256 of the content, the same whatever the order of its keys, in Base64. */
async function fingerprint(content: unknown): Promise<string> {
  const text = JSON.stringify(content, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
  });
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}

/** Tells the observer. What goes wrong there, at once or later, is not the request's failure. */
function notify<Event>(onEvent: ((event: Event) => void) | undefined, event: Event): void {
  (async () => onEvent?.(event))().catch(() => {});
}
