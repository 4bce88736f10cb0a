import { LogLevel, type UsersListResponse, WebClient, WebClientEvent } from '@slack/web-api';
import { expect, it } from 'vitest';
import { type Host, idsOf, start } from './platform.ts';

const LIST = 'POST /api/users.list';

it('walks every page by the cursor in its form', async () => {
  await using slack = await start({ profile: 'slack', auth: false, resources: { users: { records: 450 } } });

  const ids: (string | undefined)[] = [];
  for await (const page of client(slack).paginate('users.list', { limit: 200 })) {
    ids.push(...(page as UsersListResponse).members!.map(({ id }) => id));
  }

  expect(ids).toEqual(idsOf(slack, 'users'));
  expect(slack.requests()).toEqual([`${LIST} 200`, `${LIST} 200`, `${LIST} 200`]);
});

it('posts a message, and finds it in the history', async () => {
  await using slack = await start({ profile: 'slack', auth: false, resources: { messages: { records: 3 } } });
  const web = client(slack);

  const posted = await web.chat.postMessage({ channel: 'C1', text: 'amber anchor' });
  const { messages } = await web.conversations.history({ channel: 'C1' });

  expect(posted).toMatchObject({ ok: true, channel: 'C1', message: { text: 'amber anchor' } });
  expect(messages).toHaveLength(4);
  expect(messages![0]).toEqual(posted.message);
  expect(await errorOf(web.apiCall('chat.postMessage', { channel: 'C1' }))).toBe('invalid_text');
  expect(slack.requests()).toEqual([
    'POST /api/chat.postMessage 200',
    'POST /api/conversations.history 200',
    'POST /api/chat.postMessage 200',
  ]);
});

it('pauses for the whole seconds that Retry-After asks for', async () => {
  await using slack = await start({
    profile: 'slack',
    auth: false,
    limits: [{ kind: 'fixed-window', name: 'tier', with: { limit: 2, windowSeconds: 1, begins: 'first-request' } }],
  });
  const web = client(slack);
  const waits: number[] = [];
  web.on(WebClientEvent.RATE_LIMITED, (seconds) => waits.push(seconds));

  for (let call = 0; call < 3; call += 1) expect((await web.users.list({})).ok).toBe(true);

  expect(waits).toEqual([1]);
  expect(slack.requests()).toEqual([`${LIST} 200`, `${LIST} 200`, `${LIST} 429`, `${LIST} 200`]);
});

it('gives up at once where Retry-After is no whole number', async () => {
  await using slack = await start({
    profile: 'slack',
    auth: false,
    faults: [{ fault: 'rate-limited', with: { retryAfterAs: 'garbage' } }],
  });

  await expect(client(slack).users.list({})).rejects.toThrow(/Retry header did not contain a valid timeout/);
  expect(slack.requests()).toEqual([`${LIST} 429`]);
});

it('says so where it is not to wait', async () => {
  await using slack = await start({
    profile: 'slack',
    auth: false,
    faults: [{ fault: 'rate-limited', with: { retryAfterSeconds: 30 } }],
  });

  await expect(client(slack, 'xoxb', true).users.list({})).rejects.toMatchObject({
    code: 'slack_webapi_rate_limited_error',
    retryAfter: 30,
  });
});

it('is told by error words, on status 200, what is wrong with a token', async () => {
  await using slack = await start({ profile: 'slack', clock: 'manual', auth: { tokenTtlSeconds: 60 } });
  const web = client(slack, await slack.token('/api/oauth.v2.access'));

  expect((await web.users.list({})).ok).toBe(true);
  expect(await errorOf(client(slack, 'xoxb-nonsense').users.list({}))).toBe('invalid_auth');
  expect(await errorOf(client(slack, '').users.list({}))).toBe('not_authed');
  slack.provider.clock.advance(60_000);
  expect(await errorOf(web.users.list({}))).toBe('token_expired');
  expect(new Set(slack.requests(1))).toEqual(new Set([`${LIST} 200`]));
});

it('is told of a revoked token, a cursor that is none, and a method that is not there', async () => {
  await using slack = await start({ profile: 'slack' });
  const web = client(slack, await slack.token('/api/oauth.v2.access'));

  expect(await errorOf(web.users.list({ cursor: 'nonsense' }))).toBe('invalid_cursor');
  expect(await errorOf(web.apiCall('no.such.method'))).toBe('unknown_method');
  slack.provider.revokeTokens();
  expect(await errorOf(web.users.list({}))).toBe('token_revoked');
});

it('rotates a token, whose refresh token is good once', async () => {
  await using slack = await start({ profile: 'slack', auth: { refreshTokens: { 'xoxe-1-demo': 'demo-client' } } });
  const refresh = (refresh_token: string) =>
    new WebClient(undefined, { slackApiUrl: `${slack.url}/api/`, logger: QUIET }).oauth.v2.access({
      grant_type: 'refresh_token',
      client_id: 'demo-client',
      client_secret: 'demo-secret',
      refresh_token,
    });

  const { access_token, refresh_token, expires_in } = await refresh('xoxe-1-demo');

  expect(expires_in).toBe(43_200);
  expect(refresh_token).not.toBe('xoxe-1-demo');
  expect((await client(slack, access_token!).users.list({})).ok).toBe(true);
  expect(await errorOf(refresh('xoxe-1-demo'))).toBe('invalid_refresh_token');
});

function client({ url }: Host, token = 'xoxb-any', rejectRateLimitedCalls = false): WebClient {
  return new WebClient(token, {
    slackApiUrl: `${url}/api/`,
    rejectRateLimitedCalls,
    logLevel: LogLevel.ERROR,
    logger: QUIET,
    retryConfig: { retries: 2, minTimeout: 1, maxTimeout: 2 },
  });
}

/** The error word of a call that fails as the platform's own failures do. */
async function errorOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: { code: string; data: { error: string } }) => {
      expect(error.code).toBe('slack_webapi_platform_error');
      return error.data.error;
    },
  );
}

const QUIET = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  setLevel() {},
  getLevel: () => LogLevel.ERROR,
  setName() {},
};
