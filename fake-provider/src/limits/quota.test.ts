import { expect, it } from 'vitest';
import type { z } from 'zod';
import { quota } from './quota.ts';

it.each<[string, Partial<z.output<typeof quota.options>>, string, string, number]>([
  ['the hour', { period: 'hour' }, '2026-03-31T23:59:59.999Z', '2026-04-01T00:00:00Z', 3_600],
  ['the day', { period: 'day' }, '2026-12-31T10:00:00Z', '2027-01-01T00:00:00Z', 86_400],
  ['the first instant of a day', { period: 'day' }, '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', 86_400],
  [
    'a day east of UTC',
    { period: 'day', utcOffsetMinutes: 330 },
    '2026-06-15T18:30:00Z',
    '2026-06-16T18:30:00Z',
    86_400,
  ],
  [
    'a day west of UTC',
    { period: 'day', utcOffsetMinutes: -480 },
    '2026-06-15T07:59:59Z',
    '2026-06-15T08:00:00Z',
    86_400,
  ],
  [
    'an hour off by half an hour',
    { period: 'hour', utcOffsetMinutes: 30 },
    '2026-06-15T07:40:00Z',
    '2026-06-15T08:30:00Z',
    3_600,
  ],
  ['a short month', { period: 'month' }, '2026-02-28T23:00:00Z', '2026-03-01T00:00:00Z', 28 * 86_400],
  ['a leap month', { period: 'month' }, '2028-02-29T23:00:00Z', '2028-03-01T00:00:00Z', 29 * 86_400],
  ['the last month', { period: 'month' }, '2026-12-05T00:00:00Z', '2027-01-01T00:00:00Z', 31 * 86_400],
  [
    'a month east of UTC',
    { period: 'month', utcOffsetMinutes: 120 },
    '2026-01-31T22:00:00Z',
    '2026-02-28T22:00:00Z',
    28 * 86_400,
  ],
])('begins anew at the end of %s', (_what, options, at, end, windowSeconds) => {
  const limiter = quota.create(quota.options.parse({ limit: 1, ...options }), IDENTITY);
  const nowMs = Date.parse(at);
  const state = limiter.spend(undefined, demand(nowMs));

  const endMs = Date.parse(end);
  const spent = { remaining: 0, windowSeconds, resetAtMs: endMs, allowedAtMs: endMs };
  expect(limiter.standing(state, demand(nowMs))).toMatchObject(spent);
  expect(limiter.standing(state, demand(endMs - 1))).toMatchObject(spent);
  expect(limiter.standing(state, demand(endMs)).remaining).toBe(1);
});

it('counts back 24 hours from each request where it rolls', () => {
  const limiter = quota.create(quota.options.parse({ limit: 1, period: 'rolling-24-hours' }), IDENTITY);
  const startMs = Date.parse('2026-06-15T17:00:00Z');
  const { allowedAtMs, windowSeconds } = limiter.standing(limiter.spend(undefined, demand(startMs)), demand(startMs));

  expect(windowSeconds).toBe(86_400);
  expect(allowedAtMs - startMs).toBeGreaterThanOrEqual(86_400_000);
  expect(allowedAtMs - startMs).toBeLessThan(86_400_000 + 86_400);
});

const IDENTITY = { name: 'test', purpose: 'quota', announced: true } as const;
const demand = (nowMs: number) => ({ nowMs, cost: 1, endsAtMs: nowMs });
