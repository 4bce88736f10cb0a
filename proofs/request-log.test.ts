import { adaptiveThrottle, readRateLimits } from '@steadfetch/adaptive-throttle';
import { backoff } from '@steadfetch/backoff';
import { type RequestRecord, requestLog } from '@steadfetch/request-log';
import { timeout } from '@steadfetch/timeout';
import { tokenCache } from '@steadfetch/token-cache';
import { bearer, clientCredentials } from '@steadfetch/token-cache/oauth';
import { describe, expect, it } from 'vitest';
import { CLIENT, WORLDS, type World } from './world.ts';

describe.each(WORLDS)('request-log $name', ({ open }) => {
  it('resilience/unavailable-now-and-then: has one record for each request that the provider saw, and numbers the attempts', async () => {
    await using world = await open('resilience/unavailable-now-and-then', 7);
    const { log, records } = logged();
    const steady = log.numbered(
      backoff({ baseMs: 1, capMs: 5, attempts: 9, budget: false })(timeout()(log(world.fetch))),
    );

    await Promise.all(Array.from({ length: 60 }, () => steady(`${world.baseUrl}/items?limit=5`)));

    const { entries } = world.provider.ledger;
    expect(entries.length).toBeGreaterThan(60);
    expect(tally(records, ({ status }) => status)).toEqual(tally(entries, ({ status }) => status));
    expect(records.every(({ origin, path }) => origin === world.baseUrl && path === '/items')).toBe(true);
    for (let call = 1; call <= 60; call += 1) {
      const own = records.filter((record) => record.call === call);
      expect(own.map(({ attempt }) => attempt)).toEqual(own.map((_, index) => index + 1));
      expect(own.map(({ status }) => status)).toEqual([...Array(own.length - 1).fill(503), 200]);
    }
    const failed = records.filter(({ status }) => status === 503).length;
    expect(log.figures()).toMatchObject({
      requests: entries.length,
      errorRatio: failed / entries.length,
      throttled: 0,
    });
  });

  it('wire/reset: has a record for what got no answer', async () => {
    await using world = await open('wire/reset', 7);
    const { log, records } = logged();
    const steady = log.numbered(backoff({ baseMs: 1, capMs: 5, attempts: 6 })(log(world.fetch)));

    for (let call = 0; call < 60; call += 1) await (await steady(`${world.baseUrl}/items`)).arrayBuffer();

    const failed = records.filter(({ status }) => status === undefined);
    expect(failed.length).toBeGreaterThan(0);
    expect(new Set(failed.map(({ error }) => error))).toEqual(new Set(['TypeError']));
    expect(log.figures().errorRatio).toBe(failed.length / records.length);
    expect(records.filter(({ status }) => status === 200)).toHaveLength(60);
  });

  it('rate-limit/fixed-window: shows what is left of a quota, and counts the refusals', async () => {
    await using world = await open('rate-limit/fixed-window');
    const { log, records } = logged({ rateLimits: readRateLimits });

    const isRefused = ({ status }: RequestRecord): boolean => status === 429;

    // However slowly it goes, thirty at once are more than two windows let through.
    while (!records.some(isRefused)) {
      await Promise.all(Array.from({ length: 30 }, () => log(world.fetch)(`${world.baseUrl}/items`)));
    }

    const refused = records.filter(isRefused);
    expect(refused).toHaveLength(world.provider.ledger.tally().throttled);
    expect(log.figures().throttled).toBe(refused.length);
    expect(records.map(({ rateLimit }) => rateLimit)).toContainEqual({ limit: 10, remaining: 9 });
    expect(refused.every(({ rateLimit }) => rateLimit?.remaining === 0)).toBe(true);
  });

  it('auth/token-revoked-mid-run: numbers the request that another token repeats, through the whole stack', async () => {
    await using world = await open('auth/token-revoked-mid-run');
    const { log, records } = logged();
    const steady = log.numbered(backoff()(adaptiveThrottle()(authorize(world)(timeout()(log(world.fetch))))));

    for (let call = 0; call < 6; call += 1) expect((await steady(`${world.baseUrl}/items`)).status).toBe(200);

    const numbers = records.map(({ call, attempt, status }) => `${call}.${attempt} ${status}`);
    expect(numbers.filter((number) => number.endsWith('401'))).toHaveLength(1);
    const [refused] = numbers.filter((number) => number.endsWith('401'));
    const repeated = refused!.replace('.1 401', '.2 200');
    expect(numbers).toContain(repeated);
    expect(records).toHaveLength(7);
  });
});

function logged(options: Parameters<typeof requestLog>[0] = {}) {
  const records: RequestRecord[] = [];
  return { log: requestLog({ sink: (record) => void records.push(record), ...options }), records };
}

function authorize({ baseUrl, fetch }: World) {
  const request = clientCredentials({ tokenUrl: `${baseUrl}/oauth/token`, ...CLIENT, fetch });
  return bearer(tokenCache({ request }), { origins: [baseUrl] });
}

function tally<Item>(items: readonly Item[], by: (item: Item) => unknown): Map<unknown, number> {
  const counts = new Map<unknown, number>();
  for (const item of items) counts.set(by(item), (counts.get(by(item)) ?? 0) + 1);
  return new Map([...counts].sort());
}
