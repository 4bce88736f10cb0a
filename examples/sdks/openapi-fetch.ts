/** openapi-fetch takes a `fetch`, calls it with a `Request`, and retries nothing by itself. */
import { idempotencyKey } from '@steadfetch/idempotency-key';
import createClient from 'openapi-fetch';
import { resilientClient } from '../resilient-client.ts';
import { NAMES, RECORDS, type SdkExample, show } from './stage.ts';

/** What openapi-typescript makes of a description of the provider. */
interface paths {
  '/items': {
    get: {
      parameters: { query?: { cursor?: string } };
      responses: { 200: { content: { 'application/json': { data: { id: string }[]; next_cursor: string | null } } } };
    };
    post: {
      requestBody: { content: { 'application/json': { name: string } } };
      responses: { 201: { content: { 'application/json': { id: string } } } };
    };
  };
}

export const openapiFetch: SdkExample = {
  config: { resources: { items: { records: RECORDS } } },
  resource: 'items',
  list: 'GET /items',
  create: 'POST /items',
  takesKeys: true,

  async run(client) {
    const fetch = idempotencyKey()(resilientClient(client));
    const api = createClient<paths>({ baseUrl: client.origin, fetch });

    const listed: { id: string }[] = [];
    let query: { cursor?: string } = {};
    for (;;) {
      const { data } = await api.GET('/items', { params: { query } });
      listed.push(...data!.data);
      if (data!.next_cursor === null) break;
      query = { cursor: data!.next_cursor };
    }

    const created: string[] = [];
    for (const name of NAMES) {
      const { data } = await api.POST('/items', { body: { name } });
      created.push(data!.id);
    }
    return { listed, created };
  },
};

if (import.meta.main) await show(openapiFetch);
