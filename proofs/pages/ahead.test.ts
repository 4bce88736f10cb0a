import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  collect,
  collectUntilError,
  type Fetch,
  failingAt,
  type PaginationOptions,
  paginators,
  ROWS,
  type Row,
  settle,
  soon,
} from './paginators.ts';

afterEach(() => void vi.restoreAllMocks());

/** What all paginators promise of reading ahead, and of leaving at any moment. */
describe.each(paginators)('$name', ({ read, serve }) => {
  const paginate = (fetch: Fetch | undefined, options: PaginationOptions<Row> = {}, url = ROWS) =>
    read(url, { ...options, ...(fetch && { fetch }) });

  it('reads as many pages ahead as told while the consumer works, and no more', async () => {
    const fetch = vi.fn(serve(40));
    const pages = paginate(fetch, { prefetch: 3 });

    await pages.next();
    await settle();
    expect(fetch).toHaveBeenCalledTimes(4);

    await pages.next();
    await settle();
    expect(fetch).toHaveBeenCalledTimes(5);
    await pages.return(undefined);
  });

  it('reads nothing ahead by default', async () => {
    const fetch = vi.fn(serve(40));
    const pages = paginate(fetch);

    await pages.next();
    await settle();

    expect(fetch).toHaveBeenCalledTimes(1);
    await pages.return(undefined);
  });

  it('throws what failed ahead when its turn comes, with the resume of the page before it', async () => {
    const fetch = failingAt(serve(7), 4, () => new Response(null, { status: 500 }));
    const { pages, error } = await collectUntilError(paginate(fetch, { prefetch: 9 }), settle);

    expect(pages).toHaveLength(3);
    expect(error).toMatchObject({ page: 4, status: 500, resume: pages[2]!.resume });
  });

  it('lets a failure ahead go unheard when the consumer leaves before', async () => {
    const pages = paginate(
      failingAt(serve(7), 2, () => new Response(null, { status: 500 })),
      { prefetch: 2 },
    );

    await pages.next();
    await settle();
    await pages.return(undefined);
    await settle();
  });

  it.each([
    ['return', {}],
    ['throw', {}],
    ['return', { signal: new AbortController().signal }],
  ] as const)('aborts what is in flight on %s, with options %o', async (leave, options) => {
    const { fetch, signals } = hanging(serve(40), 2);
    const pages = paginate(fetch, { prefetch: 2, ...options });
    await pages.next();
    await settle();

    await pages[leave](new Error('enough') as never).catch(() => {});

    expect(signals.at(-1)!.aborted).toBe(true);
  });

  it('rejects with the signal’s own reason while it waits for an answer', async () => {
    const caller = new AbortController();
    const { fetch, signals } = hanging(serve(40), 2);
    const pages = paginate(fetch, { signal: caller.signal });
    await pages.next();
    const second = pages.next();
    await settle();

    caller.abort('changed my mind');

    await expect(soon(second)).rejects.toBe('changed my mind');
    expect(signals.at(-1)!.reason).toBe('changed my mind');
    expect(await pages.next()).toEqual({ done: true, value: undefined });
  });

  it('rejects with the signal’s own reason even where a page lies ready', async () => {
    const caller = new AbortController();
    const pages = paginate(serve(40), { signal: caller.signal, prefetch: 3 });
    await pages.next();
    await settle();

    caller.abort('changed my mind');

    await expect(pages.next()).rejects.toBe('changed my mind');
  });

  it('sends nothing when the signal has aborted before', async () => {
    const fetch = vi.fn(serve(3));

    await expect(paginate(fetch, { signal: AbortSignal.abort('too late') }).next()).rejects.toBe('too late');
    expect(fetch).not.toHaveBeenCalled();
  });

  it('rejects with the signal’s own reason while it reads a body', async () => {
    const caller = new AbortController();
    const fetch: Fetch = async (_, init) => new Response(endlessUntil(init!.signal!));
    const page = paginate(fetch, { signal: caller.signal }).next();
    await settle();

    caller.abort('changed my mind');

    await expect(soon(page)).rejects.toBe('changed my mind');
  });

  it('leaves no listener on the signal', async () => {
    const caller = new AbortController();
    const added = vi.spyOn(AbortSignal.prototype, 'addEventListener');
    const removed = vi.spyOn(AbortSignal.prototype, 'removeEventListener');

    await collect(paginate(serve(9), { signal: caller.signal }));

    expect(removed).toHaveBeenCalledTimes(added.mock.calls.length);
  });

  it('gives every request a signal of its own, on which the platform may leave listeners', async () => {
    const fetch = vi.fn<Fetch>(serve(9));

    await collect(paginate(fetch));

    const signals = new Set(fetch.mock.calls.map(([, init]) => init?.signal));
    expect(signals.size).toBe(fetch.mock.calls.length);
    expect(signals.size).toBeGreaterThan(4);
  });
});

/** Answers until request `nth`, which hangs until its signal aborts. */
function hanging(answer: Fetch, nth: number) {
  const signals: AbortSignal[] = [];
  const fetch: Fetch = (input, init) => {
    signals.push(init!.signal!);
    if (signals.length < nth) return answer(input, init);
    return new Promise((_, reject) => {
      init!.signal!.addEventListener('abort', () => reject(init!.signal!.reason), { once: true });
    });
  };
  return { fetch, signals };
}

/** A body as the platform's `fetch` has it: it breaks off when the signal aborts. */
function endlessUntil(signal: AbortSignal): ReadableStream {
  return new ReadableStream({
    start: (body) => signal.addEventListener('abort', () => body.error(new Error('aborted')), { once: true }),
  });
}
