import { afterEach, expect, it, vi } from 'vitest';
import {
  type Fetch,
  type OffsetPaginationOptions,
  offsetPagination,
  type Page,
  PageError,
} from './offset-pagination.ts';

afterEach(() => void vi.unstubAllGlobals());

it('yields records in order, with the response they came in', async () => {
  const pages = await collect(paginate(serve(5)));

  expect(pages.flatMap(({ items }) => items.map(({ id }) => id))).toEqual([0, 1, 2, 3, 4]);
  expect(pages[0]!.response.status).toBe(200);
  expect(pages[0]!.response.headers.get('content-type')).toBe('application/json');
  expect(pages[0]!.response.bodyUsed).toBe(true);
});

it('goes on right after any page, from its resume as JSON', async () => {
  const pages = await collect(paginate(serve(7)));

  for (const [index, { resume }] of pages.entries()) {
    const rest = await collect(paginate(serve(7), { resume: JSON.parse(JSON.stringify(resume)) }));
    expect(idsOf([...pages.slice(0, index + 1), ...rest])).toEqual([0, 1, 2, 3, 4, 5, 6]);
  }
});

it('begins at the beginning where no checkpoint was stored', async () => {
  expect(idsOf(await collect(paginate(serve(3), { resume: null })))).toEqual([0, 1, 2]);
});

it('ends after maxPages, and reads no page further ahead', async () => {
  const fetch = vi.fn(serve(9));

  const pages = await collect(paginate(fetch, { maxPages: 2, prefetch: 5 }));

  expect(pages).toHaveLength(2);
  expect(fetch).toHaveBeenCalledTimes(2);
});

it('sends what init holds with every request', async () => {
  const fetch = vi.fn(serve(5));

  await collect(paginate(fetch, { init: { headers: { 'x-api-key': 'k' } } }));

  for (const [, init] of fetch.mock.calls) expect(init!.headers).toEqual({ 'x-api-key': 'k' });
});

it('calls fetch unbound', async () => {
  const answer = serve(3);
  const fetch: Fetch = function (this: unknown, input, init) {
    expect(this).toBeUndefined();
    return answer(input, init);
  };

  expect(idsOf(await collect(paginate(fetch)))).toEqual([0, 1, 2]);
});

it('uses the platform fetch by default', async () => {
  vi.stubGlobal('fetch', serve(3));

  expect(idsOf(await collect(paginate(undefined)))).toEqual([0, 1, 2]);
});

it('resolves a relative URL against the page, where there is one', async () => {
  expect(() => paginate(serve(3), {}, '/rows')).toThrow(TypeError);

  vi.stubGlobal('location', { href: 'https://app.test/home?x=1' });
  const fetch = vi.fn(serve(3));
  await collect(paginate(fetch, {}, '/rows'));

  expect(String(fetch.mock.calls[0]![0])).toMatch(/^https:\/\/app\.test\/rows/);
});

it('takes the body if it is an array, or else its only array, or else what items finds', async () => {
  const one = serve(1, (rows) => ({ ok: true, rows }));
  const two = serve(1, (rows) => ({ errors: [], rows }));

  expect(idsOf(await collect(paginate(one)))).toEqual([0]);
  expect(idsOf(await collect(paginate(two, { items: (body) => body.rows })))).toEqual([0]);
  await expect(collect(paginate(two))).rejects.toThrow(PageError);
});

it.each([
  ['no 2xx', () => new Response('{"error":"x"}', { status: 503 }), 503, 'the answer was 503'],
  ['not JSON', () => new Response('<html>', { status: 200 }), 200, 'the body is not JSON'],
  ['cut off', () => new Response('[{"id":', { status: 200 }), 200, 'the body is not JSON'],
  ['without a list', () => Response.json({ ok: false }), 200, 'the body is not the page expected'],
  ['null', () => Response.json(null), 200, 'the body is not the page expected'],
  ['no answer', () => Promise.reject(new TypeError('fetch failed')), undefined, 'the request failed'],
] as const)('throws a PageError that leads back to a page that is %s', async (_, fail, status, problem) => {
  let isBroken = true;
  const fetch = failingAt(3, () => (isBroken ? fail() : undefined));
  const { pages, error } = await collectUntilError(paginate(fetch));

  expect(error).toMatchObject({ name: 'PageError', page: 3, status, resume: pages[1]!.resume });
  expect((error as Error).message).toBe(`Page 3 of https://api.test/rows: ${problem}`);

  isBroken = false;
  const rest = await collect(paginate(fetch, { resume: (error as PageError).resume }));
  expect(idsOf([...pages, ...rest])).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

it('keeps the cause', async () => {
  const cause = new TypeError('fetch failed');
  const { error } = await collectUntilError(paginate(() => Promise.reject(cause)));

  expect(error).toMatchObject({ page: 1, resume: undefined, cause });
});

it('frees the connection of an answer it does not read', async () => {
  const cancel = vi.fn();
  const body = new ReadableStream({ cancel });

  await collectUntilError(paginate(async () => new Response(body, { status: 500 })));

  expect(cancel).toHaveBeenCalledOnce();
});

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
  const fetch = failingAt(4, () => new Response(null, { status: 500 }));
  const { pages, error } = await collectUntilError(paginate(fetch, { prefetch: 9 }), settle);

  expect(pages).toHaveLength(3);
  expect(error).toMatchObject({ page: 4, status: 500, resume: pages[2]!.resume });
});

it('lets a failure ahead go unheard when the consumer leaves before', async () => {
  const pages = paginate(
    failingAt(2, () => new Response(null, { status: 500 })),
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
  const { fetch, signals } = hanging(2);
  const pages = paginate(fetch, { prefetch: 2, ...options });
  await pages.next();
  await settle();

  await pages[leave](new Error('enough') as never).catch(() => {});

  expect(signals.at(-1)!.aborted).toBe(true);
});

it('rejects with the signal’s own reason while it waits for an answer', async () => {
  const caller = new AbortController();
  const { fetch, signals } = hanging(2);
  const pages = paginate(fetch, { signal: caller.signal });
  await pages.next();
  const second = pages.next();
  await settle();

  caller.abort('changed my mind');

  await expect(second).rejects.toBe('changed my mind');
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

it('does not wait for a fetch that ignores its signal, and frees what it answers later', async () => {
  const caller = new AbortController();
  const cancel = vi.fn();
  const late = Promise.withResolvers<Response>();
  const page = paginate(() => late.promise, { signal: caller.signal }).next();
  await settle();

  caller.abort('changed my mind');
  await expect(page).rejects.toBe('changed my mind');
  late.resolve(new Response(new ReadableStream({ cancel })));
  await settle();

  expect(cancel).toHaveBeenCalledOnce();
});

it('rejects with the signal’s own reason while it reads a body', async () => {
  const caller = new AbortController();
  const page = paginate(async () => new Response(new ReadableStream()), { signal: caller.signal }).next();
  await settle();

  caller.abort('changed my mind');

  await expect(page).rejects.toBe('changed my mind');
});

it('follows a redirect within the origin', async () => {
  const answer = serve(3);
  const fetch = vi.fn<Fetch>(async (input, init) => {
    const url = new URL(String(input));
    if (url.pathname === '/rows') return redirect(`/moved${url.search}`);
    return answer(input, init);
  });

  expect(idsOf(await collect(paginate(fetch)))).toEqual([0, 1, 2]);
});

it('sends nothing to another origin that it is redirected to', async () => {
  const fetch = vi.fn<Fetch>(async () => redirect('https://evil.test/rows?steal=1'));
  const { error } = await collectUntilError(paginate(fetch, { init: { headers: { 'x-api-key': 'k' } } }));

  expect(error).toMatchObject({ name: 'CrossOriginError', page: 1, resume: undefined });
  expect((error as Error).message).not.toContain('steal');
  expect(fetch.mock.calls.map(([input]) => new URL(String(input)).origin)).toEqual(['https://api.test']);
  expect(fetch.mock.calls[0]![1]).toMatchObject({ redirect: 'manual' });
});

it('gives up on a redirect that runs in circles', async () => {
  const fetch = vi.fn<Fetch>(async (input) => redirect(String(input)));
  const { error } = await collectUntilError(paginate(fetch));

  expect(error).toMatchObject({ name: 'PageError', status: 302 });
  expect(fetch).toHaveBeenCalledTimes(6);
});

it('follows no redirect with a request that is not a GET', async () => {
  const fetch = vi.fn<Fetch>(async () => redirect('/moved'));
  const { error } = await collectUntilError(paginate(fetch, { init: { method: 'POST', body: '{}' } }));

  expect(error).toMatchObject({ name: 'PageError', status: 302 });
  expect(fetch).toHaveBeenCalledOnce();
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

it.each([
  [{ maxPages: 0 }, RangeError, 'maxPages must be an integer from 1, got 0'],
  [{ maxPages: Number.POSITIVE_INFINITY }, RangeError, 'maxPages'],
  [{ prefetch: -1 }, RangeError, 'prefetch must be an integer from 0, got -1'],
  [{ prefetch: 1.5 }, RangeError, 'prefetch'],
  [{ prefetch: Number.NaN }, RangeError, 'prefetch'],
  [{ resume: { from: 'another' } }, TypeError, 'resume must be'],
])('refuses %o when called', (options, error, message) => {
  expect(() => paginate(serve(1), options)).toThrow(error);
  expect(() => paginate(serve(1), options)).toThrow(message);
});

it.each(['/rows', 'ftp://api.test/rows', 'nonsense'])('refuses the URL %s when called', (url) => {
  expect(() => paginate(serve(1), {}, `${url}?token=secret`)).toThrow(/^\w+: url must be an http\(s\) URL, got [^?]*$/);
});

interface Row {
  readonly id: number;
}

async function collect(pages: AsyncIterable<Page<Row>>): Promise<Page<Row>[]> {
  const { pages: collected, error } = await collectUntilError(pages);
  if (error !== undefined) throw error;
  return collected;
}

async function collectUntilError(from: AsyncIterable<Page<Row>>, work = async (): Promise<void> => {}) {
  const pages: Page<Row>[] = [];
  try {
    for await (const page of from) {
      pages.push(page);
      await work();
    }
    return { pages, error: undefined };
  } catch (error) {
    return { pages, error };
  }
}

function idsOf(pages: readonly Page<Row>[]): number[] {
  return pages.flatMap(({ items }) => items.map(({ id }) => id));
}

/** Serves seven records; what `fail` gives stands in for the answer to the request for page `nth`. */
function failingAt(nth: number, fail: () => Response | Promise<Response> | undefined): Fetch {
  const answer = serve(7);
  const asked: string[] = [];
  return async (input, init) => {
    if (!asked.includes(String(input))) asked.push(String(input));
    return (asked.indexOf(String(input)) === nth - 1 ? await fail() : undefined) ?? answer(input, init);
  };
}

/** Answers until request `nth`, which hangs until its signal aborts. */
function hanging(nth: number) {
  const answer = serve(40);
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

function redirect(location: string): Response {
  return new Response(null, { status: 302, headers: { location } });
}

/** Lets everything run that waits for nothing outside. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function paginate(
  fetch: Fetch | undefined,
  options: OffsetPaginationOptions<Row> = {},
  url = 'https://api.test/rows?q=1',
) {
  return offsetPagination<Row>(url, { limit: 3, ...options, ...(fetch && { fetch }) });
}

/** So many records, by offset. */
function serve(count: number, body: (rows: Row[]) => unknown = (rows) => rows): Fetch {
  const rows = Array.from({ length: count }, (_, id) => ({ id }));
  return async (input) => {
    const query = new URL(String(input)).searchParams;
    const offset = Number(query.get('offset'));
    return Response.json(body(rows.slice(offset, offset + Number(query.get('limit')))));
  };
}
