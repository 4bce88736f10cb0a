import { json } from '../call.ts';
import type { Standing } from '../limits/limit.ts';
import type { Problem } from '../problem.ts';
import { type Dialect, type Exchange, plain, retryAfter, retryAfterMs, singular, tightest } from './dialect.ts';

/**
 * OpenAI: one trio of headers for requests and one for tokens, with resets as Go writes durations. The limit named
 * `tokens` counts tokens, any other requests; one whose purpose is a quota is the bill.
 */
export const openai: Dialect = {
  ...plain,
  name: 'openai',
  summary: 'x-ratelimit-*-requests and -tokens, resets as 6m0s or 120ms; insufficient_quota; after=<last id>',
  rateHeaders(standings, nowMs) {
    const [tokens, requests] = [true, false].map((isTokens) =>
      standings.filter((each) => (unitOf(each) === 'tokens') === isTokens),
    );
    return { ...trio('requests', requests!, nowMs), ...trio('tokens', tokens!, nowMs) };
  },
  problem(problem, exchange) {
    const { status, exceeded, headers } = problem;
    const wait = exceeded?.purpose === 'quota' ? {} : retryAfter(problem);
    return json(status, { error: errorOf(problem, exchange) }, { ...wait, ...headers });
  },
  headers: ({ requestId }) => ({
    'x-request-id': `req_${requestId().replaceAll('-', '')}`,
    'openai-organization': ORGANISATION,
    'openai-processing-ms': '12',
    'openai-version': '2020-10-01',
  }),
  fields: () => ({ ...plain.fields(), after: 'after', cursor: 'after' }),
  record: (record, resource) => ({ object: singular(resource), ...record }),
  page({ records, more }, { resource }) {
    const data = records.map((record) => ({ object: singular(resource), ...record }));
    const [first_id, last_id] = [records[0]?.id ?? null, records.at(-1)?.id ?? null];
    return json(200, { object: 'list', data, first_id, last_id, has_more: more });
  },
};

const ORGANISATION = 'org-steadfetch';

function unitOf({ name }: Standing): 'tokens' | 'requests' {
  return name === 'tokens' ? 'tokens' : 'requests';
}

function trio(unit: string, standings: readonly Standing[], nowMs: number): Readonly<Record<string, string>> {
  if (standings.length === 0) return {};
  const { limit, remaining, resetAtMs } = tightest(standings);
  return {
    [`x-ratelimit-limit-${unit}`]: `${limit}`,
    [`x-ratelimit-remaining-${unit}`]: `${remaining}`,
    [`x-ratelimit-reset-${unit}`]: goDuration(resetAtMs - nowMs),
  };
}

/** As Go prints a duration: `120ms`, `8.64s`, `6m0s`, `1h0m0s`. */
export function goDuration(durationMs: number): string {
  const ms = Math.max(0, durationMs);
  if (ms === 0) return '0s';
  if (ms < 1_000) return `${ms}ms`;
  const minutes = Math.floor(ms / 60_000);
  const seconds = `${(ms - minutes * 60_000) / 1_000}s`;
  if (minutes === 0) return seconds;
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}

function errorOf(problem: Problem, exchange: Exchange): unknown {
  const { status, code, message, field, exceeded } = problem;
  if (exceeded?.purpose === 'quota') {
    return {
      message: 'You exceeded your current quota, please check your plan and billing details.',
      type: 'insufficient_quota',
      param: null,
      code: 'insufficient_quota',
    };
  }
  if (status === 429) {
    return {
      message: exceeded === undefined ? 'Rate limit reached' : reached(exceeded, retryAfterMs(problem, exchange)),
      type: exceeded === undefined ? 'requests' : unitOf(exceeded),
      param: null,
      code: 'rate_limit_exceeded',
    };
  }
  if (status === 401) {
    return {
      message: `Incorrect API key provided: ${message}`,
      type: 'invalid_request_error',
      param: null,
      code: 'invalid_api_key',
    };
  }
  const type = status < 500 ? 'invalid_request_error' : 'server_error';
  return { message, type, param: field ?? null, code: status === 404 ? 'not_found' : code };
}

function reached(standing: Standing, waitMs: number): string {
  const { limit, remaining, windowSeconds } = standing;
  const unit = unitOf(standing);
  const [span, letter] = windowSeconds >= 86_400 ? ['day', 'D'] : ['min', 'M'];
  const name = `${unit} per ${span} (${unit === 'tokens' ? 'T' : 'R'}P${letter})`;
  return (
    `Rate limit reached for gpt-4o-mini in organization ${ORGANISATION} on ${name}: Limit ${limit}, ` +
    `Used ${limit - remaining}, Requested 1. Please try again in ${goDuration(waitMs)}. ` +
    'Visit https://platform.openai.com/account/rate-limits to learn more.'
  );
}
