import { type Call, json } from '../call.ts';
import { pick } from '../chance.ts';
import type { ProviderRecord } from '../data/record.ts';
import { invalidParameter } from '../problem.ts';
import { text } from '../query.ts';
import { route } from '../routes.ts';
import { jsonInput } from '../writes/input.ts';
import { basicOf, type Dialect, formOf, plain, reasonPhrase } from './dialect.ts';

/**
 * Mixpanel's query API, which says nothing of its limits before or after they are reached. A path that ends in `/export`
 * is an export: all of it in one answer, a line each.
 */
export const mixpanel: Dialect = {
  ...plain,
  name: 'mixpanel',
  summary: 'no rate headers and no Retry-After; errors as {code, error, status}; page from 0 with session_id; JSONL',
  routes(resource, path) {
    if (path.endsWith('/import')) return [route(`POST ${path}`, 'batch', resource)];
    const lists = [route(`GET ${path}`, 'list', resource), route(`POST ${path}`, 'list', resource)];
    return isExport(path) ? lists.slice(0, 1) : lists;
  },
  /** A service account's secret as the password, or a project's secret as the user. */
  credential(call) {
    const { user = '', password = '' } = basicOf(call) ?? {};
    return password || user || undefined;
  },
  rateHeaders: () => ({}),
  problem: ({ status, code, message, headers }) =>
    json(status, { code: status, error: ERRORS[code] ?? message, status: reasonPhrase(status) }, headers),
  parameters(call) {
    const parameters = new URLSearchParams([...call.query, ...formOf(call)]);
    if (isExport(call.path)) requireDates(parameters);
    else countFromOne(parameters, call);
    return parameters;
  },
  fields: (pagination) => (pagination === 'page-number' ? { ...plain.fields(), limit: 'page_size' } : plain.fields()),
  input: (call) => eventsOf(call)?.map((event) => ({ name: event.event })),
  /** Strict mode: what is good is stored, though the answer is a 400. */
  batch(results, { call }) {
    const events = eventsOf(call) ?? [];
    const failed = results.flatMap(({ index, problem }) => {
      if (problem === undefined) return [];
      const field = problem.field === 'name' ? 'event' : 'properties.time';
      return [{ index, insert_id: events[index]?.properties?.$insert_id, field, message: problem.message }];
    });
    const num_records_imported = results.length - failed.length;
    return failed.length === 0
      ? json(200, { code: 200, num_records_imported, status: 'OK' })
      : json(400, { code: 400, num_records_imported, status: 'Bad Request', failed_records: failed });
  },
  page({ records, offset, limit, total }, { call }) {
    if (isExport(call.path)) {
      const body = records.map((record) => `${JSON.stringify(eventOf(record))}\n`).join('');
      return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
    }
    return json(200, {
      page: Math.floor(offset / limit),
      page_size: limit,
      session_id: sessionOf(call),
      status: 'ok',
      total,
      results: records.map((record) => ({ $distinct_id: record.id, $properties: record })),
    });
  },
};

const ERRORS: Readonly<Record<string, string>> = {
  rate_limited: 'Project exceeded rate limits. Please retry the request with exponential backoff.',
  missing_token: 'Invalid credentials',
  invalid_token: 'Invalid credentials',
  expired_token: 'Invalid credentials',
  revoked_token: 'Invalid credentials',
};

interface SentEvent {
  readonly event?: unknown;
  readonly properties?: { readonly $insert_id?: unknown };
}

/** The events of an import; `undefined`, where the body is no array of objects. */
function eventsOf(call: Call): readonly SentEvent[] | undefined {
  const input = jsonInput(call);
  const isEvents = Array.isArray(input) && input.every((event) => typeof event === 'object' && event !== null);
  return isEvents ? input : undefined;
}

function isExport(path: string): boolean {
  return path.endsWith('/export');
}

function requireDates(parameters: URLSearchParams): void {
  for (const field of ['from_date', 'to_date']) {
    const date = text(parameters, field) ?? '';
    if (!/^\d{4}-\d\d-\d\d$/.test(date)) throw invalidParameter(field, 'must be a date, such as "2026-01-31"');
  }
}

/** Pages are counted from 0 here and from 1 everywhere else; the second one needs the session of the first. */
function countFromOne(parameters: URLSearchParams, call: Call): void {
  const page = text(parameters, 'page');
  if (page === undefined || !/^\d{1,9}$/.test(page)) return;
  if (page !== '0' && text(parameters, 'session_id') !== sessionOf(call)) {
    throw invalidParameter('session_id', 'must be the one that came with page 0');
  }
  parameters.set('page', `${Number(page) + 1}`);
}

/** Ten digits and six letters. The same listing always has the same. */
function sessionOf({ path }: Call): string {
  const digits = 1_000_000_000 + pick(9_000_000_000, 'session', path);
  const letters = Array.from({ length: 6 }, (_, at) => String.fromCharCode(65 + pick(26, 'session', path, at)));
  return `${digits}-${letters.join('')}`;
}

function eventOf({ id, created_at, ...properties }: ProviderRecord): unknown {
  const time = Math.floor(Date.parse(created_at) / 1_000);
  return { event: 'Recorded', properties: { time, distinct_id: id, $insert_id: id, ...properties } };
}
