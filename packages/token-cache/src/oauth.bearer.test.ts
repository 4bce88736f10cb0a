import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { bearer, type Fetch, type TokenRequest } from './oauth.ts';
import { type TokenCache, tokenCache } from './token-cache.ts';

afterEach(() => void vi.useRealTimers());

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
    const elsewhere = await listen((authorization) => {
      heard.push(authorization);
      return undefined;
    });
    const trusted = await listen(() => `${elsewhere.origin}/stolen`);
    const { cache } = provider();

    await bearer(cache, { origins: [trusted.origin] })(fetch)(`${trusted.origin}/a`);

    expect(heard).toEqual([undefined]);
    elsewhere.server.close();
    trusted.server.close();
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

  it('has a Request cloned only while it may be sent again', async () => {
    const { policy, cache, api } = provider();
    const post = () => new Request('https://api.test/', { method: 'POST', body: 'b' });
    const clones: number[] = [];

    for (const [request, init] of [
      [post(), undefined], // its token will be fresh
      [post(), undefined],
      [post(), { body: 'other' }],
      [new Request('https://api.test/'), undefined],
    ] as const) {
      const clone = vi.spyOn(request, 'clone');
      await policy(api)(request, init);
      clones.push(clone.mock.calls.length);
      expect(api.mock.lastCall![0]).toBe(request);
    }

    expect(clones).toEqual([0, 1, 0, 0]);
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

/** A real server that tells what it hears and may answer with a redirect. */
async function listen(
  hear: (authorization: string | undefined) => string | undefined,
): Promise<{ server: Server; origin: string }> {
  const server = createServer(({ headers }, response) => {
    const location = hear(headers.authorization);
    response.writeHead(location ? 307 : 200, location ? { location } : {}).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
