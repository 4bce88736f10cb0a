import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { adaptiveThrottle } from '@steadfetch/adaptive-throttle';
import { backoff } from '@steadfetch/backoff';
import { circuitBreaker } from '@steadfetch/circuit-breaker';
import { concurrencyLimit } from '@steadfetch/concurrency-limit';
import { idempotencyKey } from '@steadfetch/idempotency-key';
import { requestLog } from '@steadfetch/request-log';
import { timeout } from '@steadfetch/timeout';
import { tokenBucket } from '@steadfetch/token-bucket';
import { bearer, tokenCache } from '@steadfetch/token-cache';
import { expect, it } from 'vitest';

/** More than a client speaks to: what is kept for each must be bounded. */
const ORIGINS = Array.from({ length: 50 }, (_, index) => `https://${index}.api.test`);

/** How many calls there are in all. `STEADFETCH_CALLS=1000000` looks harder, for as long as it takes. */
const CALLS = Number(process.env.STEADFETCH_CALLS ?? 20_000);

it(`keeps nothing of ${CALLS} calls through every policy at once`, { timeout: 60_000 + CALLS }, async () => {
  const caller = new AbortController();
  const send = stack(provider());
  const call = async (nth: number): Promise<void> => {
    const init = { method: nth % 10 === 0 ? 'POST' : 'GET', signal: caller.signal };
    const answer = await send(`${ORIGINS[nth % ORIGINS.length]}/items/${nth}`, init);
    await answer.text();
  };

  await manyAtOnce(CALLS * 0.1, call);
  const before = standing(caller.signal);
  await manyAtOnce(CALLS * 0.9, call);
  const after = standing(caller.signal);

  expect({ listeners: after.listeners, timers: after.timers }).toEqual({ listeners: 0, timers: before.timers });
  expect((after.heapBytes - before.heapBytes) / 2 ** 20).toBeLessThan(2);
});

/** Every policy there is, in the recommended order. */
function stack(next: typeof fetch): typeof fetch {
  const tokens = tokenCache({ request: async () => ({ access_token: crypto.randomUUID(), expires_in: 60 }) });
  return [
    requestLog(),
    idempotencyKey(),
    backoff({ attempts: 6 }),
    circuitBreaker(),
    adaptiveThrottle(),
    tokenBucket({ ratePerSecond: 1e6, burst: 1e6 }),
    concurrencyLimit({ max: 1_000 }),
    bearer(tokens, { origins: ORIGINS }),
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

async function manyAtOnce(calls: number, call: (nth: number) => Promise<void>): Promise<void> {
  let nth = 0;
  const worker = async (): Promise<void> => {
    while (nth < calls) await call(nth++);
  };
  await Promise.all(Array.from({ length: 100 }, worker));
}

/** What a leak would make grow. */
function standing(signal: AbortSignal) {
  collectGarbage();
  return {
    listeners: getEventListeners(signal, 'abort').length,
    timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
    heapBytes: process.memoryUsage().heapUsed,
  };
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
