import { json, type Reply } from '../call.ts';
import type { Problem } from '../problem.ts';
import { route } from '../routes.ts';
import { type Dialect, formOf, plain, singular } from './dialect.ts';
import { neutralPage } from './neutral.ts';

/** Stripe's API, version 1. It tells nothing of its limits until one is reached. */
export const stripe: Dialect = {
  ...plain,
  name: 'stripe',
  summary: 'no counters; 429 with Stripe-Rate-Limited-Reason and no Retry-After; errors as {"error": {type, code}}',
  routes: (resource, path) => [
    route(`GET ${path}`, 'list', resource),
    route(`GET ${path}/:id`, 'get', resource),
    route(`POST ${path}`, 'create', resource),
    route(`POST ${path}/:id`, 'update', resource),
    route(`DELETE ${path}/:id`, 'delete', resource),
  ],
  credential(call) {
    const basic = /^basic +([a-z0-9+/]+=*)$/i.exec(call.headers.authorization ?? '')?.[1];
    return basic === undefined ? plain.credential(call) : userOf(basic);
  },
  headers: ({ requestId }) => ({ 'request-id': `req_${requestId().replaceAll('-', '').slice(0, 14)}` }),
  problem(problem) {
    if (problem.code === 'rate_limited') return throttled(problem);
    if (problem.code === 'locked') return locked;
    if (problem.status >= 500) return failed(problem);
    const { status, code, message, field, headers } = problem;
    const error = { code, message, param: field, type: 'invalid_request_error', ...ERRORS[code] };
    return json(status, { error }, headers);
  },
  fields: () => ({ ...plain.fields(), after: 'starting_after' }),
  record: (record, resource) => ({
    ...record,
    object: singular(resource),
    created: Math.floor(Date.parse(record.created_at) / 1_000),
  }),
  // What stands in brackets, such as metadata, is not kept.
  input: (call) => Object.fromEntries([...formOf(call)].filter(([name]) => !name.includes('['))),
  created: (record, { word }) => json(200, word(record)),
  deleted: (id, { resource }) => json(200, { id, object: singular(resource), deleted: true }),
  page(page, site) {
    if (site.pagination !== 'keyset') return neutralPage(page, site);
    const data = page.records.map((record) => stripe.record(record, site.resource));
    return json(200, { object: 'list', data, has_more: page.more, url: site.call.path });
  },
};

function throttled({ exceeded, headers }: Problem): Reply {
  const { name = '', purpose = 'rate' } = exceeded ?? {};
  const reason = REASONS.includes(name) ? name : purpose === 'concurrency' ? 'global-concurrency' : 'global-rate';
  const error = {
    code: 'rate_limit',
    doc_url: 'https://stripe.com/docs/error-codes/rate-limit',
    message: 'Request rate limit exceeded. Learn more about rate limits in the documentation.',
    type: 'invalid_request_error',
  };
  return json(429, { error }, { 'stripe-rate-limited-reason': reason, ...headers });
}

/** A 429 that is no rate limit: somebody else holds the object. Trying again is all it takes. */
const locked = json(
  429,
  {
    error: {
      code: 'lock_timeout',
      doc_url: 'https://stripe.com/docs/error-codes/lock-timeout',
      message: 'This object cannot be accessed right now because another request is accessing it.',
      type: 'invalid_request_error',
    },
  },
  { 'stripe-should-retry': 'true' },
);

/** A 500 is stored under its idempotency key: trying again would only play it back. */
function failed({ status, message, headers }: Problem): Reply {
  const hint = status === 500 ? { 'stripe-should-retry': 'false' } : {};
  return json(status, { error: { message, type: 'api_error' } }, { ...hint, ...headers });
}

/** The user of HTTP Basic, which is where a secret key goes. */
function userOf(basic: string): string | undefined {
  try {
    return atob(basic).split(':')[0];
  } catch {
    return undefined;
  }
}

const REASONS = ['global-rate', 'global-concurrency', 'endpoint-rate', 'endpoint-concurrency', 'resource-specific'];

interface ErrorWords {
  readonly code?: string | undefined;
  readonly message?: string;
  readonly param?: undefined;
  readonly type?: string;
}

const ERRORS: Readonly<Record<string, ErrorWords>> = {
  idempotency_key_reused: {
    code: undefined,
    message: 'Keys for idempotent requests can only be used with the same parameters they were first used with.',
    param: undefined,
    type: 'idempotency_error',
  },
  idempotency_key_in_use: { param: undefined, type: 'idempotency_error' },
  missing_token: { code: undefined, message: 'You did not provide an API key.' },
  invalid_token: { code: undefined, message: 'Invalid API Key provided: ****' },
  revoked_token: { code: undefined, message: 'Invalid API Key provided: ****' },
  expired_token: { code: 'api_key_expired', message: 'Expired API Key provided: ****' },
  not_found: { code: 'resource_missing' },
  invalid_parameter: { code: 'parameter_invalid' },
};
