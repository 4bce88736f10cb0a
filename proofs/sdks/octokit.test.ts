import { Octokit } from 'octokit';
import { expect, it, vi } from 'vitest';
import { type Host, idsOf, start } from './platform.ts';

const REPOSITORY = { owner: 'me', repo: 'it' };
const LIST = 'GET /repos/:owner/:repo/issues';

it('walks every page by the Link header', async () => {
  await using github = await start({ profile: 'github', auth: false, resources: { issues: { records: 250 } } });
  const { octokit } = client(github);

  const issues = await octokit.paginate(octokit.rest.issues.listForRepo, { ...REPOSITORY, per_page: 100 });

  expect(issues.map(({ id }) => id)).toEqual(idsOf(github, 'issues'));
  expect(github.requests()).toEqual([`${LIST} 200`, `${LIST} 200`, `${LIST} 200`]);
});

it('finds no Link header where all fits on one page, and the counters on every answer', async () => {
  await using github = await start({ profile: 'github', auth: false, resources: { issues: { records: 30 } } });

  const { data, headers } = await client(github).octokit.rest.issues.listForRepo(REPOSITORY);

  expect(data).toHaveLength(30);
  expect(headers).toMatchObject({
    'x-ratelimit-limit': '5000',
    'x-ratelimit-remaining': '4999',
    'x-ratelimit-used': '1',
    'x-ratelimit-resource': 'core',
  });
  expect(headers.link).toBeUndefined();
});

it('flattens a search, which has a limit of its own', async () => {
  await using github = await start({ profile: 'github', auth: false, resources: { issues: { records: 130 } } });
  const { octokit } = client(github);

  const resources = new Set<unknown>();
  const search = octokit.rest.search.issuesAndPullRequests;
  const found = await octokit.paginate(search, { q: 'is:open', per_page: 100 }, ({ data, headers }) => {
    resources.add(headers['x-ratelimit-resource']);
    return data;
  });

  expect([...resources]).toEqual(['search']);
  expect(found.map(({ id }) => id)).toEqual(idsOf(github, 'issues'));
});

it('hears of the primary limit by its counters, and waits until the reset', async () => {
  await using github = await start({
    profile: 'github',
    auth: false,
    limits: [{ kind: 'fixed-window', name: 'core', with: { limit: 2, windowSeconds: 1, begins: 'first-request' } }],
  });
  const { octokit, onRateLimit, onSecondaryRateLimit } = client(github);

  for (let call = 0; call < 3; call += 1) await octokit.rest.issues.listForRepo(REPOSITORY);

  expect(github.requests()).toEqual([`${LIST} 200`, `${LIST} 200`, `${LIST} 403`, `${LIST} 200`]);
  expect(onRateLimit).toHaveBeenCalledExactlyOnceWith(expect.toBeOneOf([2, 3]), expect.anything(), octokit, 0);
  expect(onSecondaryRateLimit).not.toHaveBeenCalled();
});

it('hears of a secondary limit by its text, and waits for Retry-After', async () => {
  await using github = await start({
    profile: 'github',
    auth: false,
    limits: [
      { kind: 'fixed-window', name: 'core', with: { limit: 5_000, windowSeconds: 3_600 } },
      {
        kind: 'fixed-window',
        name: 'points',
        purpose: 'secondary',
        announced: false,
        with: { limit: 2, windowSeconds: 1, begins: 'first-request' },
      },
    ],
  });
  const { octokit, onRateLimit, onSecondaryRateLimit } = client(github);

  for (let call = 0; call < 3; call += 1) await octokit.rest.issues.listForRepo(REPOSITORY);

  expect(github.requests()).toEqual([`${LIST} 200`, `${LIST} 200`, `${LIST} 403`, `${LIST} 200`]);
  expect(onSecondaryRateLimit).toHaveBeenCalledExactlyOnceWith(1, expect.anything(), octokit, 0);
  expect(onRateLimit).not.toHaveBeenCalled();
});

it('is told of credentials that are bad, and of what is not there', async () => {
  await using github = await start({ profile: 'github' });
  const known = client(github, await github.token('/login/oauth/access_token'));
  const unknown = client(github, 'ghp_nonsense');

  await expect(unknown.octokit.rest.issues.listForRepo(REPOSITORY)).rejects.toMatchObject({
    status: 401,
    message: 'Bad credentials - https://docs.github.com/rest',
  });
  expect((await known.octokit.rest.issues.listForRepo(REPOSITORY)).status).toBe(200);
  await expect(known.octokit.rest.issues.get({ ...REPOSITORY, issue_number: 7 })).rejects.toMatchObject({
    status: 404,
    message: 'Not Found - https://docs.github.com/rest',
  });
});

/** The SDK with its throttling and retry plugins as they come, and ears at both of the limits' handlers. */
function client({ url }: Host, auth?: string) {
  const [onRateLimit, onSecondaryRateLimit] = [vi.fn(() => true), vi.fn(() => true)];
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const octokit = new Octokit({ baseUrl: url, auth, log: quiet, throttle: { onRateLimit, onSecondaryRateLimit } });
  return { octokit, onRateLimit, onSecondaryRateLimit };
}
