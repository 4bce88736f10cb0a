import { expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import { createProvider } from '../provider.ts';
import { createCallers } from './callers.ts';
import { concurrency } from './concurrency.ts';

it('counts a request from its arrival until its answer', () => {
  const limiter = make(2);
  limiter.spend('one', demand(START, START + 300));
  limiter.spend('one', demand(START, START + 100));

  expect(limiter.standing('one', demand(START))).toMatchObject({
    remaining: 0,
    allowedAtMs: START + 100,
    resetAtMs: START + 300,
  });
  expect(limiter.standing('one', demand(START + 100)).remaining).toBe(1);
  expect(limiter.standing('one', demand(START + 300)).remaining).toBe(2);
});

it('waits until enough have ended for what the request costs', () => {
  const limiter = make(3);
  for (const ms of [300, 100, 200]) limiter.spend('one', demand(START, START + ms));

  expect(limiter.standing('one', { ...demand(START), cost: 2 }).allowedAtMs).toBe(START + 200);
});

it('keeps no place for a request that is answered at once, or refused', () => {
  const limiter = make(1);
  limiter.spend('one', demand(START, START));

  expect(limiter.standing('one', demand(START)).remaining).toBe(1);
});

it('refuses what comes while others run, and says so', async () => {
  const clock = manualClock();
  const limits = [{ kind: 'concurrency' as const, name: 'at-once', with: { limit: 2 }, countRefused: true }];
  const latency = { minMs: 50, maxMs: 50 };
  const provider = createProvider({ auth: false, latency, limits }, { clock });
  const responses = [1, 2, 3].map(() => provider.fetch('https://api.test/items'));
  const last = await responses[2]!;

  expect((await Promise.all(responses)).map(({ status }) => status)).toEqual([200, 200, 429]);
  expect(last.headers.get('retry-after')).toBe('1');
  expect((await last.json()).error.message).toBe('limit at-once allows 2 requests at a time');
  clock.advance(50);
  expect((await provider.fetch('https://api.test/items')).status).toBe(200);
});

const START = Date.UTC(2026, 0, 1);
const make = (limit: number) =>
  createCallers(concurrency.create({ limit }, { name: 'test', purpose: 'concurrency', announced: true }));
const demand = (nowMs: number, endsAtMs = nowMs) => ({ nowMs, cost: 1, endsAtMs });
