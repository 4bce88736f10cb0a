/** GitHub's SDK: its plugins for retries and throttling are off, and `fetch` does their work. */
import { Octokit } from 'octokit';
import { resilientClient } from '../resilient-client.ts';
import { NAMES, RECORDS, type SdkExample, show } from './stage.ts';

const REPOSITORY = { owner: 'me', repo: 'it' };

export const octokit: SdkExample = {
  config: { profile: 'github', resources: { issues: { records: RECORDS, required: ['title'] } } },
  resource: 'issues',
  list: 'GET /repos/:owner/:repo/issues',
  create: 'POST /repos/:owner/:repo/issues',
  takesKeys: false,

  async run(client) {
    const fetch = resilientClient({
      ...client,
      tokenUrl: `${client.origin}/login/oauth/access_token`,
      // GitHub throttles with a 403, which nobody else does; and what it throttled, it did not do.
      shouldRetry: ({ retryable, response }) =>
        retryable || (response?.status === 403 && response.headers.has('retry-after')),
    });
    const github = new Octokit({
      baseUrl: client.origin,
      request: { fetch },
      retry: { enabled: false },
      throttle: { enabled: false },
    });

    const issues = await github.paginate(github.rest.issues.listForRepo, { ...REPOSITORY, per_page: 100 });

    const created: string[] = [];
    for (const title of NAMES) {
      const { data } = await github.rest.issues.create({ ...REPOSITORY, title });
      created.push(`${data.id}`);
    }
    return { listed: issues.map(({ id }) => ({ id: `${id}` })), created };
  },
};

if (import.meta.main) await show(octokit);
