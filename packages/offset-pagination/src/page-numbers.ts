/**
 * Gets windows of a listing by `ask`, which sends a request with these parameters. Each holds the record at `start` and
 * those after it, and says where it begins and its size when full. The most that an answer has held is `pageSize`.
 */
export type Windows = <Answer extends { readonly items: readonly unknown[]; readonly ids: readonly unknown[] }>(
  ask: (params: Readonly<Record<string, number>>) => Promise<Answer>,
  limit: number,
) => (start: number, pageSize: number) => Promise<Answer & { readonly start: number; readonly size: number }>;

/** What a listing calls its pages, and who is told where they cannot be read without loss. */
export interface PageNumbersOptions {
  /** The parameter that counts the pages, from `first`. @defaultValue `'page'` */
  readonly page?: string;
  /** The parameter that sets the page size. Without it the size is the server's, and not all drift can be made good. */
  readonly size?: string;
  /** The number of the first page. From 0. @defaultValue 1 */
  readonly first?: number;
  /** Told when the listing moved where pages cannot overlap. */
  readonly onEvent?: (event: PageNumbersEvent) => void;
}

/** Records slipped from a page into the one before, which was read already. They are made good unless others hid it. */
export interface PageNumbersEvent {
  /** There is no other event yet. */
  readonly type: 'drift';
  /** The number of the page that does not end as it did. */
  readonly page: number;
  /** Always `false`: two opposite moves between two requests can hide a loss. Where pages overlap, there is no event. */
  readonly lossless: false;
}

/**
 * Asks for windows by page number. Some page size has a page that holds the last record seen and those after it: pages
 * overlap by varying their size. Where none has, as where the size is fixed, a window is two pages, and the earlier is
 * read last, to see whether it still ends as it did.
 *
 * @throws `TypeError` or `RangeError` when called, if an option is out of range.
 */
export function pageNumbers({ page = 'page', size, first = 1, onEvent }: PageNumbersOptions = {}): Windows {
  if (!page || size === '' || page === size) throw new TypeError('pageNumbers: page and size must be two names');
  checkInteger('pageNumbers: first', first, 0);

  return (ask) => {
    let isFixed = size === undefined;
    let isVaried = false;
    let asked = { start: 0, records: 0 };
    let last: { end: number; id: unknown } | undefined;

    return async (start, pageSize) => {
      // It steps back: since the listing moved, or since the size is ignored, which the first page tells.
      if (start < asked.start && asked.records < pageSize && !isFixed && !isVaried) {
        isVaried = (await load(0, asked.records)).ids.length === asked.records;
      }
      const records = isFixed ? pageSize : farthest(start, pageSize);
      asked = { start, records };
      const number = Math.floor(start / records);
      const begin = number * records;
      const next = begin + records > start + 1 ? undefined : await load(number + 1, records);
      const window = await load(number, records);
      if (next && last?.end === start + 1 && last.id !== window.ids.at(-1)) {
        notify(onEvent, { type: 'drift', page: first + number, lossless: false });
      }
      const items = next ? [...window.items, ...next.items] : window.items;
      const ids = next ? [...window.ids, ...next.ids] : window.ids;
      last = { end: begin + ids.length, id: ids.at(-1) };
      return { ...(next ?? window), start: begin, size: next ? 2 * records : records, items, ids };
    };

    async function load(number: number, records: number) {
      const answer = await ask({ [page]: first + number, ...(size !== undefined && { [size]: records }) });
      // Some servers ignore the page size.
      isFixed ||= answer.ids.length > records;
      return answer;
    }
  };
}

/** The size, from `most` down, whose page with the record at `start` reaches farthest. */
function farthest(start: number, most: number): number {
  let best = most;
  for (let size = most - 1; size > 1; size--) if (endOf(start, size) > endOf(start, best)) best = size;
  return best;
}

/** Where the page of that size ends that holds the record at `start`. */
function endOf(start: number, size: number): number {
  return (Math.floor(start / size) + 1) * size;
}

/** Tells the observer. What goes wrong there, at once or later, is not the request's failure. */
function notify<Event>(onEvent: ((event: Event) => void) | undefined, event: Event): void {
  (async () => onEvent?.(event))().catch(() => {});
}

function checkInteger(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least)) return;
  throw new RangeError(`${name} must be an integer from ${least}, got ${value}`);
}
