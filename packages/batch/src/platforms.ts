/** A parsed body, whose shape only the caller knows. */
export type Json = ReturnType<typeof JSON.parse>;

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

/** Ready readers of the answers of these platforms, and of those like many, for the option `read` of `batch`. */
export const readAnswer = {
  /** A 2xx whose only list has an entry for each item, by `index` or place, with a status, `success` or errors. */
  list: (body: Json, items: readonly Json[], { ok }: Response): Meaning | undefined => {
    const [list, ...others]: Json[][] = [body, ...Object.values(body ?? {})].filter(Array.isArray);
    if (!ok || list === undefined || others.length > 0) return undefined;
    const hasIndex = list.every((answer) => Number.isInteger(answer?.index));
    // One that counts from 1 would have each item answered for by another.
    const fits = hasIndex ? list.every(({ index }) => index in items) : list.length === items.length;
    if (!fits) return undefined;
    const verdicts: Verdict[] = [];
    for (const [at, answer] of list.entries())
      verdicts[hasIndex ? answer.index : at] = { outcome: outcomeIn(answer), answer };
    return verdicts;
  },
  /** Each item needs an `objectWriteTraceId`: without, a partial failure leaves all of them unknown. */
  hubspot: (body: Json, items: readonly Json[], { ok }: Response): Meaning | undefined => {
    const errors: Json[] = body?.errors ?? [];
    const failed = new Map(errors.map((answer) => [[answer.context?.objectWriteTraceId].flat()[0], answer]));
    if (!ok || body?.results?.length + errors.length !== items.length) return undefined;
    const verdicts = items.map(({ objectWriteTraceId: id }): Verdict => {
      return id !== undefined && failed.has(id) ? { outcome: 'failed', answer: failed.get(id) } : { outcome: 'done' };
    });
    return verdicts.filter(({ outcome }) => outcome === 'failed').length === errors.length ? verdicts : undefined;
  },
  /** The items are the `requests`, each with its `id`. */
  microsoftGraph: (body: Json, items: readonly Json[], { ok }: Response): Meaning | undefined => {
    if (!ok || !Array.isArray(body?.responses)) return undefined;
    const answers = new Map<string, Json>(body.responses.map((answer: Json) => [String(answer.id), answer]));
    return items.map(({ id }) => {
      const answer = answers.get(String(id));
      return answer && { outcome: outcomeIn(answer), answer, afterMs: askedForMs(new Headers(answer.headers ?? {})) };
    });
  },
  /** Its 400 has stored what it does not name. */
  mixpanel: (body: Json, items: readonly Json[]): Meaning | undefined => {
    const failed: Json[] = body?.failed_records ?? [];
    if (body?.num_records_imported + failed.length !== items.length) return undefined;
    const named = new Map(failed.map((answer) => [answer.index, answer]));
    return items.map((_, place) => {
      return named.has(place) ? { outcome: 'failed', answer: named.get(place) } : { outcome: 'done' };
    });
  },
  /** sObject Collections. A row that met a lock, or was rolled back for another's sake, is sent again. */
  salesforce: (body: Json, items: readonly Json[], { ok }: Response): Meaning | undefined => {
    if (!ok || !Array.isArray(body) || body.length !== items.length) return undefined;
    return body.map((answer) => {
      const errors: Json[] = answer?.errors ?? [];
      const isPassing = errors.length > 0 && errors.every(({ statusCode }) => PASSING_ROWS.has(statusCode));
      return { outcome: isPassing ? 'retry' : outcomeIn(answer), answer };
    });
  },
} as const;

const PASSING_ROWS = new Set(['UNABLE_TO_LOCK_ROW', 'ALL_OR_NONE_OPERATION_ROLLED_BACK']);

/** What an entry of a list says: by its status, as wherever there is one, or by `success` and errors. */
function outcomeIn(answer: Json): Verdict['outcome'] {
  const status = [answer?.status, answer?.httpStatusCode].find(Number.isInteger);
  if (status !== undefined) return outcomeFor(status);
  if (answer?.success === true) return 'done';
  return answer?.success === false || answer?.error || answer?.errors?.length > 0 ? 'failed' : 'unknown';
}

/** What a status, or what should be one, says of a write. After some nothing was done, and it may be another time. */
function outcomeFor(status: number): Verdict['outcome'] {
  if (status >= 200 && status < 300) return 'done';
  if ([423, 424, 425, 429, 503, 529].includes(status)) return 'retry';
  return status >= 400 && status < 500 && status !== 408 ? 'failed' : 'unknown';
}

/** How long an answer asks to be left alone, in milliseconds: the longest of its `Retry-After` (RFC 9110, 10.2.3). */
function askedForMs(headers: Headers): number {
  const sentAtMs = Date.parse(headers.get('date') ?? '') || Date.now();
  // Cut at every comma, a date has lost its weekday, which it does not need. One that names no zone means UTC.
  const hints = (headers.get('retry-after') ?? '').split(',');
  const waits = hints.map((it) => Number(it) * 1_000 || Date.parse(it.replace(/ \d{4}$/, '$& GMT')) - sentAtMs || 0);
  return Math.max(0, ...waits);
}
