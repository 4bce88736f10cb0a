/** OpenAI's SDK, its retries off. */
import OpenAI from 'openai';
import { resilientClient } from '../resilient-client.ts';
import { saidToRetry } from './said-to-retry.ts';
import { NAMES, RECORDS, type SdkExample, show } from './stage.ts';

export const openai: SdkExample = {
  config: {
    profile: 'openai',
    resources: { batches: { records: RECORDS, writable: true, required: ['input_file_id'] } },
  },
  resource: 'batches',
  list: 'GET /v1/batches',
  create: 'POST /v1/batches',
  takesKeys: false,

  async run(client) {
    const fetch = resilientClient({
      ...client,
      // An answer is there when the last word of it is found, unless it is streamed.
      attemptMs: 600_000,
      // What was throttled was not done. After a 503 nobody knows: a POST without a key is not sent again.
      shouldRetry: ({ retryable, response }) => saidToRetry(response) ?? (retryable || response?.status === 429),
    });
    const { batches } = new OpenAI({
      baseURL: `${client.origin}/v1`,
      apiKey: 'replaced by a token',
      maxRetries: 0,
      fetch,
    });

    const listed: { id: string }[] = [];
    for await (const { id } of batches.list({ limit: 100 })) listed.push({ id });

    const created: string[] = [];
    for (const name of NAMES) {
      const { id } = await batches.create({
        input_file_id: name,
        endpoint: '/v1/embeddings',
        completion_window: '24h',
      });
      created.push(id);
    }
    return { listed, created };
  },
};

if (import.meta.main) await show(openai);
