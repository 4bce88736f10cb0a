import { type Call, json } from '../call.ts';
import { invalidParameter, type Problem } from '../problem.ts';
import { route } from '../routes.ts';
import { type Dialect, plain, singular, tightest } from './dialect.ts';
import { neutralPage } from './neutral.ts';

/** Salesforce's REST API. Every error is an array, and a limit is a 403. */
export const salesforce: Dialect = {
  ...plain,
  name: 'salesforce',
  summary: 'Sforce-Limit-Info: api-usage=18/5000; 403 with an array body and no Retry-After; nextRecordsUrl',
  routes: (resource, path) => [
    route(`GET ${path}`, 'list', resource),
    route(`GET ${path}/:locator`, 'list', resource),
    route(`GET ${path.replace(/\/query$/, '')}/sobjects/${typeOf(resource)}/:id`, 'get', resource),
  ],
  token: {
    ...plain.token,
    path: '/services/oauth2/token',
    grant: ({ accessToken, refreshToken, scope = 'api' }, { call, nowMs }) =>
      json(200, {
        access_token: accessToken,
        refresh_token: refreshToken,
        signature: 'c2lnbmF0dXJl',
        scope,
        instance_url: call.origin,
        id: `${call.origin}/id/00D000000000001AAA/005000000000001AAA`,
        token_type: 'Bearer',
        issued_at: `${nowMs}`,
      }),
  },
  rateHeaders(standings) {
    const { limit, remaining } = standings.find(({ purpose }) => purpose === 'quota') ?? tightest(standings);
    return { 'sforce-limit-info': `api-usage=${limit - remaining}/${limit}` };
  },
  problem(problem) {
    const { message, errorCode, status = problem.status } = wordsOf(problem);
    const fields = problem.field === undefined || status !== 400 ? undefined : [problem.field];
    return json(status, [{ message, errorCode, fields }], problem.headers);
  },
  parameters(call) {
    const size = /\bbatchSize=(\d{1,6})\b/.exec(call.headers['sforce-query-options'] ?? '')?.[1];
    const locator = locatorOf(call);
    if (locator === undefined && !call.query.get('q')) throw invalidParameter('q', 'must be given');
    return new URLSearchParams({
      ...(size === undefined ? {} : { batchSize: size }),
      ...(locator === undefined ? {} : { queryLocator: locator }),
    });
  },
  fields: () => ({ ...plain.fields(), limit: 'batchSize', cursor: 'queryLocator' }),
  record: ({ id, created_at, updated_at, name, amount_cents, version }, resource) => ({
    attributes: { type: typeOf(resource), url: `/services/data/v60.0/sobjects/${typeOf(resource)}/${id}` },
    Id: id,
    Name: name,
    CreatedDate: created_at.replace('Z', '+0000'),
    LastModifiedDate: updated_at.replace('Z', '+0000'),
    AmountCents__c: amount_cents,
    Version__c: version,
  }),
  page(page, site) {
    if (site.pagination !== 'cursor') return neutralPage(page, site);
    const { records, next, offset, total: totalSize } = page;
    const path = site.call.path.replace(/\/query\/.*$/, '/query');
    const nextRecordsUrl = next && `${path}/${toLocator(next)}-${offset + records.length}`;
    return json(200, {
      totalSize,
      done: next === undefined,
      nextRecordsUrl,
      records: records.map((record) => salesforce.record(record, site.resource)),
    });
  },
};

interface Words {
  readonly message: string;
  readonly errorCode: string;
  readonly status?: number;
}

function wordsOf({ code, field, message, exceeded }: Problem): Words {
  switch (code) {
    case 'rate_limited': {
      const which =
        exceeded?.purpose === 'concurrency' ? 'ConcurrentRequests (Concurrent API Requests)' : 'TotalRequests';
      return { message: `${which} Limit exceeded.`, errorCode: 'REQUEST_LIMIT_EXCEEDED', status: 403 };
    }
    case 'missing_token':
    case 'invalid_token':
    case 'expired_token':
    case 'revoked_token':
      return { message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' };
    case 'expired_cursor':
      return { message: 'invalid query locator', errorCode: 'INVALID_QUERY_LOCATOR', status: 400 };
    case 'not_found':
      return { message: 'The requested resource does not exist', errorCode: 'NOT_FOUND' };
    case 'invalid_parameter':
      return { message, errorCode: field === 'queryLocator' ? 'INVALID_QUERY_LOCATOR' : 'MALFORMED_QUERY' };
    default:
      return { message, errorCode: code.toUpperCase() };
  }
}

/** `Account` of `accounts`. */
function typeOf(resource: string): string {
  const [first = '', ...rest] = singular(resource);
  return first.toUpperCase() + rest.join('');
}

/** A cursor that can be a step of a path. */
function toLocator(cursor: string): string {
  return btoa(cursor).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** The cursor in a path such as `/services/data/v60.0/query/01gD…-2000`. */
function locatorOf({ path }: Call): string | undefined {
  const locator = /\/query\/(.+?)(?:-\d+)?$/.exec(path)?.[1];
  try {
    return locator && atob(locator.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    return locator;
  }
}
