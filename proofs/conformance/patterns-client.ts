/** A client made of the patterns in the recommended order, for the conformance suite. */
import { setTimeout as sleep } from 'node:timers/promises';
import { adaptiveThrottle } from '@steadfetch/adaptive-throttle';
import { backoff, type RetryContext } from '@steadfetch/backoff';
import { batch } from '@steadfetch/batch';
import { circuitBreaker } from '@steadfetch/circuit-breaker';
import { cursorPagination } from '@steadfetch/cursor-pagination';
import { linkPagination } from '@steadfetch/link-pagination';
import { offsetPagination } from '@steadfetch/offset-pagination';
import { pageNumbers } from '@steadfetch/offset-pagination/page-numbers';
import { timeout } from '@steadfetch/timeout';
import { tokenCache } from '@steadfetch/token-cache';
import { bearer, clientCredentials, refreshToken } from '@steadfetch/token-cache/oauth';

const {
  BASE_URL = '',
  TOKEN_URL: tokenUrl = '',
  CLIENT_ID: clientId = '',
  CLIENT_SECRET: clientSecret = '',
  REFRESH_TOKEN = '',
  RESOURCE = '',
  PAGINATION = '',
  TASK = '',
  TASK_COUNT = '',
} = process.env;

interface Item {
  readonly id: string;
  readonly created_at: string;
}
type Resume = Readonly<Record<string, unknown>> | undefined;
type Pages = AsyncIterable<{ readonly items: readonly Item[]; readonly resume: Resume }>;

const limited = timeout({ afterMs: 5_000 })(fetch);
const client = clientOf();
try {
  let complete = true;
  if (TASK === 'list') {
    const paginations = PAGINATION.split(',');
    await Promise.all(RESOURCE.split(',').map((resource, index) => list(resource, paginations[index]!)));
  } else if (TASK === 'create') await create(RESOURCE, Number(TASK_COUNT));
  else complete = await createAtOnce(RESOURCE, Number(TASK_COUNT));
  say({ type: 'done', complete });
} catch (error) {
  const { name, message } = error as Error;
  say({ type: 'error', message: `${name}: ${message}` });
  say({ type: 'done', complete: false });
}

function clientOf(): typeof fetch {
  // GitHub throttles by a 403 that says when to come back.
  const isThrottled = (response?: Response) => response?.status === 403 && response.headers.has('retry-after');
  // The first request with this key is still under way.
  const isUnderWay = (response?: Response) => response?.status === 409;
  const shouldRetry = ({ retryable, response }: RetryContext) =>
    retryable || isThrottled(response) || isUnderWay(response);
  const stack = [backoff({ attempts: 6, shouldRetry }), adaptiveThrottle()];
  if (tokenUrl !== '') {
    // A token request is a POST, but asking twice for a token does no harm.
    const askAgain = backoff({ shouldRetry: ({ transient }) => transient })(limited);
    const endpoint = { tokenUrl, clientId, clientSecret, fetch: askAgain };
    const first = clientCredentials(endpoint);
    const request = REFRESH_TOKEN === '' ? first : refreshToken({ ...endpoint, first: REFRESH_TOKEN });
    stack.push(bearer(tokenCache({ request }), { origins: [BASE_URL] }));
  }
  stack.push(circuitBreaker());
  return stack.reduceRight((next, policy) => policy(next), limited);
}

function pagesOf(resource: string, pagination: string, resume: Resume): Pages {
  const url = `${BASE_URL}/${resource}`;
  const common = { fetch: client, resume };
  switch (pagination) {
    case 'cursor':
      return cursorPagination<Item>(`${url}?limit=100`, {
        ...common,
        next: (body) => ({ cursor: body.next_cursor }),
      });
    case 'keyset':
      return cursorPagination<Item>(`${url}?limit=100`, {
        ...common,
        next: (body, items) => body.has_more && { after_id: items.at(-1)?.id },
      });
    case 'time-window':
      // From the last instant on, which is read again: others may share it.
      return cursorPagination<Item>(`${url}?limit=100`, {
        ...common,
        next: (body, items) => body.has_more && { created_from: items.at(-1)?.created_at },
      });
    case 'link':
      return linkPagination<Item>(`${url}?per_page=100`, common);
    case 'page-number':
      return offsetPagination<Item>(url, { ...common, by: pageNumbers({ size: 'per_page' }) });
    default:
      return offsetPagination<Item>(url, common);
  }
}

/** Reads a resource to its end. A page that was answered and cannot be read is asked for again, a few times. */
async function list(resource: string, pagination: string): Promise<void> {
  let resume: Resume;
  // By a cursor or a link a provider may repeat itself, which is the sink's to ignore. By offset, the pattern does.
  const seen = new Set<string>();
  const repeats = pagination !== 'offset' && pagination !== 'page-number';
  for (let failures = 0; ; failures += 1) {
    try {
      for await (const page of pagesOf(resource, pagination, resume)) {
        for (const record of page.items) {
          if (repeats && seen.has(record.id)) continue;
          seen.add(record.id);
          say({ type: 'record', resource, record });
        }
        resume = page.resume;
        failures = 0;
      }
      return;
    } catch (error) {
      const { name, status = 200 } = error as { readonly name: string; readonly status?: number };
      if (name !== 'PageError' || status !== 200 || failures >= 3) throw error;
      await sleep(500 * 2 ** failures * (0.5 + Math.random()));
    }
  }
}

/** Each record under a key of its own, so that it is made once however often it is sent. */
async function create(resource: string, count: number): Promise<void> {
  for (let n = 1; n <= count; n += 1) {
    const response = await client(`${BASE_URL}/${resource}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() },
      body: JSON.stringify({ name: `item ${n}` }),
    });
    if (!response.ok) throw new Error(`item ${n} was answered by a ${response.status}`);
    say({ type: 'record', resource, record: await response.json() });
  }
}

/** In batches, which are retried without `backoff`. Tells whether all could be written, and why some could not. */
async function createAtOnce(resource: string, count: number): Promise<boolean> {
  let isComplete = true;
  const items = Array.from({ length: count }, (_, index) => ({ name: `item ${index + 1}` }));
  for await (const outcome of batch(`${BASE_URL}/${resource}/batch`, items, { fetch: limited })) {
    if (outcome.status === 'done') continue;
    isComplete = false;
    say({ type: 'error', message: `${outcome.item.name}: ${outcome.error.message}` });
  }
  return isComplete;
}

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
