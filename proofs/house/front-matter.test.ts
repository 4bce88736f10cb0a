import { adaptiveThrottle } from '@steadfetch/adaptive-throttle';
import { backoff } from '@steadfetch/backoff';
import { batch } from '@steadfetch/batch';
import { circuitBreaker } from '@steadfetch/circuit-breaker';
import { concurrencyLimit } from '@steadfetch/concurrency-limit';
import { cursorPagination } from '@steadfetch/cursor-pagination';
import { idempotencyKey } from '@steadfetch/idempotency-key';
import { keysetPagination } from '@steadfetch/keyset-pagination';
import { linkPagination } from '@steadfetch/link-pagination';
import { offsetPagination } from '@steadfetch/offset-pagination';
import { requestLog } from '@steadfetch/request-log';
import { resumableSync } from '@steadfetch/resumable-sync';
import { timeout } from '@steadfetch/timeout';
import { tokenBucket } from '@steadfetch/token-bucket';
import { tokenCache } from '@steadfetch/token-cache';
import { bearer, clientCredentials } from '@steadfetch/token-cache/oauth';
import ts from 'typescript';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readReadme } from '../../catalog/generate/front-matter.ts';
import { declarationsOf, patternFiles, patternNames } from './patterns.ts';

type Fetch = typeof globalThis.fetch;

const API = 'https://api.test/items';
const TOKENS = 'https://auth.test/token';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setTimerTickMode('nextTimerAsync');
});
afterEach(() => void vi.useRealTimers());

/** One request by each pattern, with no more options than it must have. */
const clients: Record<string, (fetch: Fetch) => () => Promise<unknown>> = {
  'adaptive-throttle': (fetch) => requesting(adaptiveThrottle()(fetch)),
  backoff: (fetch) => requesting(backoff()(fetch)),
  batch: (fetch) => () => batch(API, [{}], { fetch }).next(),
  'circuit-breaker': (fetch) => requesting(circuitBreaker()(fetch)),
  'concurrency-limit': (fetch) => requesting(concurrencyLimit({ max: 10 })(fetch)),
  'cursor-pagination': (fetch) => () => cursorPagination(API, { fetch, next: () => null }).next(),
  'idempotency-key': (fetch) => requesting(idempotencyKey()(fetch)),
  'keyset-pagination': (fetch) => () => keysetPagination(API, { fetch, params: { after: 'after_id' } }).next(),
  'link-pagination': (fetch) => () => linkPagination(API, { fetch }).next(),
  'offset-pagination': (fetch) => () => offsetPagination(API, { fetch }).next(),
  'request-log': (fetch) => requesting(requestLog()(fetch)),
  'resumable-sync': (fetch) => () => {
    const sink = { load: () => undefined, commit: () => undefined };
    return resumableSync(() => linkPagination(API, { fetch }), sink, { source: 'items' });
  },
  timeout: (fetch) => requesting(timeout()(fetch)),
  'token-bucket': (fetch) => requesting(tokenBucket({ ratePerSecond: 10 })(fetch)),
  'token-cache': (fetch) => {
    const credentials = clientCredentials({ tokenUrl: TOKENS, clientId: 'id', clientSecret: 'secret', fetch });
    return requesting(bearer(tokenCache({ request: credentials }), { origins: ['https://api.test'] })(fetch));
  },
};

describe.each(patternNames)('the front matter of %s equals what the code does', (name) => {
  const { retry, timeouts, observability } = readReadme(name).frontMatter.pattern;

  it('in the statuses it retries, and how often', async () => {
    const attempts = new Map<number, number>();
    for (let status = 400; status < 600; status += 1) attempts.set(status, await attemptsAfter(name, status));

    expect([...attempts.keys()].filter((status) => attempts.get(status)! > 1)).toEqual(retry.statuses);
    expect(Math.max(...attempts.values())).toBe(retry.maxAttempts);
  });

  it('in how long it waits for an answer', async () => {
    const startedAtMs = performance.now();
    const givenUp = clients[name]!(silent)().catch(() => performance.now() - startedAtMs);
    const never = new Promise((resolve) => setTimeout(resolve, 86_400_000, null));

    expect(await Promise.race([givenUp, never])).toBe(timeouts.attemptMs ?? timeouts.totalMs);
  });

  it('in whether it takes an observer', () => {
    const { source } = patternFiles.find(({ pattern, isPattern }) => pattern === name && isPattern)!;
    const observers = declarationsOf(source)
      .flatMap(({ node, isExported }) => (isExported && ts.isInterfaceDeclaration(node) ? [...node.members] : []))
      .map((member) => member.name?.getText())
      .filter((member) => member === 'onEvent' || member === 'sink');

    expect(observability).toEqual([...new Set(observers)]);
  });
});

/** How often a request is sent that is answered so, once another one has succeeded. */
async function attemptsAfter(name: string, status: number): Promise<number> {
  const answer = vi.fn<() => Response>(() => Response.json([]));
  const request = clients[name]!(async (input) =>
    String(input) === TOKENS ? Response.json({ access_token: 'token', expires_in: 3_600 }) : answer(),
  );
  await request();
  answer.mockClear().mockImplementation(() => new Response(null, { status }));

  await request().catch(() => {});

  return answer.mock.calls.length;
}

function requesting(fetch: Fetch): () => Promise<unknown> {
  return () => fetch(API);
}

/** Takes the request and never answers, but honours the signal. */
const silent: Fetch = (_input, init) =>
  new Promise((_answer, reject) => {
    init?.signal?.addEventListener('abort', () => reject(init.signal!.reason));
  });
