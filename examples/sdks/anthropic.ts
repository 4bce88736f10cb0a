/** Anthropic's SDK, its retries off. The provider speaks no dialect of Anthropic's: pages are asked for by hand. */
import Anthropic from '@anthropic-ai/sdk';
import { resilientClient } from '../resilient-client.ts';
import { saidToRetry } from './said-to-retry.ts';
import { NAMES, RECORDS, type SdkExample, show } from './stage.ts';

export const anthropic: SdkExample = {
  config: {
    resources: {
      batches: { path: '/v1/messages/batches', records: RECORDS, pagination: 'keyset', required: ['requests'] },
    },
    idempotency: false,
  },
  resource: 'batches',
  list: 'GET /v1/messages/batches',
  create: 'POST /v1/messages/batches',
  takesKeys: false,

  async run(client) {
    const fetch = resilientClient({
      ...client,
      // An answer is there when the last word of it is found, unless it is streamed.
      attemptMs: 600_000,
      // What was throttled was not done. After a 503 nobody knows: a POST without a key is not sent again.
      shouldRetry: ({ retryable, response }) => saidToRetry(response) ?? (retryable || response?.status === 429),
    });
    const { batches } = new Anthropic({
      baseURL: client.origin,
      authToken: 'replaced by a token',
      apiKey: null,
      maxRetries: 0,
      fetch,
    }).messages;

    const listed: { id: string }[] = [];
    let page = await batches.list({ limit: 100 });
    for (;;) {
      listed.push(...page.data.map(({ id }) => ({ id })));
      if (!page.has_more) break;
      page = await batches.list({ limit: 100, after_id: listed.at(-1)!.id });
    }

    const created: string[] = [];
    for (const name of NAMES) {
      const params = {
        model: 'claude-haiku-4-5',
        max_tokens: 16,
        messages: [{ role: 'user' as const, content: name }],
      };
      created.push((await batches.create({ requests: [{ custom_id: 'one', params }] })).id);
    }
    return { listed, created };
  },
};

if (import.meta.main) await show(anthropic);
