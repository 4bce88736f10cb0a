import { rfc6749, type TokenWords } from '../auth/token-words.ts';
import { type Call, json, type Reply } from '../call.ts';
import type { ProviderRecord } from '../data/record.ts';
import type { Standing } from '../limits/limit.ts';
import type { PaginationName } from '../pagination/index.ts';
import type { Page } from '../pagination/pagination.ts';
import type { ParamName } from '../pagination/params.ts';
import { invalidParameter, type Problem } from '../problem.ts';
import { type Route, route } from '../routes.ts';
import type { ItemResult } from '../writes/batch.ts';
import { itemsOf, jsonInput } from '../writes/input.ts';

/** What a dialect may know about the page it words. */
export interface PageSite {
  readonly call: Call;
  /** The name of the resource. */
  readonly resource: string;
  readonly pagination: PaginationName;
  /** What the dialect calls the parameters. */
  readonly fields: Readonly<Record<ParamName, string>>;
}

/** What a dialect may know about the request it answers, whatever comes of it. */
export interface Exchange {
  /** Epoch milliseconds. */
  readonly nowMs: number;
  /** Names the request, in the form of a UUID. */
  requestId(): string;
}

/** What a dialect may know about the write it words. */
export interface WriteSite extends Exchange {
  readonly call: Call;
  /** The route's name, such as `POST /users/batch`. */
  readonly route: string;
  /** The name of the resource. */
  readonly resource: string;
  /** The status of a batch of which some items failed, as it is configured. */
  readonly failedStatus: number;
  /** The record in the words of the dialect. */
  word(record: ProviderRecord): unknown;
}

/** How a provider words what every provider has to say, and where it is asked. */
export interface Dialect {
  /** The name used in a configuration. */
  readonly name: string;
  /** One line for people who choose. */
  readonly summary: string;
  /** Where a resource is listed, read and written; `path` begins with a slash. */
  routes(resource: string, path: string): readonly Route[];
  /** The credential that a request presents, without its scheme. */
  credential(call: Call): string | undefined;
  /** The token endpoint. */
  readonly token: TokenWords;
  /**
   * The headers that tell a client where it stands with the announced limits; there is at least one. `exceeded` is the
   * limit that this request ran into, announced or not.
   */
  rateHeaders(standings: readonly Standing[], nowMs: number, exceeded?: Standing): Readonly<Record<string, string>>;
  /** The answer to a request that cannot be served, throttled ones included. */
  problem(problem: Problem, exchange: Exchange): Reply;
  /** The headers that every answer carries; none, if left out. */
  headers?(exchange: Exchange): Readonly<Record<string, string>>;
  /** Where a client puts the parameters of a listing. */
  parameters(call: Call): URLSearchParams;
  /** What it calls them. */
  fields(pagination: PaginationName): Readonly<Record<ParamName, string>>;
  /** A record as it goes over the wire. */
  record(record: ProviderRecord, resource: string): unknown;
  /** One page of a listing. */
  page(page: Page, site: PageSite): Reply;
  /**
   * What the body of a write says: the fields of a record; for a batch, an array of those, where an item with an `id`
   * updates that record, and one with `delete: true` beside deletes it. Whatever it gives back is checked.
   *
   * @throws `Problem` where the body cannot be read.
   */
  input(call: Call, operation: 'create' | 'update' | 'batch'): unknown;
  /** The answer to a write that made a record. */
  created(record: ProviderRecord, site: WriteSite): Reply;
  /** The answer to a write that changed a record. */
  updated(record: ProviderRecord, site: WriteSite): Reply;
  /** The answer to a write that deleted a record. */
  deleted(id: string, site: WriteSite): Reply;
  /** The answer to a batch, whatever became of its items. */
  batch(results: readonly ItemResult[], site: WriteSite): Reply;
}

/** The answers on which other dialects build: plain JSON, and REST as most would expect it. */
export const plain = {
  routes: (resource, path) => [
    route(`GET ${path}`, 'list', resource),
    route(`GET ${path}/:id`, 'get', resource),
    route(`POST ${path}`, 'create', resource),
    route(`PATCH ${path}/:id`, 'update', resource),
    route(`DELETE ${path}/:id`, 'delete', resource),
    route(`POST ${path}/batch`, 'batch', resource),
  ],
  credential: (call) => /^bearer +(\S+)$/i.exec(call.headers.authorization ?? '')?.[1],
  token: rfc6749,
  rateHeaders: () => ({}),
  problem: (problem) => json(problem.status, plainError(problem), { ...retryAfter(problem), ...problem.headers }),
  parameters: (call) => call.query,
  fields: () => ({
    limit: 'limit',
    cursor: 'cursor',
    offset: 'offset',
    page: 'page',
    after: 'after_id',
    since: 'created_from',
    until: 'created_to',
  }),
  record: (record) => record,
  input: (call, operation) => (operation === 'batch' ? itemsOf(jsonInput(call)) : jsonInput(call)),
  created: (record, { call, word }) => json(201, word(record), { location: `${call.path}/${record.id}` }),
  updated: (record, { word }) => json(200, word(record)),
  deleted: () => ({ status: 204, headers: {}, body: '' }),
  batch(results, { failedStatus, word }) {
    const worded = results.map(({ index, status, id, record, problem }) => ({
      ...{ index, status, id },
      ...(record !== undefined && { record: word(record) }),
      ...(problem !== undefined && plainError(problem)),
    }));
    return json(results.some(({ problem }) => problem !== undefined) ? failedStatus : 200, { results: worded });
  },
} as const satisfies Partial<Dialect>;

/** The body of an error: `{"error": {"code", "message", "field"}}`. */
function plainError({ code, message, field }: Problem): { readonly error: unknown } {
  return { error: { code, message, field } };
}

/** `Retry-After` in seconds, where the problem says how long. */
export function retryAfter({ retryAfterSeconds }: Problem): Readonly<Record<string, string>> {
  return retryAfterSeconds === undefined ? {} : { 'retry-after': `${retryAfterSeconds}` };
}

/** How long to stay away, to the millisecond where a limit says so; 0, where nothing does. */
export function retryAfterMs({ exceeded, retryAfterSeconds, headers }: Problem, { nowMs }: Exchange): number {
  if (exceeded !== undefined) return Math.max(0, exceeded.allowedAtMs - nowMs);
  return Math.max(0, retryAfterSeconds ?? (Number(headers['retry-after']) || 0)) * 1_000;
}

/** The user and the password of HTTP basic authentication (RFC 7617); `undefined`, where the request has none. */
export function basicOf({ headers }: Call): { readonly user: string; readonly password: string } | undefined {
  const coded = /^basic +([a-z0-9+/]+=*)$/i.exec(headers.authorization ?? '')?.[1];
  if (coded === undefined) return undefined;
  try {
    const [, user = '', password = ''] = /^([^:]*):?(.*)$/s.exec(atob(coded))!;
    return { user, password };
  } catch {
    return undefined;
  }
}

/** The fields of a form body; none where the body is something else. */
export function formOf({ headers, body }: Call): URLSearchParams {
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '');
  return new URLSearchParams(isForm ? body : '');
}

/** What stands under the only name of a JSON body, as in `{"ticket": {…}}` and `{"tickets": […]}`. */
export function unwrapped(call: Call): unknown {
  const input = jsonInput(call);
  const values = typeof input === 'object' && input !== null ? Object.values(input) : [];
  return values.length === 1 ? values[0] : undefined;
}

/** The fields of a JSON body that a query could hold too: texts and numbers. Throws `Problem` 400 where it is no object. */
export function jsonFieldsOf({ body }: Call): URLSearchParams {
  const fields = parsed(body);
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    throw invalidParameter('body', 'must be a JSON object');
  }
  const plainFields = Object.entries(fields).filter(([, value]) => ['string', 'number'].includes(typeof value));
  return new URLSearchParams(plainFields.map(([name, value]) => [name, `${value}`]));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The limit that leaves the least. Of equals, the one that comes back last. */
export function tightest(standings: readonly Standing[]): Standing {
  return standings.reduce((least, other) =>
    other.remaining < least.remaining || (other.remaining === least.remaining && other.resetAtMs > least.resetAtMs)
      ? other
      : least,
  );
}

/** Whole seconds from now, rounded up: a client that waits so long is never too early. */
export function secondsUntil(atMs: number, nowMs: number): number {
  return Math.max(0, Math.ceil((atMs - nowMs) / 1_000));
}

/** The parameter that asks for the page after this one, if there is one. */
export function nextParameter({ next }: Page, { pagination, fields }: PageSite): Readonly<Record<string, string>> {
  if (next === undefined) return {};
  const names = { offset: fields.offset, 'page-number': fields.page, keyset: fields.after };
  return { [pagination in names ? names[pagination as keyof typeof names] : fields.cursor]: next };
}

/** One of what a resource holds many of: `company` of `companies`, `batch` of `batches`. */
export function singular(resource: string): string {
  return resource
    .replace(/ies$/, 'y')
    .replace(/(ch|sh|ss|x)es$/, '$1')
    .replace(/s$/, '');
}

/** The words that HTTP has for a status (RFC 9110, section 15). */
export function reasonPhrase(status: number): string {
  return REASONS[status] ?? (status < 500 ? 'Bad Request' : 'Internal Server Error');
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  417: 'Expectation Failed',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** The URL of a call with some parameters set and some, where `undefined`, left out. */
export function urlWith(call: Call, parameters: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams(call.query);
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  return `${call.origin}${call.path}${text === '' ? '' : `?${text}`}`;
}

/**
 * A `Link` header (RFC 8288). Regular expressions read it in the wild: this spelling is the one that all of them take.
 */
export function linkHeader(links: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(links)
    .flatMap(([rel, target]) => (target === undefined ? [] : [`<${target}>; rel="${rel}"`]))
    .join(', ');
}
