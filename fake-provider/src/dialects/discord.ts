import { json } from '../call.ts';
import { uuid } from '../chance.ts';
import type { Standing } from '../limits/limit.ts';
import type { Problem } from '../problem.ts';
import { type Dialect, plain, reasonPhrase, retryAfter, retryAfterMs, tightest } from './dialect.ts';

/**
 * Discord's buckets. A limit is a bucket, and its name makes the bucket's hash; the limit named `global` is the one of
 * the whole bot, the one named `shared` that of everybody who uses a resource.
 */
export const discord: Dialect = {
  ...plain,
  name: 'discord',
  summary: 'X-RateLimit-Bucket, -Reset and -Reset-After with fractions, -Scope; retry_after in the body; bare arrays',
  token: { ...plain.token, path: '/api/oauth2/token' },
  routes: (resource, path) => plain.routes(resource, path).filter(({ operation }) => operation !== 'batch'),
  created: (record, { word }) => json(200, word(record)),
  credential: ({ headers }) => /^(?:bot|bearer) +(\S+)$/i.exec(headers.authorization ?? '')?.[1],
  rateHeaders(standings, nowMs, exceeded) {
    // The answer of the global limit speaks of no bucket.
    if (exceeded?.name === 'global') return {};
    const { name, limit, remaining, resetAtMs } = tightest(standings);
    return {
      'x-ratelimit-limit': `${limit}`,
      'x-ratelimit-remaining': `${remaining}`,
      'x-ratelimit-reset': `${resetAtMs / 1_000}`,
      'x-ratelimit-reset-after': `${Math.max(0, resetAtMs - nowMs) / 1_000}`,
      'x-ratelimit-bucket': uuid('bucket', name).replaceAll('-', ''),
    };
  },
  problem(problem, exchange) {
    const { status, exceeded } = problem;
    if (status !== 429) return json(status, errorOf(problem), { ...retryAfter(problem), ...problem.headers });
    const scope = scopeOf(exceeded);
    const body = {
      message: scope === 'shared' ? 'The resource is being rate limited.' : 'You are being rate limited.',
      retry_after: retryAfterMs(problem, exchange) / 1_000,
      global: scope === 'global',
    };
    return json(429, body, {
      ...retryAfter(problem),
      'x-ratelimit-scope': scope,
      ...(scope === 'global' ? { 'x-ratelimit-global': 'true' } : {}),
      ...problem.headers,
    });
  },
  fields: () => ({ ...plain.fields(), after: 'after', cursor: 'after' }),
  page: ({ records }) => json(200, records),
};

function scopeOf(exceeded: Standing | undefined): 'user' | 'global' | 'shared' {
  return exceeded?.name === 'global' || exceeded?.name === 'shared' ? exceeded.name : 'user';
}

function errorOf({ status, code, message, field }: Problem): unknown {
  if (code !== 'invalid_parameter' || field === undefined) {
    return { message: `${status}: ${reasonPhrase(status)}`, code: 0 };
  }
  const errors = { [field]: { _errors: [{ code: 'BASE_TYPE_BAD_VALUE', message }] } };
  return { code: 50_035, message: 'Invalid Form Body', errors };
}
