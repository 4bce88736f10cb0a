/** Slack's SDK takes a `fetch` from version 8 on; its own retries are off. */
import { type ConversationsHistoryResponse, WebClient } from '@slack/web-api';
import { resilientClient } from '../resilient-client.ts';
import { NAMES, RECORDS, type SdkExample, show } from './stage.ts';

const CHANNEL = { channel: 'C0123456789' };

export const slack: SdkExample = {
  config: { profile: 'slack', auth: { tokenTtlSeconds: 1 }, resources: { messages: { records: RECORDS } } },
  resource: 'messages',
  list: 'POST /api/conversations.history',
  create: 'POST /api/chat.postMessage',
  takesKeys: false,

  async run(client) {
    const fetch = resilientClient({
      ...client,
      fetch: sayingWhatEnded,
      tokenUrl: `${client.origin}/api/oauth.v2.access`,
      // Slack lists by POST too. What was throttled was not done; a message whose fate is unknown is not sent again.
      shouldRetry: ({ transient, response }) => transient && (response?.status === 429 || isListing(response)),
    });
    const web = new WebClient(undefined, {
      slackApiUrl: `${client.origin}/api/`,
      rejectRateLimitedCalls: true,
      retryConfig: { retries: 0 },
      fetch,
    });

    const listed: { id: string }[] = [];
    for await (const page of web.paginate('conversations.history', { ...CHANNEL, limit: 100 })) {
      listed.push(...((page as ConversationsHistoryResponse).messages as { id: string }[]));
    }

    const created: string[] = [];
    for (const text of NAMES) {
      const { message } = await web.chat.postMessage({ ...CHANNEL, text });
      created.push((message as { id: string }).id);
    }
    return { listed, created };
  },
};

/** Slack says in a 200 that a token has ended, and this in a 401, so that it is replaced. */
const sayingWhatEnded: typeof fetch = async (input, init) => {
  const response = await fetch(input, init);
  if (!response.ok) return response;
  // An upload is answered in plain text.
  const { error } = (await response.clone().json().catch(Object)) as { error?: string };
  return error === 'token_expired' ? new Response(response.body, { status: 401 }) : response;
};

function isListing(response: Response | undefined): boolean {
  return response !== undefined && new URL(response.url).pathname.endsWith('.history');
}

if (import.meta.main) await show(slack);
