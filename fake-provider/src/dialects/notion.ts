import { type Call, json } from '../call.ts';
import { Problem } from '../problem.ts';
import { route } from '../routes.ts';
import { type Dialect, plain, retryAfter, singular } from './dialect.ts';

/** Notion: no counters at all; what a client may do about an error is in the body's `code`, not in the status. */
export const notion: Dialect = {
  ...plain,
  name: 'notion',
  summary: 'no rate headers; errors as {"object": "error", code}; start_cursor in the query or the body of a POST',
  token: {
    ...plain.token,
    path: '/v1/oauth/token',
    mediaType: 'application/json',
    form: (call) =>
      new URLSearchParams(Object.entries(fieldsOf(call) ?? {}).map(([name, value]) => [name, `${value}`])),
  },
  routes(resource, path) {
    const lists = [route(`GET ${path}`, 'list', resource), route(`POST ${path}`, 'list', resource)];
    return isQuery(path) ? lists.slice(1) : [...lists, route(`GET ${path}/:id`, 'get', resource)];
  },
  rateHeaders: () => ({}),
  problem(problem, { requestId }) {
    const { message, exceeded } = problem;
    const { status, code } = codeOf(problem);
    const body = {
      object: 'error',
      status,
      code,
      message,
      ...(code === 'rate_limited' ? { additional_data: { rate_limit_reason: exceeded?.name ?? 'connection' } } : {}),
      request_id: requestId(),
    };
    return json(status, body, { ...retryAfter(problem), ...problem.headers });
  },
  headers: ({ requestId }) => ({ 'x-notion-request-id': requestId() }),
  parameters(call) {
    if (call.method !== 'POST') return call.query;
    const fields = fieldsOf(call);
    if (fields === undefined) throw new Problem(400, 'invalid_json', 'Error parsing JSON body.', { field: 'body' });
    const known = ['start_cursor', 'page_size'].filter((name) => (fields[name] ?? undefined) !== undefined);
    return new URLSearchParams(known.map((name) => [name, asText(fields[name])]));
  },
  fields: () => ({ ...plain.fields(), limit: 'page_size', cursor: 'start_cursor' }),
  record: (record, resource) => ({ object: singular(resource), ...record }),
  page({ records, next, more }, { resource }) {
    const results = records.map((record) => ({ object: singular(resource), ...record }));
    return json(200, { object: 'list', results, next_cursor: next ?? null, has_more: more });
  },
};

/** `POST /v1/search` and `POST /v1/data_sources/:id/query` list what others list by GET. */
function isQuery(path: string): boolean {
  return /\/(query|search)$/.test(path);
}

/** The fields of a JSON body; none, if there is no body; `undefined`, if it is no JSON object. */
function fieldsOf({ body }: Call): Readonly<Record<string, unknown>> | undefined {
  if (body === '') return {};
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : undefined;
  } catch {
    return undefined;
  }
}

/** A value as it would stand in a query, so that a wrong one is refused by the same words. */
function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const CODES: Readonly<Record<number, string>> = {
  400: 'validation_error',
  401: 'unauthorized',
  403: 'restricted_resource',
  404: 'object_not_found',
  409: 'conflict_error',
  429: 'rate_limited',
  500: 'internal_server_error',
  503: 'service_unavailable',
  504: 'gateway_timeout',
  529: 'service_overload',
};

/** The SDK retries by this code. */
function codeOf({ status, code, field }: Problem): { readonly status: number; readonly code: string } {
  if (status === 404 && field === 'path') return { status: 400, code: 'invalid_request_url' };
  return { status, code: code === 'invalid_json' ? code : (CODES[status] ?? 'invalid_request') };
}
