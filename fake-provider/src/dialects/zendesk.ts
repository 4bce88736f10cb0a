import { json, type Reply } from '../call.ts';
import type { Standing } from '../limits/limit.ts';
import type { Page } from '../pagination/pagination.ts';
import type { Problem } from '../problem.ts';
import { route } from '../routes.ts';
import {
  basicOf,
  type Dialect,
  nextParameter,
  type PageSite,
  plain,
  retryAfter,
  secondsUntil,
  singular,
  tightest,
  unwrapped,
  urlWith,
} from './dialect.ts';

/**
 * Zendesk Support: the account's counters twice, in two families of headers, and one more header for each limit of an
 * endpoint. The limit named `account` is the account's; any other is an endpoint's, and its name is in its header.
 */
export const zendesk: Dialect = {
  ...plain,
  name: 'zendesk',
  summary: 'X-Rate-Limit, ratelimit-* in seconds, zendesk-ratelimit-<endpoint>; page[after] with meta and links',
  token: { ...plain.token, path: '/oauth/tokens' },
  routes(resource, path) {
    const base = path.replace(/\.json$/, '');
    return ['.json', ''].flatMap((ending) => [
      route(`GET ${base}${ending}`, 'list', resource),
      route(`GET ${base}/:id${ending}`, 'get', resource),
      route(`POST ${base}${ending}`, 'create', resource),
      route(`PUT ${base}/:id${ending}`, 'update', resource),
      route(`DELETE ${base}/:id${ending}`, 'delete', resource),
      route(`POST ${base}/create_many${ending}`, 'batch', resource),
    ]);
  },
  /** A bearer token, or an API token as the password of `<email>/token`. */
  credential(call) {
    const basic = basicOf(call);
    if (basic === undefined) return plain.credential(call);
    return basic.user.endsWith('/token') ? basic.password : undefined;
  },
  rateHeaders(standings, nowMs) {
    const account = accountOf(standings);
    const endpoints = standings.filter((standing) => standing !== account);
    return {
      'x-rate-limit': `${account.limit}`,
      'x-rate-limit-remaining': `${account.remaining}`,
      'ratelimit-limit': `${account.limit}`,
      'ratelimit-remaining': `${account.remaining}`,
      'ratelimit-reset': `${secondsUntil(account.resetAtMs, nowMs)}`,
      ...Object.fromEntries(
        endpoints.map(({ name, limit, remaining, resetAtMs }) => [
          `zendesk-ratelimit-${name}`,
          `total=${limit}; remaining=${remaining}; resets=${secondsUntil(resetAtMs, nowMs)}`,
        ]),
      ),
    };
  },
  problem(problem) {
    const headers = { ...retryAfter(problem), ...problem.headers };
    if (problem.status !== 429 || problem.exceeded?.name !== ACCOUNT) {
      return json(problem.status, errorOf(problem), headers);
    }
    const body = 'Number of allowed API requests per minute exceeded';
    return { status: 429, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body };
  },
  fields(pagination) {
    return pagination === 'offset' || pagination === 'page-number'
      ? { ...plain.fields(), limit: 'per_page' }
      : { ...plain.fields(), limit: 'page[size]', cursor: 'page[after]', after: 'page[after]' };
  },
  input: unwrapped,
  batch(results, { call, requestId }) {
    const id = requestId().replaceAll('-', '');
    const url = `${call.origin}/api/v2/job_statuses/${id}.json`;
    const worded = results.map(({ index, record, problem }) =>
      problem === undefined ? { index, id: record?.id } : { index, error: problem.code, details: problem.message },
    );
    return json(200, { job_status: { id, url, status: 'completed', total: results.length, results: worded } });
  },
  record: (record, resource) => ({ [singular(resource)]: record }),
  page: (page, site) => (site.pagination === 'page-number' ? numberedPage(page, site) : cursorPage(page, site)),
};

const ACCOUNT = 'account';

function accountOf(standings: readonly Standing[]): Standing {
  return standings.find(({ name }) => name === ACCOUNT) ?? tightest(standings);
}

function errorOf({ status, code, message, exceeded }: Problem): unknown {
  if (code === 'missing_token') return { error: "Couldn't authenticate you" };
  if (status === 401) return { error: 'invalid_token', error_description: message };
  if (status === 404) return { error: 'RecordNotFound', description: 'Not found' };
  if (code === 'idempotency_key_reused') {
    return {
      error: 'IdempotentRequestError',
      description: "Request parameters don't match the given idempotency key",
    };
  }
  if (status === 429)
    return { error: 'APIRateLimitExceeded', description: `Rate limit for ${exceeded?.name ?? 'API'} exceeded` };
  return { error: code, description: message };
}

function cursorPage(page: Page, site: PageSite): Reply {
  const { call, fields, resource } = site;
  const next = page.more ? urlWith(call, { [fields.limit]: `${page.limit}`, ...nextParameter(page, site) }) : null;
  return json(200, {
    [resource]: page.records,
    meta: { has_more: page.more, after_cursor: page.next ?? null, before_cursor: null },
    links: { next, prev: null },
  });
}

function numberedPage({ records, offset, limit, total, more }: Page, { call, fields, resource }: PageSite): Reply {
  const number = Math.floor(offset / limit) + 1;
  const to = (page: number): string => urlWith(call, { [fields.page]: `${page}`, [fields.limit]: `${limit}` });
  return json(200, {
    [resource]: records,
    next_page: more ? to(number + 1) : null,
    previous_page: number > 1 ? to(number - 1) : null,
    count: total,
  });
}
