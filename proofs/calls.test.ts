import { adaptiveThrottle } from '@steadfetch/adaptive-throttle';
import { backoff } from '@steadfetch/backoff';
import { circuitBreaker } from '@steadfetch/circuit-breaker';
import { concurrencyLimit } from '@steadfetch/concurrency-limit';
import { idempotencyKey } from '@steadfetch/idempotency-key';
import { requestLog } from '@steadfetch/request-log';
import { timeout } from '@steadfetch/timeout';
import { tokenBucket } from '@steadfetch/token-bucket';
import { tokenCache } from '@steadfetch/token-cache';
import { bearer } from '@steadfetch/token-cache/oauth';
import * as Undici from 'undici';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

type Fetch = typeof globalThis.fetch;
type Policy = (next: Fetch) => Fetch;

const ORIGIN = 'https://api.test';
const tokens = () => tokenCache({ request: async () => ({ access_token: 'token' }) });

/** Every policy, so that of two calls at once the second has to wait, if it is one that makes calls wait. */
const policies: readonly (readonly [string, () => Policy])[] = [
  ['adaptiveThrottle', adaptiveThrottle],
  ['backoff', () => backoff({ random: () => 0 })],
  ['bearer', () => bearer(tokens(), { origins: [ORIGIN] })],
  ['circuitBreaker', circuitBreaker],
  ['concurrencyLimit', () => concurrencyLimit({ max: 1 })],
  ['idempotencyKey', () => idempotencyKey({ key: async () => crypto.randomUUID() })],
  ['requestLog', requestLog],
  ['requestLog.numbered', () => requestLog().numbered],
  ['timeout', timeout],
  ['tokenBucket', () => tokenBucket({ ratePerSecond: 1, burst: 1 })],
];

beforeEach(() => void vi.useFakeTimers().setTimerTickMode('nextTimerAsync'));
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe.each(policies)('%s', (_name, make) => {
  it('sends what fetch(url, request) sends, as where one server hands a request on to another', async () => {
    const request = new Request(`${ORIGIN}/old`, { method: 'POST', headers: { 'x-own': '1' }, body: 'hello' });

    const response = await make()(echo)(`${ORIGIN}/new`, request);

    expect(await response.text()).toBe('POST /new 1 hello');
  });

  it('sends a Request of another library, whose class is another', async () => {
    const request = new Undici.Request(`${ORIGIN}/new`, { method: 'POST', headers: { 'x-own': '1' }, body: 'hello' });

    const response = await make()(foreignEcho)(request as unknown as Request);

    expect(await response.text()).toBe('POST /new 1 hello');
  });

  it('sends each call where it was to go, though its URL is used again at once', async () => {
    const failed = new Set<string>();
    // Where a call is sent again, the URL has changed by then.
    const send = make()(async (input, init) => {
      const answer = await echo(input, init);
      const isFirst = !failed.has(`${init?.body}`);
      failed.add(`${init?.body}`);
      return isFirst ? new Response(answer.body, { status: 503 }) : answer;
    });
    const url = new URL(ORIGIN);
    const answers = ['/first', '/second'].map((path) => {
      url.pathname = path;
      return send(url, { method: 'PUT', body: path });
    });

    const texts = await Promise.all(answers.map(async (answer) => (await answer).text()));
    expect(texts).toEqual(['PUT /first null /first', 'PUT /second null /second']);
  });
});

it('backoff repeats no POST of another library, which looks like a GET if only the class is asked', async () => {
  const next = vi.fn(async () => new Response(null, { status: 503 }));
  const request = new Undici.Request(ORIGIN, { method: 'POST', body: 'hello' }) as unknown as Request;

  expect((await backoff()(next)(request)).status).toBe(503);
  expect(next).toHaveBeenCalledOnce();
});

it('concurrencyLimit hears the signal of a Request of another library', async () => {
  const send = concurrencyLimit({ max: 1 })(() => new Promise(() => {}));
  void send(ORIGIN);
  const caller = new AbortController();
  const waiting = send(new Undici.Request(ORIGIN, { signal: caller.signal }) as unknown as Request);
  caller.abort(new Error('enough'));

  await expect(waiting).rejects.toThrow('enough');
});

describe('a relative URL, on a page whose base is elsewhere', () => {
  beforeEach(() => {
    vi.stubGlobal('location', { href: 'https://page.test/here' });
    vi.stubGlobal('document', { baseURI: `${ORIGIN}/base/` });
  });

  it('counts against the quota of where it goes', async () => {
    const keys: string[] = [];
    const send = adaptiveThrottle({ onEvent: ({ key }) => keys.push(key) })(answering(429));
    await send('items');

    expect(keys).toEqual([ORIGIN]);
  });

  it('counts for the circuit of where it goes', async () => {
    const breaker = circuitBreaker({ minimumCalls: 1 });
    await breaker(answering(500))('items');

    expect(breaker.state(ORIGIN)).toBe('open');
  });

  it('is weighed as what it is', async () => {
    const seen: string[] = [];
    const weight = ({ url }: { url: URL }) => seen.push(url.href);
    await tokenBucket({ ratePerSecond: 1, burst: 1, weight })(answering(200))('items');

    expect(seen).toEqual([`${ORIGIN}/base/items`]);
  });
});

/** Answers with what it was asked. */
const echo: Fetch = (input, init) => said(new Request(input, init));
/** The same, of a library that knows its own requests only. */
const foreignEcho = ((input: Undici.Request, init: Undici.RequestInit) =>
  said(new Undici.Request(input, init))) as unknown as Fetch;

async function said(request: Request | Undici.Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  return new Response(`${request.method} ${pathname} ${request.headers.get('x-own')} ${await request.text()}`);
}

function answering(status: number): Fetch {
  return async () => new Response(null, { status });
}
