import { json } from '../call.ts';
import type { Problem } from '../problem.ts';
import { type Dialect, type Exchange, plain, retryAfterMs } from './dialect.ts';

/**
 * Google's APIs: no header tells of a limit, and a throttled answer is a 403 that only its `reason` tells from a missing
 * permission. The limit named `user` is each user's; a secondary one answers as newer APIs do, with a 429.
 */
export const google: Dialect = {
  ...plain,
  name: 'google',
  summary: 'no rate headers; 403 or 429 with errors[].reason, or RetryInfo.retryDelay; pageToken and nextPageToken',
  token: { ...plain.token, path: '/token' },
  rateHeaders: () => ({}),
  problem(problem, exchange) {
    const { status, body } = throttled(problem, exchange) ?? refused(problem);
    return json(status, { error: body }, problem.headers);
  },
  parameters({ query }) {
    const parameters = new URLSearchParams(query);
    for (const [snake, camel] of [
      ['page_size', 'pageSize'],
      ['page_token', 'pageToken'],
    ] as const) {
      for (const value of parameters.getAll(snake)) parameters.append(camel, value);
    }
    // AIP-158: a size of 0 is none, and so is an empty token.
    if (parameters.get('pageSize') === '0') parameters.delete('pageSize', '0');
    if (parameters.get('pageToken') === '') parameters.delete('pageToken', '');
    return parameters;
  },
  fields: () => ({ ...plain.fields(), limit: 'pageSize', cursor: 'pageToken' }),
  page: ({ records, next }, { resource }) => json(200, { [resource]: records, nextPageToken: next }),
};

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** The answer to one request too many, if it was one. */
function throttled(problem: Problem, exchange: Exchange): Answer | undefined {
  const { status, exceeded } = problem;
  if (status !== 429) return undefined;
  if (exceeded === undefined) return classic(429, 'rateLimitExceeded', 'Rate Limit Exceeded');
  if (exceeded.purpose === 'secondary') {
    const retryDelay = `${Math.ceil(retryAfterMs(problem, exchange) / 1_000)}s`;
    return {
      status: 429,
      body: {
        code: 429,
        message: 'Resource has been exhausted (e.g. check quota).',
        status: 'RESOURCE_EXHAUSTED',
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
            violations: [{ subject: exceeded.name, description: problem.message }],
          },
          { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay },
        ],
      },
    };
  }
  if (exceeded.purpose === 'quota') return classic(403, 'dailyLimitExceeded', 'Daily Limit Exceeded');
  return exceeded.name === 'user'
    ? classic(403, 'userRateLimitExceeded', 'User Rate Limit Exceeded')
    : classic(403, 'rateLimitExceeded', 'Rate Limit Exceeded');
}

function classic(code: number, reason: string, message: string): Answer {
  return { status: code, body: { errors: [{ domain: 'usageLimits', reason, message }], code, message } };
}

/** Canonical codes (google.rpc.Code) by HTTP status. */
const CODES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ABORTED',
  500: 'INTERNAL',
  501: 'UNIMPLEMENTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

function refused({ status, message }: Problem): Answer {
  const text =
    status === 401
      ? 'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.'
      : message;
  return { status, body: { code: status, message: text, status: CODES[status] ?? 'UNKNOWN' } };
}
