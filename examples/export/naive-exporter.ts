/** The loop that everybody writes first: ask, take what comes, ask for more. Shown to fail by `pnpm demo --naive`. */

import type { ExporterMessage } from './run.ts';
import { type ExportedRecord, openSink } from './sink.ts';

const [baseUrl = '', database = ''] = process.argv.slice(2);
const sink = openSink(database);

const answer = await fetch(`${baseUrl}/oauth/token`, {
  method: 'POST',
  body: new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: 'demo-client',
    client_secret: 'demo-secret',
  }),
});
const { access_token } = (await answer.json()) as { access_token: string };

await Promise.all([
  untilItFails('users', readUsers),
  untilItFails('transactions', readTransactions),
  untilItFails('events', readEvents),
  untilItFails('invoices', readInvoices),
]);
sink.close();
process.disconnect?.();

async function readUsers(): Promise<void> {
  let cursor = '';
  do {
    const { body } = await get<{ data: ExportedRecord[]; next_cursor: string | null }>(`/users${cursor}`);
    take('users', body.data);
    cursor = body.next_cursor === null ? '' : `?cursor=${encodeURIComponent(body.next_cursor)}`;
  } while (cursor !== '');
}

async function readTransactions(): Promise<void> {
  let next: string | undefined = '/transactions';
  while (next !== undefined) {
    const page: Answer<ExportedRecord[]> = await get(next);
    take('transactions', page.body);
    next = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1]?.replace(baseUrl, '');
  }
}

async function readEvents(): Promise<void> {
  for (let offset = 0; ; offset += 100) {
    const { body } = await get<{ data: ExportedRecord[] }>(`/events?offset=${offset}`);
    if (body.data.length === 0) return;
    take('events', body.data);
  }
}

async function readInvoices(): Promise<void> {
  for (let page = 1; ; page += 1) {
    const { body } = await get<{ data: ExportedRecord[] }>(`/invoices?page=${page}`);
    if (body.data.length === 0) return;
    take('invoices', body.data);
  }
}

interface Answer<Body> {
  readonly body: Body;
  readonly headers: Headers;
}

async function get<Body>(path: string): Promise<Answer<Body>> {
  const response = await fetch(`${baseUrl}${path}`, { headers: { authorization: `Bearer ${access_token}` } });
  if (!response.ok) throw new Error(`stopped by a ${response.status}`);
  return { body: (await response.json()) as Body, headers: response.headers };
}

function take(source: string, records: readonly ExportedRecord[]): void {
  sink.append(source, records);
  tell({ type: 'page', source, records: records.length });
}

async function untilItFails(source: string, read: () => Promise<void>): Promise<void> {
  try {
    await read();
  } catch (error) {
    tell({ type: 'stopped', source, reason: (error as Error).message });
  }
}

function tell(message: ExporterMessage): void {
  process.send?.(message);
}
