import { inspect } from 'node:util';
import { adaptiveThrottle } from '@steadfetch/adaptive-throttle';
import { backoff } from '@steadfetch/backoff';
import { batch } from '@steadfetch/batch';
import { circuitBreaker } from '@steadfetch/circuit-breaker';
import { cursorPagination } from '@steadfetch/cursor-pagination';
import { nextCursor } from '@steadfetch/cursor-pagination/next-cursor';
import { idempotencyKey } from '@steadfetch/idempotency-key';
import { keysetPagination } from '@steadfetch/keyset-pagination';
import { linkPagination } from '@steadfetch/link-pagination';
import { offsetPagination } from '@steadfetch/offset-pagination';
import { requestLog } from '@steadfetch/request-log';
import { timeout } from '@steadfetch/timeout';
import { type TokenCacheOptions, tokenCache } from '@steadfetch/token-cache';
import { bearer, clientCredentials, refreshToken } from '@steadfetch/token-cache/oauth';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

type Fetch = typeof globalThis.fetch;

/** What must not be found anywhere but on the wire; short, since a parser's error quotes ten characters. */
const TOKEN = 'tok-5e1f';
const REFRESH = 'ref-77aa';
const SECRET = 'sec-c0de';
const QUERY = 'qry-9b2d';

const API = 'https://api.test';
const ITEMS = `${API}/items?cursor=${QUERY}`;
const TOKENS = 'https://auth.test/token';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setTimerTickMode('nextTimerAsync');
});
afterEach(() => void vi.useRealTimers());

/** A way to fail: all errors, events and records are shown to `watch`, as are the policies afterwards. */
type Path = (watch: <Value>(value: Value) => Value) => unknown;

const answers = (status: number, body?: unknown, headers?: Record<string, string>) => (): Response =>
  new Response(typeof body === 'string' ? body : JSON.stringify(body ?? null), { status, ...(headers && { headers }) });
const offline = (): never => {
  throw new TypeError('fetch failed', {
    cause: Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
  });
};
const granted = answers(200, { access_token: TOKEN, refresh_token: REFRESH, expires_in: 3_600 });

/** All that was sent. */
const wire: string[] = [];

/** Answers in turn, the last one again and again; `null` never answers. */
function scripted(...script: ((() => Response) | null)[]): Fetch {
  let sent = 0;
  return async (input, init) => {
    wire.push(`${input} ${[...new Headers(init?.headers).values()]} ${init?.body}`);
    const answer = script[Math.min(sent++, script.length - 1)];
    if (answer) return answer();
    return new Promise((_resolve, reject) => {
      init?.signal?.addEventListener('abort', () => reject(init.signal!.reason));
    });
  };
}

const REFUSALS: Readonly<Record<string, (() => Response) | null>> = {
  'a refusal that quotes the secret': answers(400, {
    error: 'invalid_client',
    error_description: `${SECRET} is wrong`,
  }),
  'a refusal whose code is the secret': answers(400, { error: SECRET, [SECRET]: SECRET }),
  'a 401 that is no JSON': answers(401, `<p>${SECRET}`),
  'a 500': answers(500, { request: { client_secret: SECRET } }),
  'a redirect': answers(302, '', { location: `https://elsewhere.test/?secret=${SECRET}` }),
  'no token': answers(200, { refresh_token: REFRESH }),
  'a token that is no header': answers(200, { access_token: `${TOKEN}\n`, refresh_token: REFRESH }),
  'broken JSON with a token': answers(200, `${TOKEN} {"access_token":"${TOKEN}"`),
  'no network': offline,
  'no answer': null,
};

function cacheOf(watch: (value: unknown) => unknown, endpoint: Fetch, options: Partial<TokenCacheOptions> = {}) {
  const credentials = { tokenUrl: TOKENS, clientId: 'id', clientSecret: SECRET, timeoutMs: 50 };
  const request = clientCredentials({ ...credentials, fetch: endpoint });
  return tokenCache({ request, onEvent: watch, ...options });
}

function authorized(watch: (value: unknown) => unknown, api: Fetch, cache = cacheOf(watch, scripted(granted))): Fetch {
  const policy = bearer(cache, { origins: [API] });
  watch(cache);
  watch(policy);
  return policy(api);
}

const PATHS: Record<string, Path> = {};

for (const [what, answer] of Object.entries(REFUSALS)) {
  PATHS[`token-cache: ${what} at the token endpoint`] = async (watch) => {
    const fetch = authorized(watch, scripted(answers(200)), cacheOf(watch, scripted(answer)));
    await Promise.all([fetch(ITEMS).catch(watch), fetch(ITEMS).catch(watch)]);
    await fetch(ITEMS).catch(watch);
  };
  PATHS[`token-cache: ${what} for a refresh token, then for the first grant`] = async (watch) => {
    const endpoint = scripted(granted, answers(400, { error: 'invalid_grant', error_description: REFRESH }), answer);
    const request = refreshToken({
      ...{ tokenUrl: TOKENS, clientId: 'id', clientSecret: SECRET, authentication: 'post', timeoutMs: 50 },
      ...{ fetch: endpoint, first: REFRESH },
    });
    const cache = tokenCache({ request, onEvent: watch });
    const fetch = authorized(watch, scripted(answers(200)), cache);
    await fetch(ITEMS);
    vi.advanceTimersByTime(3_600_000);
    await fetch(ITEMS).catch(watch);
  };
}

Object.assign(PATHS, {
  'token-cache: a 401, and another': async (watch) => {
    const fetch = authorized(watch, scripted(answers(200), answers(401, TOKEN)));
    for (let call = 0; call < 3; call += 1) await fetch(ITEMS);
  },
  'token-cache: hooks that fail and quote the token': async (watch) => {
    const fail = () => Promise.reject(Object.assign(new Error(TOKEN), { token: TOKEN }));
    const cache = cacheOf(watch, scripted(granted), { load: fail, save: fail, lock: fail });
    await authorized(watch, scripted(answers(200)), cache)(ITEMS);
    watch(await cache.get().then(({ isFresh }) => isFresh));
  },
  'backoff: failures until none is left': async (watch) => {
    const policy = watch(backoff({ onEvent: watch }));
    await policy(authorized(watch, scripted(offline)))(ITEMS).catch(watch);
    await policy(authorized(watch, scripted(answers(503, QUERY))))(ITEMS);
  },
  'backoff: a wait too long, and a budget that is spent': async (watch) => {
    await backoff({ onEvent: watch })(authorized(watch, scripted(answers(429, '', { 'retry-after': '999' }))))(ITEMS);
    await backoff({ onEvent: watch, budget: { floor: 0 } })(authorized(watch, scripted(offline)))(ITEMS).catch(watch);
  },
  'timeout: no answer': async (watch) => {
    const policy = watch(timeout({ afterMs: 50 }));
    await policy(authorized(watch, scripted(null)))(ITEMS).catch(watch);
  },
  'circuit-breaker: an open circuit': async (watch) => {
    const breaker = watch(circuitBreaker({ minimumCalls: 1, onEvent: watch }));
    const fetch = breaker(authorized(watch, scripted(offline)));
    for (let call = 0; call < 3; call += 1) await fetch(ITEMS).catch(watch);
    watch(breaker.save());
  },
  'adaptive-throttle: a 429, and a quota that is spent for long': async (watch) => {
    const policy = watch(adaptiveThrottle({ onEvent: watch, maxWaitMs: 10_000 }));
    const limits = { 'x-ratelimit-limit': '10', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '86400' };
    const api = scripted(answers(429, QUERY, { 'retry-after': '1' }), answers(200, QUERY, limits));
    const fetch = policy(authorized(watch, api));
    for (let call = 0; call < 4; call += 1) await fetch(ITEMS).catch(watch);
  },
  'idempotency-key: no key, and a key of another request': async (watch) => {
    let key = `${TOKEN}é`;
    const policy = watch(idempotencyKey({ key: () => key }));
    const fetch = policy(authorized(watch, scripted(answers(200))));
    await fetch(ITEMS, { method: 'POST', body: 'one' }).catch(watch);
    key = TOKEN;
    await fetch(ITEMS, { method: 'POST', body: SECRET });
    await fetch(ITEMS, { method: 'POST', body: `${SECRET} again` }).catch(watch);
  },
  'request-log: records of answers and of failures': async (watch) => {
    const log = watch(requestLog({ sink: watch }));
    const api = scripted(answers(500, QUERY, { 'x-request': TOKEN }), offline, null);
    const stack = watch(log.numbered(backoff({ attempts: 2 })(authorized(watch, timeout({ afterMs: 50 })(log(api))))));
    for (let call = 0; call < 3; call += 1) await stack(ITEMS).catch(watch);
    watch(log.figures());
  },
  'a fetch further in whose error quotes the request': async (watch) => {
    const quoting: Fetch = () => Promise.reject(Object.assign(new TypeError(`${ITEMS} ${TOKEN}`), { TOKEN }));
    const log = requestLog({ sink: watch });
    const breaker = circuitBreaker({ minimumCalls: 1, onEvent: watch });
    const throttled = adaptiveThrottle({ onEvent: watch })(authorized(watch, breaker(log(quoting))));
    // The error itself is not the patterns' own.
    await backoff({ onEvent: watch })(throttled)(ITEMS).catch(() => {});
    watch(breaker.save());
  },
  'a URL with credentials': async (watch) => {
    const log = requestLog({ sink: watch });
    const breaker = circuitBreaker({ minimumCalls: 1, onEvent: watch });
    const throttled = adaptiveThrottle({ onEvent: watch })(breaker(log(scripted(answers(503)))));
    await backoff({ onEvent: watch })(throttled)(`https://id:${SECRET}@api.test/items`).catch(watch);
  },
  'the whole stack, until all of it has failed': async (watch) => {
    const log = requestLog({ sink: watch });
    const api = scripted(answers(401), answers(429, '', { 'retry-after': '1' }), offline, null, answers(503, QUERY));
    const breaker = circuitBreaker({ minimumCalls: 3, onEvent: watch });
    const throttle = adaptiveThrottle({ onEvent: watch });
    const inner = throttle(authorized(watch, breaker(timeout({ afterMs: 50 })(log(api)))));
    const stack = watch(idempotencyKey()(log.numbered(backoff({ onEvent: watch })(inner))));
    for (let call = 0; call < 8; call += 1) await stack(ITEMS, { method: 'POST', body: SECRET }).catch(watch);
    watch(breaker.save());
  },
  'what cannot be an option': (watch) => {
    const credentials = { tokenUrl: TOKENS, clientId: 'id', clientSecret: SECRET };
    const cache = cacheOf(watch, scripted(granted));
    const wrong: (() => unknown)[] = [
      () => clientCredentials({ ...credentials, tokenUrl: SECRET }),
      () => clientCredentials({ ...credentials, clientSecret: [SECRET] as never }),
      () => clientCredentials({ ...credentials, clientId: { SECRET } as never }),
      () => clientCredentials({ ...credentials, authentication: SECRET as never }),
      () => refreshToken({ ...credentials, first: { REFRESH } as never }),
      () => tokenCache({ request: TOKEN as never }),
      () => bearer(cache, { origins: [`https://${SECRET}@api.test`] }),
      () => bearer(cache, { origins: [`${API}/?token=${TOKEN}`] }),
      () => requestLog({ sink: TOKEN as never }),
      () => idempotencyKey({ key: TOKEN as never }),
      () => cursorPagination(`ftp://api.test/?token=${TOKEN}`, { next: nextCursor.slack }),
      () => cursorPagination(`/items?cursor=${QUERY}`, { next: nextCursor.slack }),
      () => keysetPagination(`/items?cursor=${QUERY}`, { params: { after: 'after_id' } }),
      () => linkPagination(`/items?cursor=${QUERY}`),
      () => offsetPagination(`/items?cursor=${QUERY}`),
    ];
    for (const make of wrong) {
      try {
        make();
        throw new Error(`${make} was taken`);
      } catch (error) {
        watch(error);
      }
    }
  },
} satisfies Record<string, Path>);

/** Every paginator, on its first page or on a later one, over a fetch that needs a token. */
const PAGINATORS: Record<string, (fetch: Fetch, resume?: never) => AsyncGenerator<{ resume: unknown }>> = {
  'cursor-pagination': (fetch) => cursorPagination(ITEMS, { fetch, next: (body) => ({ cursor: body.next }) }),
  'cursor-pagination with a URL': (fetch) => cursorPagination(ITEMS, { fetch, next: (body) => body.nextUrl }),
  'keyset-pagination': (fetch) => keysetPagination(ITEMS, { fetch, params: { after: 'after' }, limit: 1 }),
  'keyset-pagination by time': (fetch) =>
    keysetPagination(ITEMS, { fetch, params: { from: 'from' }, time: () => 0, limit: 1 }),
  'link-pagination': (fetch) => linkPagination(ITEMS, { fetch }),
  'offset-pagination': (fetch) => offsetPagination(ITEMS, { fetch }),
};

const page = (next: string, nextUrl: string, id = next) =>
  answers(200, { items: [{ id }], next, nextUrl }, { link: `<${nextUrl}>; rel="next"` });
const first = page('next', `${API}/items?cursor=${QUERY}-2`);

const BAD_PAGES: Record<string, (() => Response) | null> = {
  'a 500': answers(500, `${QUERY} ${TOKEN}`),
  'an expired cursor': answers(410, { error: QUERY }),
  'a page that is no JSON': answers(200, `${QUERY} ${TOKEN}`),
  'a page without items': answers(200, { [QUERY]: TOKEN }),
  'a next page on another origin': page('x', `https://elsewhere.test/?cursor=${QUERY}`),
  'a next page that is no URL': page('x', `https://${QUERY}:x/`),
  'a redirect to another origin': answers(302, '', { location: `https://elsewhere.test/?cursor=${QUERY}` }),
  'a redirect to no URL': answers(302, '', { location: `https://${QUERY}:x/` }),
  'the same page again': first,
  'no network': offline,
  'no answer': null,
  'a token that is refused': answers(401, TOKEN),
};

for (const [name, read] of Object.entries(PAGINATORS)) {
  for (const [what, answer] of Object.entries(BAD_PAGES)) {
    PATHS[`${name}: ${what}, first or second`] = async (watch) => {
      for (const script of [[answer], [first, answer]]) {
        const api = timeout({ afterMs: 50 })(authorized(watch, scripted(...script)));
        const pages = read(api);
        let had = 0;
        try {
          while (had < 5 && !(await pages.next()).done) had += 1;
        } catch (error) {
          watch(error);
        }
        expect(had).toBeGreaterThanOrEqual(script.length - 1);
        await pages.return(undefined);
      }
    };
  }
}

for (const [what, answer] of Object.entries(BAD_PAGES)) {
  PATHS[`batch: ${what}`] = async (watch) => {
    const api = timeout({ afterMs: 50 })(authorized(watch, scripted(answer)));
    for await (const outcome of batch(ITEMS, [{ id: 1 }], { fetch: api })) {
      if (outcome.status !== 'done') watch(outcome.error);
    }
  };
}

const seenBefore = new Map<string, readonly unknown[]>();

/** All that can be seen from outside in this path, which is run the first time that anybody asks. */
async function seenIn(what: string): Promise<readonly unknown[]> {
  const seen: unknown[] = [];
  if (!seenBefore.has(what)) {
    await PATHS[what]!((value) => {
      seen.push(value);
      return value;
    });
    seenBefore.set(what, seen);
  }
  return seenBefore.get(what)!;
}

it.each(Object.keys(PATHS))('keeps what is secret to itself: %s', async (what) => {
  const seen = await seenIn(what);

  expect(seen).not.toEqual([]);
  expect(seen.flatMap(leaksIn)).toEqual([]);
});

it('fails in every path, so that there is something to search, and has every mark on the wire', async () => {
  const silent: string[] = [];
  for (const what of Object.keys(PATHS)) {
    if (!(await seenIn(what)).map(Object).some(tellsOfFailure)) silent.push(what);
  }

  expect(silent).toEqual([]);
  for (const mark of [TOKEN, REFRESH, SECRET, btoa(`id:${SECRET}`), QUERY]) expect(wire.join()).toContain(mark);
});

it.each<[string, unknown]>([
  ['a message', new Error(`refused ${TOKEN}`)],
  ['a cause', new Error('refused', { cause: new Error('inner', { cause: { deep: [SECRET] } }) })],
  ['a hidden field', Object.defineProperty(new Error('refused'), 'response', { value: { url: ITEMS } })],
  ['a field behind a symbol', { [Symbol('state')]: new Map([[1, { refresh: REFRESH }]]) }],
  ['a name of a field', { [TOKEN]: true }],
  ['a function', Object.assign(() => {}, { cache: new Set([TOKEN]) })],
  ['what it becomes as JSON', { toJSON: () => ({ token: TOKEN }) }],
  ['an encoding', { basic: btoa(`id:${SECRET}`) }],
  ['a token in what leads back to a page', pageError({ step: { cursor: TOKEN } })],
])('sees a secret in %s', (_where, value) => {
  expect(leaksIn(value)).not.toEqual([]);
});

it('lets a query stand only where it leads back to a page', () => {
  expect(leaksIn(pageError({ step: `${API}/items?cursor=${QUERY}` }))).toEqual([]);
  expect(leaksIn(pageError(undefined, QUERY))).toEqual([QUERY]);
});

/** An error, an event that tells of one, or the record of an attempt that failed. */
function tellsOfFailure(value: object): boolean {
  if (value instanceof Error) return true;
  if ('durationMs' in value && 'status' in value) return value.status !== 200;
  return 'type' in value && value.type !== 'token-received';
}

function pageError(resume: unknown, message = 'Page 2 was not had'): Error {
  return Object.assign(new Error(message), { name: 'PageError', resume });
}

/** The marks that can be read off a value, by whatever means a logger or a person has. */
function leaksIn(value: unknown): string[] {
  const everything = facesOf(value);
  // By contract `resume` leads back to a page, and may hold its query.
  const butResume = value instanceof Error && 'resume' in value ? facesOf(without(value, 'resume')) : everything;
  const encoded = [SECRET, `id:${SECRET}`].map(btoa);
  return [
    ...[TOKEN, REFRESH, SECRET, ...encoded].filter((mark) => everything.includes(mark)),
    ...(butResume.includes(QUERY) ? [QUERY] : []),
  ];
}

function facesOf(value: unknown): string {
  const shown = inspect(value, {
    depth: null,
    showHidden: true,
    maxStringLength: null,
    maxArrayLength: null,
    getters: true,
  });
  const chain: unknown[] = [];
  for (let link = value; link instanceof Error && chain.length < 10; link = link.cause) {
    chain.push(
      link.message,
      link.stack,
      ...Reflect.ownKeys(link).map((key) => inspect(Reflect.get(link as object, key), { depth: null })),
    );
  }
  return [shown, String(value), JSON.stringify(value), ...chain].join('\n');
}

function without(error: Error, field: string): Error {
  const { [field]: _left, ...fields } = Object.getOwnPropertyDescriptors(error);
  return Object.create(Object.getPrototypeOf(error), fields);
}
