import { expect, it } from 'vitest';
import type { Standing } from '../limits/limit.ts';
import { Problem } from '../problem.ts';
import { ietf } from './ietf.ts';

it('tells of every limit in one item, with its policy beside it', () => {
  const standings = [
    standing({ name: 'burst', limit: 10, windowSeconds: 0.5, remaining: 0, allowedAtMs: NOW_MS + 501 }),
    standing({ name: 'daily', limit: 500, windowSeconds: 86_400, remaining: 120, resetAtMs: NOW_MS + 3_600_000 }),
  ];

  expect(ietf.rateHeaders(standings, NOW_MS)).toEqual({
    'ratelimit-policy': '"burst";q=10;w=1, "daily";q=500;w=86400',
    ratelimit: '"burst";r=0;t=1, "daily";r=120;t=3600',
  });
});

it('gives a limit of requests at one time no window', () => {
  const jobs = standing({ name: 'jobs', limit: 5, purpose: 'concurrency' });

  expect(ietf.rateHeaders([jobs], NOW_MS)['ratelimit-policy']).toBe('"jobs";q=5;qu="concurrent-requests"');
});

it.each<[string, number, Partial<Standing> | undefined, unknown]>([
  [
    'a limit that is reached',
    429,
    { name: 'daily' },
    {
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      title: 'Request cannot be satisfied as assigned quota has been exceeded',
      'violated-policies': ['daily'],
    },
  ],
  [
    'a secondary limit',
    429,
    { name: 'abuse', purpose: 'secondary' },
    {
      type: 'https://iana.org/assignments/http-problem-types#abnormal-usage-detected',
      title: 'Request not satisfied due to detection of abnormal request pattern',
      'violated-policies': ['abuse'],
    },
  ],
  [
    'an outage',
    503,
    undefined,
    {
      type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
      title: 'Request cannot be satisfied due to temporary server capacity constraints',
    },
  ],
  ['anything else', 404, undefined, { type: 'about:blank', title: 'Not Found' }],
])('words %s as problem details', (_what, status, exceeded, expected) => {
  const { headers, body } = ietf.problem(
    new Problem(status, 'code', 'no', {
      field: 'path',
      retryAfterSeconds: 5,
      exceeded: exceeded === undefined ? undefined : standing(exceeded),
    }),
    EXCHANGE,
  );

  expect(headers).toEqual({ 'content-type': 'application/problem+json', 'retry-after': '5' });
  expect(JSON.parse(body)).toEqual({ status, detail: 'no', field: 'path', ...(expected as object) });
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
