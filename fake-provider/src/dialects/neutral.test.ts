import { expect, it } from 'vitest';
import type { Standing } from '../limits/limit.ts';
import { Problem } from '../problem.ts';
import { neutral } from './neutral.ts';

it('tells of the tightest limit in three fields, the reset in seconds, rounded up', () => {
  expect(neutral.rateHeaders([standing({ remaining: 9 }), standing({ limit: 20, remaining: 2 })], NOW_MS)).toEqual({
    'ratelimit-limit': '20',
    'ratelimit-remaining': '2',
    'ratelimit-reset': '2',
  });
});

it('tells of the limit that comes back last, where two leave the same', () => {
  const [soon, late] = [standing({ resetAtMs: NOW_MS + 1_000 }), standing({ resetAtMs: NOW_MS + 60_000 })];

  expect(neutral.rateHeaders([soon, late], NOW_MS)).toMatchObject({ 'ratelimit-reset': '60' });
  expect(neutral.rateHeaders([late, soon], NOW_MS)).toMatchObject({ 'ratelimit-reset': '60' });
});

it('never tells of a reset in the past', () => {
  expect(neutral.rateHeaders([standing({ resetAtMs: NOW_MS - 5_000 })], NOW_MS)).toMatchObject({
    'ratelimit-reset': '0',
  });
});

it('words a problem with code, message and field', () => {
  const { status, headers, body } = neutral.problem(
    new Problem(400, 'invalid_parameter', 'limit must be less', { field: 'limit', headers: { 'x-more': '1' } }),
    EXCHANGE,
  );

  expect(status).toBe(400);
  expect(headers).toEqual({ 'content-type': 'application/json; charset=utf-8', 'x-more': '1' });
  expect(JSON.parse(body)).toEqual({
    error: { code: 'invalid_parameter', message: 'limit must be less', field: 'limit' },
  });
});

const NOW_MS = Date.UTC(2026, 0, 1);
const EXCHANGE = { nowMs: NOW_MS, requestId: () => '6a1d9c3e-2f40-4b7a-8c55-0e9d1b2a3f64' };

function standing(over: Partial<Standing>): Standing {
  return {
    name: 'window',
    limit: 10,
    windowSeconds: 60,
    remaining: 5,
    resetAtMs: NOW_MS + 1_001,
    allowedAtMs: NOW_MS,
    announced: true,
    purpose: 'rate',
    ...over,
  };
}
