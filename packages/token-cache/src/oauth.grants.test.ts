import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  clientCredentials,
  type Fetch,
  type RefreshTokenOptions,
  refreshToken,
  type TokenEndpointOptions,
  TokenRequestError,
} from './oauth.ts';
import { tokenCache } from './token-cache.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('client credentials', () => {
  it('sends the grant with the secret in the header by default', async () => {
    const endpoint = answering({ access_token: 'issued' });

    await clientCredentials({ ...CLIENT, scope: 'read write', fetch: endpoint })(CONTEXT);

    const { url, headers, form } = await sentTo(endpoint);
    expect(url).toBe('https://auth.test/token');
    expect(form).toEqual({ grant_type: 'client_credentials', scope: 'read write' });
    expect(headers.get('authorization')).toBe(`Basic ${btoa('me:secret')}`);
    expect(headers.get('accept')).toBe('application/json');
    expect(headers.get('content-type')).toMatch('application/x-www-form-urlencoded');
  });

  it('form-encodes id and secret before base64, as RFC 6749 2.3.1 says', async () => {
    const endpoint = answering({ access_token: 'issued' });

    await clientCredentials({ ...CLIENT, clientId: 'a:b c', clientSecret: 'p%ä+/', fetch: endpoint })(CONTEXT);

    const { headers } = await sentTo(endpoint);
    expect(atob(headers.get('authorization')!.slice(6))).toBe('a%3Ab+c:p%25%C3%A4%2B%2F');
  });

  it('sends the secret in the form when told to', async () => {
    const endpoint = answering({ access_token: 'issued' });

    await clientCredentials({ ...CLIENT, authentication: 'post', fetch: endpoint })(CONTEXT);

    const { headers, form } = await sentTo(endpoint);
    expect(headers.has('authorization')).toBe(false);
    expect(form).toEqual({ grant_type: 'client_credentials', client_id: 'me', client_secret: 'secret' });
  });

  it('adds further parameters, which cannot replace the grant', async () => {
    const endpoint = answering({ access_token: 'issued' });

    await clientCredentials({ ...CLIENT, parameters: { audience: 'api', grant_type: 'x' }, fetch: endpoint })(CONTEXT);

    expect((await sentTo(endpoint)).form).toEqual({ grant_type: 'client_credentials', audience: 'api' });
  });

  it('calls fetch as a bare function, whether given or global', async () => {
    const receivers: unknown[] = [];
    const endpoint: Fetch = async function (this: unknown) {
      receivers.push(this);
      return Response.json({ access_token: 'issued' });
    };
    vi.stubGlobal('fetch', endpoint);

    await clientCredentials({ ...CLIENT, fetch: endpoint })(CONTEXT);
    await clientCredentials(CLIENT)(CONTEXT);

    expect(receivers).toEqual([undefined, undefined]);
  });
});

describe('an endpoint that gives no token', () => {
  it.each([
    [400, { error: 'invalid_scope', error_description: 'SECRET is not yours' }, 'invalid_scope'],
    [401, { error: 'invalid_client' }, 'invalid_client'],
    [401, 'Unauthorized: SECRET', 'invalid_client'],
    [403, { error: 'invalid_grant' }, 'invalid_grant'],
    [503, '<html>', undefined],
    [400, { error: { message: 'SECRET' } }, undefined],
    [200, { error: 'bad_verification_code' }, 'bad_verification_code'],
    [200, { ok: false, error: 'invalid_auth' }, 'invalid_auth'],
    [200, '{"access_token":"SECRET', undefined],
    [200, { access_token: 7 }, undefined],
    [500, { access_token: 'SECRET' }, undefined],
    [200, 'null', undefined],
    [307, '', undefined],
    [200, { access_token: 'SECRET', token_type: 'DPoP' }, 'invalid_token_type'],
    [200, { access_token: 'SECRET', token_type: 'pop' }, 'invalid_token_type'],
  ])('is a TokenRequestError for %i %j', async (status, body, code) => {
    const request = clientCredentials({ ...CLIENT, fetch: answering(body, status) });

    const error: unknown = await request(CONTEXT).catch((error) => error);

    expect(error).toBeInstanceOf(TokenRequestError);
    expect(error).toMatchObject({ name: 'TokenRequestError', status, code });
    expect(inspect(error, { showHidden: true, depth: Infinity })).not.toMatch(/SECRET|secret/);
  });

  it('is not followed elsewhere, where a 307 would take the secret', async () => {
    const endpoint = answering('', 307);

    await clientCredentials({ ...CLIENT, fetch: endpoint })(CONTEXT).catch(() => {});

    expect(endpoint.mock.calls[0]![1]).toMatchObject({ redirect: 'manual' });
  });

  it('passes a network failure as it was', async () => {
    const failure = new TypeError('fetch failed');
    const request = clientCredentials({ ...CLIENT, fetch: async () => Promise.reject(failure) });

    await expect(request(CONTEXT)).rejects.toBe(failure);
  });

  it.each(['headers', 'body'])('is given up when its %s are late, leaving no timer', async (what) => {
    const late: Fetch = (_input, init) =>
      what === 'headers'
        ? aborted(init)
        : Promise.resolve({ ok: true, text: () => aborted(init) } as unknown as Response);
    const rejected = expect(
      clientCredentials({ ...CLIENT, timeoutMs: 500, fetch: late })(CONTEXT),
    ).rejects.toMatchObject({ name: 'TimeoutError' });

    await vi.advanceTimersByTimeAsync(500);

    await rejected;
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each(['headers', 'body'])(
    'is given up in time where fetch ignores its signal and its %s never come',
    async (what) => {
      const never = new Promise<never>(() => {});
      const deaf = (async () => (what === 'headers' ? never : { ok: true, text: () => never })) as unknown as Fetch;
      const rejected = expect(
        clientCredentials({ ...CLIENT, timeoutMs: 500, fetch: deaf })(CONTEXT),
      ).rejects.toMatchObject({ name: 'TimeoutError' });

      await vi.advanceTimersByTimeAsync(500);

      await rejected;
    },
  );

  it.each(['bearer', 'Bearer', 'bot', undefined])('is none that calls its token %s', async (token_type) => {
    const answer = { access_token: 'issued', token_type };

    expect(await clientCredentials({ ...CLIENT, fetch: answering(answer) })(CONTEXT)).toEqual(answer);
  });

  it('leaves no timer behind when it answers', async () => {
    await clientCredentials({ ...CLIENT, fetch: answering({ access_token: 'issued' }) })(CONTEXT);

    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('refresh token', () => {
  it('begins with the first one and goes on with each that replaces it', async () => {
    const endpoint = rotating();
    const cache = cacheOf({ first: 'refresh-0', fetch: endpoint });

    for (let round = 0; round < 3; round += 1) cache.reject({ ...(await cache.get()), isFresh: false });

    expect(await redeemed(endpoint)).toEqual(['refresh-0', 'refresh-1', 'refresh-2']);
  });

  it.each([{}, { refresh_token: '' }, { refresh_token: null }])(
    'keeps the one in use when the answer holds %j',
    async (answer) => {
      const endpoint = vi.fn<Fetch>(async () => Response.json({ access_token: crypto.randomUUID(), ...answer }));
      const cache = cacheOf({ first: async () => ({ access_token: 'first', refresh_token: 'kept' }), fetch: endpoint });

      for (let round = 0; round < 3; round += 1) cache.reject({ ...(await cache.get()), isFresh: false });
      await cache.get();

      expect(await redeemed(endpoint)).toEqual(['kept', 'kept', 'kept']);
    },
  );

  it.each([
    ['invalid_grant', 400],
    ['bad_refresh_token', 200], // GitHub
    ['invalid_refresh_token', 200], // Slack
  ])('falls back to the first grant on %s, in the same call', async (error, status) => {
    const first = vi.fn(async () => ({ access_token: 'first', refresh_token: 'spent' }));
    const cache = cacheOf({ first, fetch: answering({ error }, status) });
    cache.reject({ ...(await cache.get({ key: 'a' })), isFresh: false }, 'a');

    expect(await cache.get({ key: 'a' })).toMatchObject({ value: 'first' });

    expect(first.mock.calls).toEqual([[{ key: 'a' }], [{ key: 'a' }]]);
  });

  it('falls back from a refused replacement to the first refresh token', async () => {
    const endpoint = rotating(['refresh-0']);
    const cache = cacheOf({ first: 'refresh-0', fetch: endpoint });
    cache.reject({ ...(await cache.get()), isFresh: false });

    await cache.get();

    expect(await redeemed(endpoint)).toEqual(['refresh-0', 'refresh-1', 'refresh-0']);
  });

  it('does not send a refresh token twice that was refused once', async () => {
    const endpoint = vi.fn<Fetch>(async () => Response.json({ error: 'invalid_grant' }, { status: 400 }));
    endpoint.mockResolvedValueOnce(Response.json({ access_token: 'issued' }));
    const cache = cacheOf({ first: 'for all', fetch: endpoint });
    cache.reject({ ...(await cache.get()), isFresh: false });

    await expect(cache.get()).rejects.toMatchObject({ code: 'invalid_grant' });

    expect(await redeemed(endpoint)).toEqual(['for all', 'for all']);
  });

  it('does not ask again while a refusal is held', async () => {
    const endpoint = answering({ error: 'invalid_grant' }, 400);
    const cache = cacheOf({ first: 'revoked', fetch: endpoint });

    await expect(cache.get()).rejects.toMatchObject({ code: 'invalid_grant' });
    await expect(cache.get()).rejects.toMatchObject({ code: 'invalid_grant' });

    expect(endpoint).toHaveBeenCalledTimes(1);
  });

  it.each([503, 429])('keeps its refresh token through a %i', async (status) => {
    const endpoint = rotating();
    const cache = cacheOf({ first: 'refresh-0', fetch: endpoint });
    cache.reject({ ...(await cache.get()), isFresh: false });
    endpoint.mockResolvedValueOnce(new Response(null, { status }));

    await expect(cache.get()).rejects.toMatchObject({ status });
    await cache.get();

    expect(await redeemed(endpoint)).toEqual(['refresh-0', 'refresh-1', 'refresh-1']);
  });

  it('sends a public client’s id in the form', async () => {
    const endpoint = answering({ access_token: 'issued' });

    await refreshToken({ tokenUrl: CLIENT.tokenUrl, clientId: 'me', first: 'r', fetch: endpoint })(CONTEXT);

    const { headers, form } = await sentTo(endpoint);
    expect(headers.has('authorization')).toBe(false);
    expect(form).toEqual({ grant_type: 'refresh_token', refresh_token: 'r', client_id: 'me' });
  });
});

describe('misuse', () => {
  it.each([
    ['tokenUrl', '/token'],
    ['tokenUrl', undefined],
    ['tokenUrl', 'ftp://auth.test/token'],
    ['tokenUrl', 'https://me:hunter2@auth.test/token'],
    ['tokenUrl', 'https://hunter2@auth.test/token'],
    ['tokenUrl', 'https://:hunter2@auth.test/token'],
    ['scope', ['read', 'write']],
    ['parameters', 'audience=api'],
    ['parameters', null],
    ['fetch', 'fetch'],
    ['clientId', ''],
    ['clientId', undefined],
    ['clientSecret', ''],
    ['clientSecret', undefined],
    ['authentication', 'header'],
    ['timeoutMs', 0],
    ['timeoutMs', 2 ** 31],
    ['timeoutMs', NaN],
  ])('refuses %s %j at once, and does not quote what may be a secret', (option, value) => {
    const make = () => clientCredentials({ ...CLIENT, [option]: value } as typeof CLIENT);

    expect(make).toThrow(typeof value === 'number' ? RangeError : TypeError);
    const got = typeof value === 'number' ? value : typeof value;
    expect(make).toThrow(new RegExp(`^clientCredentials: ${option} must be .*, got ${got}$`));
  });

  it.each([undefined, '', 7])('refuses to begin with %j', (first) => {
    expect(() => refreshToken({ ...CLIENT, first: first as unknown as string })).toThrow('refreshToken: first must be');
  });
});

it('shows neither secret nor refresh token when inspected', () => {
  const requests = [clientCredentials(CLIENT), refreshToken({ ...CLIENT, first: 'secret-too' })];
  const caches = requests.map((request) => tokenCache({ request }));

  const shown = inspect([requests, caches], { showHidden: true, depth: Infinity }) + JSON.stringify(caches);

  expect(shown).not.toContain('secret');
});

const CONTEXT = { key: 'default' };

const CLIENT: TokenEndpointOptions & { clientSecret: string } = {
  tokenUrl: 'https://auth.test/token',
  clientId: 'me',
  clientSecret: 'secret',
};

function cacheOf(options: Pick<RefreshTokenOptions, 'first' | 'fetch'>) {
  return tokenCache({ request: refreshToken({ ...CLIENT, ...options }) });
}

function answering(body: unknown, status = 200) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return vi.fn<Fetch>(async () => new Response(text, { status }));
}

/** Takes each refresh token once, unless it is listed as good for ever, and hands out the next. */
function rotating(goodForEver?: string[]) {
  let round = 0;
  return vi.fn<Fetch>(async (input, init) => {
    const token = (await new Request(input, init).formData()).get('refresh_token');
    const isGood = goodForEver ? goodForEver.includes(`${token}`) : token === `refresh-${round}`;
    if (!isGood) return Response.json({ error: 'invalid_grant' }, { status: 400 });
    round += 1;
    return Response.json({ access_token: `token-${round}`, refresh_token: `refresh-${round}` });
  });
}

async function sentTo(endpoint: ReturnType<typeof answering>) {
  const request = new Request(...endpoint.mock.calls[0]!);
  const form = Object.fromEntries(new URLSearchParams(await request.text()));
  return { url: request.url, headers: request.headers, form };
}

function redeemed(endpoint: ReturnType<typeof rotating>): Promise<unknown[]> {
  return Promise.all(
    endpoint.mock.calls.map(async (call) => new URLSearchParams(`${call[1]!.body}`).get('refresh_token')),
  );
}

function aborted(init: RequestInit | undefined): Promise<never> {
  return new Promise((_answer, reject) => {
    init!.signal!.addEventListener('abort', () => reject(init!.signal!.reason));
  });
}
