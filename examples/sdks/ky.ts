/** ky takes a `fetch`; its own retries are off. */
import { idempotencyKey } from '@steadfetch/idempotency-key';
import ky from 'ky';
import { resilientClient } from '../resilient-client.ts';
import { NAMES, RECORDS, type SdkExample, show } from './stage.ts';

interface Page {
  readonly data: { readonly id: string }[];
  readonly next_cursor: string | null;
}

export const kyExample: SdkExample = {
  config: { resources: { items: { records: RECORDS } } },
  resource: 'items',
  list: 'GET /items',
  create: 'POST /items',
  takesKeys: true,

  async run(client) {
    const fetch = idempotencyKey()(resilientClient(client));
    // ky's deadline is for all attempts and the waiting between them; here each has one of its own.
    const api = ky.create({ baseUrl: client.origin, fetch, retry: 0, timeout: false });

    const listed: { id: string }[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Page = await api.get('items', { searchParams: cursor === '' ? {} : { cursor } }).json();
      listed.push(...page.data);
      cursor = page.next_cursor;
    }

    const created: string[] = [];
    for (const name of NAMES) {
      const { id } = await api.post('items', { json: { name } }).json<{ id: string }>();
      created.push(id);
    }
    return { listed, created };
  },
};

if (import.meta.main) await show(kyExample);
