import { expect, it } from 'vitest';
import type { Standing } from '../limits/limit.ts';
import { Problem } from '../problem.ts';
import { github } from './github.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const EXCHANGE = { nowMs: NOW_MS, requestId: () => '6a1d9c3e-2f40-4b7a-8c55-0e9d1b2a3f64' };
const SECONDARY = 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.';

it('tells of the tightest limit, the reset as an epoch in whole seconds, rounded up', () => {
  const standings = [standing({ remaining: 9 }), standing({ name: 'search', limit: 20, remaining: 2 })];

  expect(github.rateHeaders(standings, NOW_MS)).toEqual({
    'x-ratelimit-limit': '20',
    'x-ratelimit-remaining': '2',
    'x-ratelimit-used': '18',
    'x-ratelimit-reset': `${NOW_MS / 1_000 + 2}`,
    'x-ratelimit-resource': 'search',
  });
});

it('tells of the limit that was reached, and nothing of one that is not announced', () => {
  const [core, search] = [standing({ remaining: 0 }), standing({ name: 'search', remaining: 0, resetAtMs: 5_000 })];
  const secret = standing({ name: 'points', announced: false, purpose: 'secondary' });

  expect(github.rateHeaders([core, search], NOW_MS, search)).toMatchObject({ 'x-ratelimit-resource': 'search' });
  expect(github.rateHeaders([core], NOW_MS, secret)).toMatchObject({ 'x-ratelimit-resource': 'window' });
});

it.each([
  ['the primary limit', standing({}), 'API rate limit exceeded for user ID 1.', undefined],
  ['a secondary limit', standing({ purpose: 'secondary', announced: false }), SECONDARY, '7'],
  ['no limit of its own', undefined, SECONDARY, '7'],
])('words %s', (_what, exceeded, message, retryAfter) => {
  const problem = new Problem(429, 'rate_limited', 'no', { retryAfterSeconds: 7, ...(exceeded && { exceeded }) });
  const reply = github.problem(problem, EXCHANGE);

  expect(reply.status).toBe(403);
  expect(reply.headers['retry-after']).toBe(retryAfter);
  expect(JSON.parse(reply.body)).toEqual({
    message,
    documentation_url: 'https://docs.github.com/rest/overview/rate-limits-for-the-rest-api',
  });
});

it('words a problem with its message at the top', () => {
  const { status, body } = github.problem(new Problem(400, 'invalid_parameter', 'no', { field: 'page' }), EXCHANGE);

  expect(status).toBe(400);
  expect(JSON.parse(body)).toEqual({ message: 'no', documentation_url: 'https://docs.github.com/rest', field: 'page' });
});

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
