import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  collect,
  collectUntilError,
  type Fetch,
  failingAt,
  idsOf,
  type Page,
  type PaginationOptions,
  paginators,
  ROWS,
  type Row,
} from './paginators.ts';

afterEach(() => void vi.unstubAllGlobals());

/** What all paginators promise of requests, answers and errors. */
describe.each(paginators)('$name', ({ read, serve }) => {
  const paginate = (fetch: Fetch | undefined, options: PaginationOptions<Row> = {}, url = ROWS) =>
    read(url, { ...options, ...(fetch && { fetch }) });

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
    await expect(collect(paginate(two))).rejects.toMatchObject({ name: 'PageError' });
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
    const fetch = failingAt(serve(7), 3, () => (isBroken ? fail() : undefined));
    const { pages, error } = await collectUntilError(paginate(fetch));

    expect(error).toMatchObject({ name: 'PageError', page: 3, status, resume: pages[1]!.resume });
    expect((error as Error).message).toBe(`Page 3 of https://api.test/rows: ${problem}`);

    isBroken = false;
    const rest = await collect(paginate(fetch, { resume: (error as { resume: Page<Row>['resume'] }).resume }));
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

  it('follows a redirect within the origin, and frees its connection', async () => {
    const answer = serve(3);
    const cancel = vi.fn();
    const fetch = vi.fn<Fetch>(async (input, init) => {
      const url = new URL(String(input));
      if (url.pathname === '/rows') return redirect(`/moved${url.search}`, new ReadableStream({ cancel }));
      return answer(input, init);
    });

    expect(idsOf(await collect(paginate(fetch)))).toEqual([0, 1, 2]);
    const redirected = fetch.mock.calls.filter(([input]) => new URL(String(input)).pathname === '/rows');
    expect(cancel).toHaveBeenCalledTimes(redirected.length);
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
    let left = 50;
    const fetch = vi.fn<Fetch>(async (input) => (left-- > 0 ? redirect(String(input)) : Response.json([])));
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
    expect(() => paginate(serve(1), {}, `${url}?token=secret`)).toThrow(
      /^\w+: url must be an http\(s\) URL, got [^?]*$/,
    );
  });
});

function redirect(location: string, body: ReadableStream | null = null): Response {
  return new Response(body, { status: 302, headers: { location } });
}
