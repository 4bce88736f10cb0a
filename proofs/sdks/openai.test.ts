import type { ConfigInput } from '@steadfetch/fake-provider';
import OpenAI, { AuthenticationError, RateLimitError } from 'openai';
import { expect, it } from 'vitest';
import { type Platform, platform } from './platform.ts';

it('walks every page', async () => {
  await using api = await open({ resources: { batches: { records: 7 } } });
  const delivered: { id: string }[] = [];
  for await (const batch of clientOf(api).batches.list({ limit: 3 })) delivered.push({ id: batch.id });

  expect(api.provider.judge('batches', delivered)).toMatchObject({
    expected: 7,
    delivered: 7,
    lost: [],
    duplicated: [],
  });
  expect(api.statuses()).toEqual([200, 200, 200]);
});

it('reads the counters and the request id', async () => {
  await using api = await open();
  const { response, request_id } = await clientOf(api).batches.list().withResponse();

  expect(response.headers.get('x-ratelimit-limit-requests')).toBe('500');
  expect(response.headers.get('x-ratelimit-remaining-requests')).toBe('499');
  expect(response.headers.get('x-ratelimit-reset-requests')).toMatch(/^\d+ms$/);
  expect(response.headers.get('x-ratelimit-remaining-tokens')).toBe('179900');
  expect(request_id).toMatch(/^req_[0-9a-f]{32}$/);
});

it('tries again after as many seconds as it was told', async () => {
  await using api = await open({
    limits: [{ kind: 'token-bucket', name: 'requests', with: { ratePerSecond: 0.8, burst: 1 } }],
  });
  const client = clientOf(api);
  await client.batches.list();
  const startedMs = performance.now();
  await client.batches.list();

  expect(api.statuses()).toEqual([200, 429, 200]);
  expect(performance.now() - startedMs).toBeGreaterThan(1_900);
});

it('says what the limit said, once it has no tries left', async () => {
  await using api = await open({
    limits: [{ kind: 'token-bucket', name: 'tokens', with: { ratePerSecond: 0.1, burst: 1 } }],
  });
  const client = clientOf(api, 0);
  await client.batches.list();
  const error = await client.batches.list().catch((reason: unknown) => reason);

  expect(error).toBeInstanceOf(RateLimitError);
  expect(error).toMatchObject({ status: 429, code: 'rate_limit_exceeded', type: 'tokens' });
});

it('tries again even where the quota is spent', async () => {
  await using api = await open({ limits: [{ kind: 'quota', name: 'quota', announced: false, with: { limit: 1 } }] });
  const client = clientOf(api, 1);
  await client.batches.list();
  const error = await client.batches.list().catch((reason: unknown) => reason);

  expect(error).toMatchObject({ status: 429, code: 'insufficient_quota', type: 'insufficient_quota' });
  expect(api.statuses()).toEqual([200, 429, 429]);
});

it('does not try again with a key that is wrong', async () => {
  await using api = await open();
  const error = await clientOf({ ...api, token: 'sk-wrong' })
    .batches.list()
    .then(null, (reason: unknown) => reason);

  expect(error).toBeInstanceOf(AuthenticationError);
  expect(error).toMatchObject({ status: 401, code: 'invalid_api_key' });
  expect(api.statuses()).toEqual([401]);
});

const open = (config: ConfigInput = {}): Promise<Platform> => platform('openai', '/oauth/token', config);

function clientOf({ url, token }: Pick<Platform, 'url' | 'token'>, maxRetries = 2): OpenAI {
  return new OpenAI({ apiKey: token, baseURL: `${url}/v1`, maxRetries });
}
