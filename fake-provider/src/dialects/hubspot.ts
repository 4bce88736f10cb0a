import { type Call, json, type Reply } from '../call.ts';
import type { Problem } from '../problem.ts';
import { route } from '../routes.ts';
import { isObject } from '../writes/fields.ts';
import { jsonInput } from '../writes/input.ts';
import { type Dialect, type Exchange, jsonFieldsOf, plain, tightest, urlWith } from './dialect.ts';
import { neutralPage } from './neutral.ts';

/** HubSpot's API. The text of a 429, and the name of its policy, decide what clients do: they are exact. */
export const hubspot: Dialect = {
  ...plain,
  name: 'hubspot',
  summary: 'X-HubSpot-RateLimit-* with a window length; 429 with policyName and no Retry-After; paging.next.after',
  routes: (resource, path) => [
    ...plain.routes(resource, path).filter(({ operation }) => operation !== 'batch'),
    route(`POST ${path}/search`, 'search', resource),
    route(`POST ${path}/batch/create`, 'batch', resource),
    route(`POST ${path}/batch/update`, 'batch', resource),
  ],
  token: { ...plain.token, path: '/oauth/v1/token' },
  rateHeaders(standings) {
    const daily = standings.find(({ purpose }) => purpose === 'quota');
    const bursts = standings.filter(({ purpose }) => purpose !== 'quota');
    const burst = bursts.length === 0 ? undefined : tightest(bursts);
    return {
      ...(daily && {
        'x-hubspot-ratelimit-daily': `${daily.limit}`,
        'x-hubspot-ratelimit-daily-remaining': `${daily.remaining}`,
      }),
      ...(burst && {
        'x-hubspot-ratelimit-interval-milliseconds': `${Math.round(burst.windowSeconds * 1_000)}`,
        'x-hubspot-ratelimit-max': `${burst.limit}`,
        'x-hubspot-ratelimit-remaining': `${burst.remaining}`,
      }),
    };
  },
  problem(problem, exchange) {
    if (problem.code === 'rate_limited') return throttled(problem, exchange);
    const { status, message, field, headers } = problem;
    const category = CATEGORIES[problem.code] ?? 'VALIDATION_ERROR';
    const failure = category === 'INVALID_AUTHENTICATION' ? { 'x-hubspot-auth-failure': '401 Unauthorized' } : {};
    const correlationId = exchange.requestId();
    const body =
      problem.code === 'expired_token'
        ? {
            status: 'error',
            message: 'The OAuth token used to make this call expired 0 second(s) ago.',
            correlationId,
            category,
            context: { 'expire time': [new Date(exchange.nowMs).toISOString()] },
          }
        : { status: 'error', message, correlationId, category, ...(field && { errors: [{ message, in: field }] }) };
    return json(status, body, { ...failure, ...headers });
  },
  parameters: (call) => (call.method === 'POST' ? jsonFieldsOf(call) : call.query),
  fields: () => ({ ...plain.fields(), cursor: 'after' }),
  record: ({ id, created_at: createdAt, updated_at: updatedAt, name, amount_cents, version }) => ({
    id,
    properties: { name, amount_cents: `${amount_cents}`, version: `${version}` },
    createdAt,
    updatedAt,
    archived: false,
  }),
  input(call, operation) {
    const body = jsonInput(call);
    if (operation !== 'batch') return propertiesOf(body);
    const inputs = isObject(body) ? body.inputs : undefined;
    return Array.isArray(inputs) ? inputs.map(propertiesOf) : inputs;
  },
  batch(results, site) {
    const at = new Date(site.nowMs).toISOString();
    const errors = results.flatMap(({ index, problem }) =>
      problem === undefined
        ? []
        : [
            {
              status: 'error',
              category: 'VALIDATION_ERROR',
              message: problem.message,
              context: traceOf(site.call, index),
              links: {},
            },
          ],
    );
    const body = {
      status: 'COMPLETE',
      requestedAt: at,
      startedAt: at,
      completedAt: at,
      results: results.flatMap(({ record }) => (record === undefined ? [] : [site.word(record)])),
      ...(errors.length > 0 && { numErrors: errors.length, errors }),
    };
    return json(errors.length > 0 ? site.failedStatus : site.route.endsWith('/create') ? 201 : 200, body);
  },
  page(page, site) {
    if (site.pagination !== 'cursor') return neutralPage(page, site);
    const { call, resource } = site;
    const results = page.records.map((record) => hubspot.record(record, resource));
    const isSearch = call.method === 'POST';
    const next = page.next === undefined ? undefined : { after: page.next, link: urlWith(call, { after: page.next }) };
    return json(200, { ...(isSearch && { total: page.total }), results, ...(next && { paging: { next } }) });
  },
};

/** The limit's own name is the policy's: `ten-secondly-rolling`, `secondly`, `daily`. */
function throttled({ exceeded, headers }: Problem, { requestId }: Exchange): Reply {
  const policy = (exceeded?.name ?? 'secondly').replaceAll('-', '_');
  const policyName = policy.toUpperCase();
  const body = {
    status: 'error',
    message: `You have reached your ${policy} limit.`,
    errorType: 'RATE_LIMIT',
    correlationId: requestId(),
    policyName,
    ...(policyName === 'SECONDLY' ? { requestId: requestId() } : { groupName: 'publicapi:private-apps:1' }),
  };
  return json(429, body, headers);
}

/** An input's properties, with the id of the record that it changes. */
function propertiesOf(input: unknown): unknown {
  if (!isObject(input)) return input;
  const { id, properties } = input;
  return isObject(properties) ? { ...(id !== undefined && { id }), ...properties } : properties;
}

/** The id by which the client knows the input of a batch that failed, if it gave one. */
function traceOf({ body }: Call, index: number): unknown {
  const { inputs } = JSON.parse(body) as { inputs: readonly { objectWriteTraceId?: unknown }[] };
  const { objectWriteTraceId } = inputs[index] ?? {};
  return objectWriteTraceId === undefined ? {} : { objectWriteTraceId: [objectWriteTraceId] };
}

const CATEGORIES: Readonly<Record<string, string>> = {
  missing_token: 'INVALID_AUTHENTICATION',
  invalid_token: 'INVALID_AUTHENTICATION',
  revoked_token: 'INVALID_AUTHENTICATION',
  expired_token: 'EXPIRED_AUTHENTICATION',
  not_found: 'OBJECT_NOT_FOUND',
};
