import { json, type Reply } from '../call.ts';
import type { Page } from '../pagination/pagination.ts';
import type { Problem } from '../problem.ts';
import { route } from '../routes.ts';
import { type Dialect, linkHeader, type PageSite, plain, retryAfter, tightest, urlWith } from './dialect.ts';
import { neutralPage } from './neutral.ts';

/** GitHub's REST API. Clients tell its two limits apart by the text of the message. */
export const github: Dialect = {
  ...plain,
  name: 'github',
  summary: 'x-ratelimit-limit, -remaining, -used, -reset as epoch seconds; Link header; errors as {"message"}',
  routes: (resource, path) => [
    ...plain.routes(resource, path).filter(({ operation }) => operation !== 'batch'),
    route(`GET /search/${resource}`, 'search', resource),
  ],
  credential: (call) => /^(?:bearer|token) +(\S+)$/i.exec(call.headers.authorization ?? '')?.[1],
  token: {
    ...plain.token,
    path: '/login/oauth/access_token',
    grant: ({ accessToken, expiresInSeconds, refreshToken, scope = '' }) =>
      json(200, {
        access_token: accessToken,
        expires_in: expiresInSeconds,
        refresh_token: refreshToken,
        refresh_token_expires_in: refreshToken === undefined ? undefined : 15_897_600,
        token_type: 'bearer',
        scope,
      }),
    refusal: ({ error, description }) => json(200, { error, error_description: description }),
  },
  rateHeaders(standings, _nowMs, exceeded) {
    const isTold = exceeded?.announced === true;
    const { name, limit, remaining, resetAtMs, allowedAtMs } = isTold ? exceeded : tightest(standings);
    // The reset is all that a throttled client has to go by: with it, every other limit lets through again too.
    const backAtMs = isTold ? Math.max(resetAtMs, allowedAtMs) : resetAtMs;
    return {
      'x-ratelimit-limit': `${limit}`,
      'x-ratelimit-remaining': `${remaining}`,
      'x-ratelimit-used': `${limit - remaining}`,
      'x-ratelimit-reset': `${Math.ceil(backAtMs / 1_000)}`,
      'x-ratelimit-resource': name,
    };
  },
  problem(problem) {
    if (problem.code === 'rate_limited') return throttled(problem);
    const { status, message, field, headers } = problem;
    const body = { message: MESSAGES[problem.code] ?? message, documentation_url: DOCUMENTATION, field };
    return json(status, body, { ...retryAfter(problem), ...headers });
  },
  fields: () => ({ ...plain.fields(), limit: 'per_page' }),
  page(page, site) {
    if (site.pagination !== 'page-number') return neutralPage(page, site);
    const items = page.records.map((record) => github.record(record, site.resource));
    const isSearch = site.call.path.startsWith('/search/');
    const body = isSearch ? { total_count: page.total, incomplete_results: false, items } : items;
    return json(200, body, links(page, site));
  },
};

/** The primary limit is told by its counters alone, a secondary one by its text and `Retry-After`. */
function throttled(problem: Problem): Reply {
  const isPrimary = problem.exceeded?.announced === true && problem.exceeded.purpose !== 'secondary';
  const message = isPrimary
    ? 'API rate limit exceeded for user ID 1.'
    : 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.';
  const headers = { ...(isPrimary ? {} : retryAfter(problem)), ...problem.headers };
  return json(403, { message, documentation_url: RATE_LIMITS }, headers);
}

/** No header at all where everything fits on one page. */
function links({ offset, limit, total, more }: Page, { call, fields }: PageSite): Readonly<Record<string, string>> {
  const page = Math.floor(offset / limit) + 1;
  const last = Math.max(1, Math.ceil(total / limit));
  const to = (number: number): string => urlWith(call, { [fields.page]: `${number}` });
  const link = linkHeader({
    prev: page > 1 ? to(page - 1) : undefined,
    next: more ? to(page + 1) : undefined,
    last: more ? to(last) : undefined,
    first: page > 1 ? to(1) : undefined,
  });
  return link === '' ? {} : { link };
}

const DOCUMENTATION = 'https://docs.github.com/rest';

const RATE_LIMITS = 'https://docs.github.com/rest/overview/rate-limits-for-the-rest-api';

const MESSAGES: Readonly<Record<string, string>> = {
  missing_token: 'Requires authentication',
  invalid_token: 'Bad credentials',
  expired_token: 'Bad credentials',
  revoked_token: 'Bad credentials',
  not_found: 'Not Found',
};
