import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { bearer, type Fetch, type TokenRequest } from './oauth.ts';
import { type TokenCache, tokenCache } from './token-cache.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const origins = ['https://api.test'];

describe('who is sent the token', () => {
  it('is each listed origin, with the rest of the request as the platform would send it', async () => {
    const { policy, api } = provider();

    await policy(api)('https://api.test/a', {
      method: 'PUT',
      body: 'b',
      headers: { 'x-mine': '1' },
      cache: 'no-store',
    });

    const [input, init] = api.mock.calls[0]!;
    expect(input).toBe('https://api.test/a');
    expect(init).toMatchObject({ method: 'PUT', body: 'b', cache: 'no-store' });
    expect([...new Headers(init!.headers)]).toEqual([
      ['authorization', 'Bearer token-1'],
      ['x-mine', '1'],
    ]);
  });

  it("keeps a Request's headers, unless init replaces them as fetch does", async () => {
    const { policy, api } = provider();
    const request = new Request('https://api.test/a', { headers: { 'x-mine': '1' } });

    await policy(api)(request);
    await policy(api)(request, { headers: { 'x-other': '2' } });

    const names = api.mock.calls.map(([, init]) => [...new Headers(init!.headers).keys()]);
    expect(names).toEqual([
      ['authorization', 'x-mine'],
      ['authorization', 'x-other'],
    ]);
  });

  it("replaces the caller's own Authorization, so it fits SDKs that insist on a key", async () => {
    const { policy, api } = provider();

    await policy(api)(new URL('https://api.test/a'), { headers: { Authorization: 'Bearer placeholder' } });

    expect(tokensSent(api)).toEqual(['token-1']);
  });

  it.each([
    'https://evil.test/a',
    'http://api.test/a',
    'https://api.test:8443/a',
    'https://api.test.evil.test/',
    'https://sub.api.test/',
    'data:,x',
  ])('is not %s, which is asked as it came', async (url) => {
    const { policy, api, request } = provider();
    const init = { headers: { 'x-mine': '1' } };

    await policy(api)(url, init);

    expect(api.mock.calls).toEqual([[url, init]]);
    expect(api.mock.calls[0]![1]).toBe(init);
    expect(request).not.toHaveBeenCalled();
  });

  it('is not where a redirect leads', async () => {
    const heard: (string | undefined)[] = [];
    const elsewhere = await listen(({ headers }) => {
      heard.push(headers.authorization);
      return 200;
    });
    const trusted = await listen(() => `${elsewhere}/stolen`);
    const { cache } = provider();

    await bearer(cache, { origins: [trusted] })(fetch)(`${trusted}/a`);

    expect(heard).toEqual([undefined]);
  });

  it('is not where a URL object has been led while the token is awaited', async () => {
    const { policy, api } = provider();
    const url = new URL('https://api.test/1');

    const sent = policy(api)(url);
    url.host = 'evil.test';
    await sent;

    expect(api.mock.calls[0]![0]).toBe('https://api.test/1');
  });

  it('is each call as it was made, though its init is used again for the next', async () => {
    const { policy, api } = provider();
    const init = { method: 'PUT', body: '', headers: new Headers() };

    const calls = ['1', '2'].map((id) => {
      init.body = id;
      init.headers.set('x-id', id);
      return policy(api)('https://api.test/', init);
    });
    await Promise.all(calls);

    expect(api.mock.calls.map(([, sent]) => [sent!.body, new Headers(sent!.headers).get('x-id')])).toEqual([
      ['1', '1'],
      ['2', '2'],
    ]);
  });

  it('is what fetch takes for a request when a Request is the init', async () => {
    const heard: string[] = [];
    const origin = await listen(({ method, url, headers }) => {
      heard.push(`${method} ${url} ${headers['x-mine']} ${headers['content-length'] ?? headers['transfer-encoding']}`);
      return 200;
    });
    const init = () => new Request(`${origin}/old`, { method: 'POST', body: 'hi', headers: { 'x-mine': '1' } });
    const { cache } = provider();

    await fetch(`${origin}/new`, init());
    await bearer(cache, { origins: [origin] })(fetch)(`${origin}/new`, init());

    expect(heard[0]).toMatch('POST /new 1 ');
    expect(heard[1]).toBe(heard[0]);
  });

  it("keeps a Request's referrer and what may be told of it, unless init says otherwise", async () => {
    const { policy, api } = provider();
    const request = new Request('https://api.test/a', { referrer: '', referrerPolicy: 'no-referrer' });

    await policy(api)(request);
    await policy(api)(request, { referrerPolicy: 'origin' });

    const sent = api.mock.calls.map((call) => new Request(...call));
    expect(sent.map(({ referrer, referrerPolicy }) => [referrer, referrerPolicy])).toEqual([
      ['', 'no-referrer'],
      ['', 'origin'],
    ]);
  });

  it('resolves a relative URL as the page does, by its <base>', async () => {
    const { policy, api } = provider();
    vi.stubGlobal('location', { href: 'https://api.test/page' });

    await policy(api)('/a');
    vi.stubGlobal('document', { baseURI: 'https://evil.test/' });
    await policy(api)('/a', {});

    expect(tokensSent(api)).toEqual(['token-1', undefined]);
  });

  it('is nobody where a URL has no origin, and its query stays out of the error', async () => {
    const { policy, api } = provider();

    const error: unknown = await policy(api)('/items?api_key=SECRET').catch((error) => error);

    expect(error).toEqual(new TypeError('bearer: the URL must be absolute'));
    expect(inspect(error)).not.toContain('SECRET');
    expect(api).not.toHaveBeenCalled();
  });

  it('takes the token of the key it was given', async () => {
    const { cache, api, request } = provider();

    await bearer(cache, { origins, key: 'a' })(api)('https://api.test/');

    expect(request.mock.calls).toEqual([[{ key: 'a' }]]);
  });
});

describe('a 401', () => {
  it('is sent once more with a fresh token, its body cancelled', async () => {
    const { policy, api, request, revoke } = provider();
    await policy(api)('https://api.test/');
    revoke();

    const answer = await policy(api)('https://api.test/', { method: 'POST', body: 'again' });

    expect(answer.status).toBe(200);
    expect(tokensSent(api)).toEqual(['token-1', 'token-1', 'token-2']);
    expect(api.mock.calls[2]![1]!.body).toBe('again');
    expect(await isCancelled(api, 1)).toBe(true);
    expect(request).toHaveBeenCalledTimes(2);
  });

  it('twenty times in parallel causes one refresh', async () => {
    const { policy, api, request, revoke } = provider();
    await policy(api)('https://api.test/');
    revoke();

    const answers = await Promise.all(Array.from({ length: 20 }, () => policy(api)('https://api.test/')));

    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(request).toHaveBeenCalledTimes(2);
  });

  it('that comes late takes back the token that was rejected, not the one that has replaced it', async () => {
    const { policy, api, request, revoke } = provider();
    await policy(api)('https://api.test/');
    const late = Promise.withResolvers<Response>();
    api.mockReturnValueOnce(late.promise);
    const slow = policy(api)('https://api.test/slow');
    await Promise.resolve();
    revoke();
    await policy(api)('https://api.test/quick');

    late.resolve(new Response(null, { status: 401 }));

    expect((await slow).status).toBe(200);
    expect(request).toHaveBeenCalledTimes(2);
  });

  it('to a token that was just fetched is returned, not fetched for again', async () => {
    const { policy, api, request } = provider({ isNeverContent: true });

    const answer = await policy(api)('https://api.test/');

    expect(answer.status).toBe(401);
    expect(await answer.text()).toBe('no');
    expect(api).toHaveBeenCalledTimes(1);
    expect(request).toHaveBeenCalledTimes(1);
  });

  it('never loops: the second is returned', async () => {
    const { policy, cache, api, request } = provider({ isNeverContent: true });
    await cache.get();

    const answer = await policy(api)('https://api.test/');

    expect(answer.status).toBe(401);
    expect(await answer.text()).toBe('no');
    expect(api).toHaveBeenCalledTimes(2);
    expect(request).toHaveBeenCalledTimes(2);
  });

  it('to every token does not hammer the token endpoint, yet is put to the test each second', async () => {
    vi.useFakeTimers();
    const { policy, api, request } = provider({ isNeverContent: true });

    for (let call = 0; call < 100; call += 1) {
      await policy(api)('https://api.test/');
      await vi.advanceTimersByTimeAsync(100);
    }

    expect(request.mock.calls.length).toBeLessThanOrEqual(11);
    expect(request.mock.calls.length).toBeGreaterThan(5);
  });

  it('to a token that ended while its request waited further in is sent once more', async () => {
    vi.useFakeTimers();
    const { policy, api, request } = provider();
    request.mockResolvedValueOnce({ access_token: 'short', expires_in: 60 });
    const waiting: Fetch = async (input, init) => {
      await new Promise((resolve) => setTimeout(resolve, 61_000));
      return api(input, init);
    };
    const asked = new Request('https://api.test/', { method: 'POST', body: 'b' });

    const answers = Promise.all([policy(waiting)('https://api.test/'), policy(waiting)(asked)]);
    await vi.advanceTimersByTimeAsync(122_000);

    expect((await answers).map(({ status }) => status)).toEqual([200, 200]);
    expect(request).toHaveBeenCalledTimes(2);
  });

  it('of another origin, where a redirect left the token behind, takes no token back', async () => {
    const elsewhere = await listen(() => 401);
    const trusted = await listen(({ url }) => (url === '/file' ? `${elsewhere}/file` : url === '/a' ? '/b' : 401));
    const { cache, request } = provider();
    const send = bearer(cache, { origins: [trusted, elsewhere] })(fetch);
    await cache.get();

    expect((await send(`${trusted}/file`)).status).toBe(401);
    expect((await send(`${trusted}/file`)).status).toBe(401);
    expect(request).toHaveBeenCalledTimes(1);

    expect((await send(`${trusted}/a`)).status).toBe(401);
    expect(request).toHaveBeenCalledTimes(2);
  });

  it.each([{ pipe() {} }, { cancel() {} }])('is sent again whatever its body can do: %o', async (body) => {
    const { policy, api, revoke } = provider();
    await policy(api)('https://api.test/');
    revoke();
    api.mockResolvedValueOnce({ status: 401, body } as unknown as Response);

    expect((await policy(api)('https://api.test/')).status).toBe(200);
  });

  it('is sent again with headers that came as an iterator', async () => {
    const { policy, api, revoke } = provider();
    await policy(api)('https://api.test/');
    revoke();
    const headers = new Map([['x-tenant', '7']]).entries() as unknown as HeadersInit;

    await policy(api)('https://api.test/', { headers });

    const tenants = api.mock.calls.map(([, init]) => new Headers(init!.headers).get('x-tenant'));
    expect(tenants).toEqual([null, '7', '7']);
  });

  it('to a stream is returned, and the next call has a fresh token', async () => {
    const { policy, api, revoke } = provider();
    await policy(api)('https://api.test/');
    revoke();
    const body = new Blob(['once']).stream();

    const answer = await policy(api)('https://api.test/', { method: 'POST', body, duplex: 'half' } as RequestInit);

    expect(answer.status).toBe(401);
    expect(await answer.text()).toBe('no');
    expect(api.mock.calls[1]![1]!.body).toBe(body);
    expect((await policy(api)('https://api.test/')).status).toBe(200);
    expect(tokensSent(api)).toEqual(['token-1', 'token-1', 'token-2']);
  });

  it.each<[string, () => BodyInit]>([
    ['URLSearchParams', () => new URLSearchParams({ a: 'b' })],
    ['Blob', () => new Blob(['b'])],
    ['ArrayBuffer', () => new TextEncoder().encode('b').buffer],
    ['FormData', () => new FormData()],
  ])('is sent again with a %s body', async (_what, body) => {
    const { policy, api, revoke } = provider();
    await policy(api)('https://api.test/');
    revoke();

    expect((await policy(api)('https://api.test/', { method: 'POST', body: body() })).status).toBe(200);
  });

  it('is sent again with the body inside a Request', async () => {
    const { policy, api, revoke } = provider();
    const bodies: string[] = [];
    const reading: Fetch = async (input, init) => {
      bodies.push(await new Request(input, init).text());
      return api(input, init);
    };
    await policy(api)('https://api.test/');
    revoke();

    const answer = await policy(reading)(new Request('https://api.test/', { method: 'POST', body: 'inside' }));

    expect(answer.status).toBe(200);
    expect(bodies).toEqual(['inside', 'inside']);
  });

  it('is sent again with the body of a Request that tells of none, as in Firefox', async () => {
    const { policy, api, revoke } = provider();
    const bodies: string[] = [];
    const reading: Fetch = async (input, init) => {
      bodies.push(await (input as Request).text());
      return api(input, init);
    };
    await policy(api)('https://api.test/');
    revoke();
    const request = new Request('https://api.test/', { method: 'POST', body: 'inside' });
    Object.defineProperty(request, 'body', { value: undefined });

    expect((await policy(reading)(request)).status).toBe(200);
    expect(bodies).toEqual(['inside', 'inside']);
  });

  it('has a Request cloned only while it may be sent again', async () => {
    const { policy, cache, api } = provider();
    const post = () => new Request('https://api.test/', { method: 'POST', body: 'b' });
    const clones: number[] = [];

    for (const [request, init] of [
      [post(), undefined],
      [post(), { body: 'other' }],
      [new Request('https://api.test/'), undefined],
    ] as const) {
      const clone = vi.spyOn(request, 'clone');
      await policy(api)(request, init);
      clones.push(clone.mock.calls.length);
      expect(api.mock.lastCall![0]).toBe(request);
    }

    expect(clones).toEqual([1, 0, 0]);
    expect(await cache.get()).toMatchObject({ value: 'token-1' });
  });

  it.each([200, 403, 404, 500])('is not a %i, which is returned untouched', async (status) => {
    const { policy, api } = provider();
    const answer = new Response('body', { status });
    api.mockResolvedValueOnce(answer);

    expect(await policy(api)('https://api.test/')).toBe(answer);
    expect(await answer.text()).toBe('body');
  });

  it("whose refresh outlasts the caller's patience ends with the caller's reason, its body cancelled", async () => {
    const { policy, api, revoke, request } = provider();
    await policy(api)('https://api.test/');
    revoke();
    request.mockReturnValueOnce(new Promise(() => {}));
    const caller = new AbortController();

    const answer = policy(api)('https://api.test/', { signal: caller.signal });
    await vi.waitFor(() => expect(request).toHaveBeenCalledTimes(2));
    caller.abort('enough');

    await expect(answer).rejects.toBe('enough');
    expect(await isCancelled(api, 1)).toBe(true);
  });

  it('whose token cannot be replaced rejects with what went wrong there', async () => {
    const { policy, api, revoke, request } = provider();
    await policy(api)('https://api.test/');
    revoke();
    request.mockRejectedValueOnce(new TypeError('fetch failed'));

    await expect(policy(api)('https://api.test/')).rejects.toThrow('fetch failed');
  });
});

describe('waiting for a token', () => {
  it("ends with a Request's own signal, unless init detaches it", async () => {
    const { policy, api, request } = provider();
    const caller = new AbortController();
    const issued = Promise.withResolvers<{ access_token: string }>();
    request.mockReturnValueOnce(issued.promise);
    const asked = new Request('https://api.test/', { signal: caller.signal });

    const attached = policy(api)(asked);
    const detached = policy(api)(asked, { signal: null });
    caller.abort('enough');
    issued.resolve({ access_token: 'issued' });

    await expect(attached).rejects.toBe('enough');
    expect((await detached).status).toBe(401);
  });

  it('calls next as a bare function', async () => {
    const { policy } = provider();
    const receivers: unknown[] = [];
    const next: Fetch = async function (this: unknown) {
      receivers.push(this);
      return new Response();
    };

    await policy(next)('https://api.test/');
    await policy(next)('https://other.test/');

    expect(receivers).toEqual([undefined, undefined]);
  });

  it('shows no token in what a failed request throws', async () => {
    const { policy, request } = provider();
    request.mockResolvedValueOnce({ access_token: 'SECRET\ninjected' });

    const error: unknown = await policy(fetch)('https://api.test/').catch((error) => error);

    expect(error).toMatchObject({ name: 'TokenRequestError' });
    expect(inspect(error, { showHidden: true, depth: Infinity })).not.toContain('SECRET');
  });
});

it.each([
  undefined,
  [],
  'https://api.test',
  ['api.test'],
  ['https://api.test/v1'],
  ['https://api.test?a'],
  ['https://u:p@api.test'],
  ['*'],
])('refuses the origins %j when the policy is made', (wrong) => {
  const { cache } = provider();

  expect(() => bearer(cache, { origins: wrong as string[] })).toThrow(TypeError);
  expect(() => bearer(cache, { origins: wrong as string[] })).toThrow('bearer: origins must be');
});

it.each([undefined, null, {}, 'token'])('refuses the cache %j when the policy is made', (wrong) => {
  expect(() => bearer(wrong as unknown as TokenCache, { origins })).toThrow(
    /^bearer: cache must be a tokenCache, got /,
  );
});

it('takes origins as people write them', async () => {
  const { cache, api } = provider();

  await bearer(cache, { origins: ['https://API.test:443/'] })(api)('https://api.test/a');

  expect(tokensSent(api)).toEqual(['token-1']);
});

/** A token endpoint that counts, and an API that takes only the newest token. */
function provider({ isNeverContent = false } = {}) {
  let issued = 0;
  let firstValid = 1;
  const request = vi.fn<TokenRequest>(async () => ({ access_token: `token-${++issued}` }));
  const api = vi.fn<Fetch>(async (_input, init) => {
    const token = /^Bearer token-(\d+)$/.exec(new Headers(init?.headers).get('authorization') ?? '')?.[1];
    const isContent = !isNeverContent && Number(token) >= firstValid;
    return isContent ? new Response('yes') : new Response('no', { status: 401 });
  });
  const cache: TokenCache = tokenCache({ request });
  const revoke = () => {
    firstValid = issued + 1;
  };
  return { request, api, cache, policy: bearer(cache, { origins }), revoke };
}

function tokensSent(api: ReturnType<typeof provider>['api']): (string | undefined)[] {
  return api.mock.calls.map(([, init]) => new Headers(init!.headers).get('authorization')?.slice('Bearer '.length));
}

/** A cancelled body reads as empty and done. */
async function isCancelled(api: ReturnType<typeof provider>['api'], call: number): Promise<boolean> {
  const response: Response = await api.mock.results[call]!.value;
  return (await response.body!.getReader().read()).done;
}

/** A real server that answers with a status, or with a redirect to a location. */
async function listen(answer: (request: IncomingMessage) => number | string): Promise<string> {
  const server = createServer((request, response) => {
    const said = answer(request);
    request.resume();
    if (typeof said === 'string') response.writeHead(307, { location: said }).end();
    else response.writeHead(said).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
