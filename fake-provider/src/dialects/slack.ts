import { type Call, json, type Reply } from '../call.ts';
import type { Problem } from '../problem.ts';
import { route } from '../routes.ts';
import { type Dialect, formOf, plain, retryAfter } from './dialect.ts';
import { neutralPage } from './neutral.ts';

/** Slack's Web API. What fails is a 200 with `ok: false`, except to be throttled. */
export const slack: Dialect = {
  ...plain,
  name: 'slack',
  summary: 'POST /api/<method> with a form; 200 {"ok": false, error}; 429 with an integer Retry-After; next_cursor',
  routes: (resource, path) => [
    route(`POST ${path}`, 'list', resource),
    route(`GET ${path}`, 'list', resource),
    ...(path.endsWith('/conversations.history') ? [route('POST /api/chat.postMessage', 'create', resource)] : []),
  ],
  credential: (call) => plain.credential(call) ?? said(call).get('token') ?? undefined,
  token: {
    ...plain.token,
    path: '/api/oauth.v2.access',
    grant: ({ accessToken, expiresInSeconds, refreshToken, scope = '' }) =>
      json(200, {
        ok: true,
        access_token: accessToken,
        token_type: 'bot',
        expires_in: expiresInSeconds,
        refresh_token: refreshToken,
        scope,
        team: { id: 'T00000001', name: 'team' },
      }),
    refusal: ({ error, description }) =>
      json(200, { ok: false, error: TOKEN_ERRORS[error] ?? error, ...messages(description) }),
  },
  problem(problem) {
    const { status, code, message, field = '', headers } = problem;
    if (code === 'rate_limited') return throttled(problem);
    const error = ERRORS[code] ?? (code === 'invalid_parameter' ? `invalid_${field}` : code);
    // The transport's own refusals and what fails below the methods keep their status.
    const isWorded = [400, 401, 403, 404].includes(status);
    return json(isWorded ? 200 : status, { ok: false, error, ...messages(message) }, isWorded ? {} : headers);
  },
  parameters: said,
  input(call) {
    const { token: _token, ...fields } = Object.fromEntries(said(call));
    return fields;
  },
  created: (record, { call, word }) =>
    json(200, { ok: true, channel: said(call).get('channel'), message: word(record) }),
  page(page, site) {
    if (site.pagination !== 'cursor') return neutralPage(page, site);
    const { call, resource } = site;
    const records = page.records.map((record) => slack.record(record, resource));
    const name = NAMES[call.path.split('/').at(-1)!] ?? resource;
    return json(200, { ok: true, [name]: records, response_metadata: { next_cursor: page.next ?? '' } });
  },
};

/** Without a whole number to wait for, clients give up at once. */
function throttled(problem: Problem): Reply {
  const headers = { 'retry-after': '1', ...retryAfter(problem), ...problem.headers };
  return json(429, { ok: false, error: 'ratelimited' }, headers);
}

/** The arguments of a method: of the form, or of the query. */
function said(call: Call): URLSearchParams {
  return call.method === 'POST' ? new URLSearchParams([...call.query, ...formOf(call)]) : call.query;
}

function messages(text: string): object {
  return { response_metadata: { messages: [`[ERROR] ${text}`] } };
}

/** What a method calls the things that it lists, where that is not the resource's name. */
const NAMES: Readonly<Record<string, string>> = {
  'users.list': 'members',
  'conversations.list': 'channels',
  'conversations.history': 'messages',
  'conversations.replies': 'messages',
};

const ERRORS: Readonly<Record<string, string>> = {
  missing_token: 'not_authed',
  invalid_token: 'invalid_auth',
  expired_token: 'token_expired',
  revoked_token: 'token_revoked',
  expired_cursor: 'invalid_cursor',
  not_found: 'unknown_method',
};

const TOKEN_ERRORS: Readonly<Record<string, string>> = {
  invalid_client: 'invalid_client_id',
  invalid_grant: 'invalid_refresh_token',
};
