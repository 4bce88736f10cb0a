import { json } from '../call.ts';
import type { Standing } from '../limits/limit.ts';
import type { Problem } from '../problem.ts';
import { type Dialect, plain, reasonPhrase, tightest } from './dialect.ts';

/**
 * The API v2 of X: three counters with an epoch reset, three more for each limit named `app-24hour` or `user-24hour`,
 * and errors that resemble problem details. A limit whose purpose is a quota is the usage cap.
 */
export const x: Dialect = {
  ...plain,
  name: 'x',
  summary: 'x-rate-limit-limit, -remaining, -reset as epoch seconds, no Retry-After; problem types; meta.next_token',
  token: { ...plain.token, path: '/2/oauth2/token' },
  rateHeaders(standings) {
    const daily = standings.filter(isDaily);
    const others = standings.filter((standing) => !isDaily(standing));
    return {
      ...trio('x-rate-limit', tightest(others.length === 0 ? daily : others)),
      ...Object.assign({}, ...daily.map((each) => trio(`x-${each.name.replace('-', '-limit-')}`, each))),
    };
  },
  problem: (problem) => json(problem.status, bodyOf(problem), problem.headers),
  parameters({ query }) {
    const token = query.get('next_token');
    if (token === null) return query;
    // Search has its own name for the same thing.
    const parameters = new URLSearchParams(query);
    parameters.append('pagination_token', token);
    return parameters;
  },
  fields: () => ({ ...plain.fields(), limit: 'max_results', cursor: 'pagination_token' }),
  record: (record) => ({ data: record }),
  page: ({ records, next }) => json(200, { data: records, meta: { result_count: records.length, next_token: next } }),
};

function isDaily({ name }: Standing): boolean {
  return name === 'app-24hour' || name === 'user-24hour';
}

function trio(prefix: string, { limit, remaining, resetAtMs }: Standing): Readonly<Record<string, string>> {
  return {
    [`${prefix}-limit`]: `${limit}`,
    [`${prefix}-remaining`]: `${remaining}`,
    [`${prefix}-reset`]: `${Math.ceil(resetAtMs / 1_000)}`,
  };
}

const TYPES = 'https://api.x.com/2/problems';

function bodyOf({ status, code, message, field, exceeded }: Problem): unknown {
  if (exceeded?.purpose === 'quota') {
    return {
      title: 'UsageCapExceeded',
      detail: 'Usage cap exceeded: Monthly product cap',
      type: `${TYPES}/usage-capped`,
      period: 'Monthly',
      scope: 'Product',
      status,
    };
  }
  if (code === 'invalid_parameter' && field !== undefined) {
    return {
      errors: [{ parameters: { [field]: [] }, message }],
      title: 'Invalid Request',
      detail: 'One or more parameters to your request was invalid.',
      type: `${TYPES}/invalid-request`,
    };
  }
  if (status === 404 && field === 'id') {
    return { title: 'Not Found Error', detail: message, type: `${TYPES}/resource-not-found`, status };
  }
  const title = reasonPhrase(status);
  return { title, detail: title, type: 'about:blank', status };
}
