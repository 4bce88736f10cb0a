/** The same export through the patterns: it survives the day, and goes on where a killed one was. */
import { cursorPagination } from '@steadfetch/cursor-pagination';
import { linkPagination } from '@steadfetch/link-pagination';
import { offsetPagination } from '@steadfetch/offset-pagination';
import { pageNumbers } from '@steadfetch/offset-pagination/page-numbers';
import { resilientClient } from '../resilient-client.ts';
import type { ExporterMessage } from './run.ts';
import { type ExportedRecord, openSink } from './sink.ts';

const [baseUrl = '', database = ''] = process.argv.slice(2);
const sink = openSink(database);

const client = resilientClient({
  origin: baseUrl,
  clientId: 'demo-client',
  clientSecret: 'demo-secret',
  attemptMs: 1_000,
  onRetry: ({ type }) => type === 'retry' && tell({ type: 'retry' }),
});

type Resume = Readonly<Record<string, unknown>> | undefined;

await Promise.all([
  exportSource('users', (resume) =>
    cursorPagination<ExportedRecord>(`${baseUrl}/users`, {
      ...common(resume),
      next: (body) => ({ cursor: body.next_cursor }),
    }),
  ),
  exportSource('transactions', (resume) => linkPagination<ExportedRecord>(`${baseUrl}/transactions`, common(resume))),
  exportSource('events', (resume) => offsetPagination<ExportedRecord>(`${baseUrl}/events`, common(resume))),
  exportSource('invoices', (resume) =>
    offsetPagination<ExportedRecord>(`${baseUrl}/invoices`, {
      ...common(resume),
      by: pageNumbers({ size: 'per_page' }),
    }),
  ),
]);
sink.close();
process.disconnect?.();

function common(resume: Resume) {
  return { fetch: client, prefetch: 1, resume };
}

/** Reads a source to its end, from where it was left. Every page lands together with the way on. */
async function exportSource(
  source: string,
  read: (resume: Resume) => AsyncIterable<{ items: readonly ExportedRecord[]; resume: Resume }>,
): Promise<void> {
  const checkpoint = sink.checkpoint(source);
  if (checkpoint.complete) return;
  let last = checkpoint.resume as Resume;
  for await (const { items, resume } of read(last)) {
    last = resume;
    const records = sink.commit(source, items, { resume, complete: false });
    tell({ type: 'page', source, records });
  }
  sink.commit(source, [], { resume: last, complete: true });
}

function tell(message: ExporterMessage): void {
  process.send?.(message);
}
