/** Sends so many calls through every policy at once, and prints as JSON what grew meanwhile: `node --expose-gc client.ts 20000`. */
import { getEventListeners } from 'node:events';
import { setImmediate } from 'node:timers/promises';
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

/** More than a client speaks to: what is kept for each must be bounded. */
const ORIGINS = Array.from({ length: 50 }, (_, index) => `https://${index}.api.test`);

const calls = Number(process.argv[2]);
const caller = new AbortController();
const send = stack(provider());

const before = await standingAfter(calls / 2);
const after = await standingAfter(calls / 2);
console.log(JSON.stringify({ before, after }));

/** Every policy there is, in the recommended order. */
function stack(next: typeof fetch): typeof fetch {
  const tokens = tokenCache({ request: async () => ({ access_token: crypto.randomUUID(), expires_in: 60 }) });
  return [
    requestLog(),
    idempotencyKey(),
    backoff({ attempts: 6 }),
    adaptiveThrottle(),
    tokenBucket({ ratePerSecond: 1e6, burst: 1e6 }),
    concurrencyLimit({ max: 1_000 }),
    bearer(tokens, { origins: ORIGINS }),
    circuitBreaker(),
    timeout({ afterMs: 2_000 }),
  ].reduceRight((inner, policy) => policy(inner), next);
}

/** Throttles some requests, fails others, and refuses a token now and then. */
function provider(): typeof fetch {
  let count = 0;
  return async () => {
    count += 1;
    if (count % 2_000 === 0) return new Response(null, { status: 503 });
    if (count % 3_000 === 0) return new Response(null, { status: 429, headers: { 'retry-after-ms': '5' } });
    if (count % 5_000 === 0) return new Response(null, { status: 401 });
    if (count % 7_000 === 0) throw new TypeError('fetch failed');
    return new Response('{}', { headers: { 'ratelimit-limit': '1000000', 'ratelimit-remaining': '999999' } });
  };
}

/** A hundred at a time, all with the signal of one caller who stays. */
async function manyAtOnce(calls: number): Promise<void> {
  let nth = 0;
  const worker = async (): Promise<void> => {
    while (nth < calls) await call(nth++);
  };
  await Promise.all(Array.from({ length: 100 }, worker));
}

async function call(nth: number): Promise<void> {
  const init = { method: nth % 10 === 0 ? 'POST' : 'GET', signal: caller.signal };
  const answer = await send(`${ORIGINS[nth % ORIGINS.length]}/items/${nth}`, init);
  await answer.text();
}

/** Looks five times and takes the least heap, since compiled code comes and goes by a megabyte or two; a leak only grows. */
async function standingAfter(calls: number) {
  const looks: Awaited<ReturnType<typeof standing>>[] = [];
  for (let look = 0; look < 5; look += 1) {
    await manyAtOnce(calls / 5);
    looks.push(await standing());
  }
  return { ...looks.at(-1)!, heapBytes: Math.min(...looks.map(({ heapBytes }) => heapBytes)) };
}

/** What a leak would make grow. */
async function standing() {
  // What a finalizer lets go of is collected the next time.
  for (let time = 0; time < 5; time += 1) {
    globalThis.gc!();
    await setImmediate();
  }
  return {
    listeners: getEventListeners(caller.signal, 'abort').length,
    timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
    heapBytes: process.memoryUsage().heapUsed,
  };
}
