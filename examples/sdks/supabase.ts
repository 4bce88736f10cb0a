/** Supabase's SDK, its retries off. PostgREST answers with the rows alone; this provider puts them under `data`. */
import { createClient } from '@supabase/supabase-js';
import { resilientClient } from '../resilient-client.ts';
import { NAMES, RECORDS, type SdkExample, show } from './stage.ts';

export const supabase: SdkExample = {
  config: {
    resources: { items: { path: '/rest/v1/items', records: RECORDS, pagination: 'offset' } },
    idempotency: false,
  },
  resource: 'items',
  list: 'GET /rest/v1/items',
  create: 'POST /rest/v1/items',
  takesKeys: false,

  async run(client) {
    const fetch = resilientClient({
      ...client,
      // What was throttled was not done. After a 503 nobody knows: a POST without a key is not sent again.
      shouldRetry: ({ retryable, response }) => retryable || response?.status === 429,
    });
    const database = createClient(client.origin, 'replaced by a token', {
      global: { fetch },
      db: { retry: false },
      auth: { persistSession: false, autoRefreshToken: false },
    });

    const listed: { id: string }[] = [];
    for (let from = 0; from < 10_000; from += 100) {
      const query = database
        .from('items')
        .select()
        .range(from, from + 99);
      const rows = ((await query.throwOnError()).data as unknown as { data: { id: string }[] }).data;
      if (rows.length === 0) break;
      listed.push(...rows);
    }

    const created: string[] = [];
    for (const name of NAMES) {
      const { data } = await database.from('items').insert({ name }).select().single().throwOnError();
      created.push(data.id);
    }
    return { listed, created };
  },
};

if (import.meta.main) await show(supabase);
