import { json } from '../call.ts';
import type { Standing } from '../limits/limit.ts';
import type { Problem } from '../problem.ts';
import { type Dialect, reasonPhrase, retryAfter, secondsUntil } from './dialect.ts';
import { neutral } from './neutral.ts';

/** The structured fields of draft-ietf-httpapi-ratelimit-headers-10 and -11, and problem details (RFC 9457). */
export const ietf: Dialect = {
  ...neutral,
  name: 'ietf',
  summary: 'RateLimit and RateLimit-Policy as structured fields, one item per limit; errors as problem+json',
  rateHeaders: (standings, nowMs) => ({
    'ratelimit-policy': standings.map(policy).join(', '),
    ratelimit: standings
      .map((standing) => `"${standing.name}";r=${standing.remaining};t=${windowSeconds(standing, nowMs)}`)
      .join(', '),
  }),
  problem(problem) {
    const { status, message, field, exceeded, headers } = problem;
    const { type, title } = kindOf(problem);
    const violated = exceeded === undefined ? {} : { 'violated-policies': [exceeded.name] };
    const body = { type, title, status, detail: message, field, ...violated };
    return json(status, body, { 'content-type': 'application/problem+json', ...retryAfter(problem), ...headers });
  },
};

function policy({ name, limit, windowSeconds, purpose }: Standing): string {
  return purpose === 'concurrency'
    ? `"${name}";q=${limit};qu="concurrent-requests"`
    : `"${name}";q=${limit};w=${Math.max(1, Math.ceil(windowSeconds))}`;
}

/** Where a request would be denied, the window ends with the wait: `Retry-After` must not point before its end. */
function windowSeconds({ allowedAtMs, resetAtMs }: Standing, nowMs: number): number {
  return secondsUntil(allowedAtMs > nowMs ? allowedAtMs : resetAtMs, nowMs);
}

const TYPES = 'https://iana.org/assignments/http-problem-types';

/** Section 5 of the draft; `about:blank` otherwise, whose title is the status's own. */
function kindOf({ status, exceeded }: Problem): { readonly type: string; readonly title: string } {
  if (status === 429 && exceeded?.purpose === 'secondary') {
    // The draft's own example has a typing error here, which is not repeated.
    return {
      type: `${TYPES}#abnormal-usage-detected`,
      title: 'Request not satisfied due to detection of abnormal request pattern',
    };
  }
  if (status === 429) {
    return {
      type: `${TYPES}#quota-exceeded`,
      title: 'Request cannot be satisfied as assigned quota has been exceeded',
    };
  }
  if (status === 503) {
    return {
      type: `${TYPES}#temporary-reduced-capacity`,
      title: 'Request cannot be satisfied due to temporary server capacity constraints',
    };
  }
  return { type: 'about:blank', title: reasonPhrase(status) };
}
