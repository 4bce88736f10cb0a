/** Syncs every source from a provider into a store, and goes on where its predecessor was: `url kind address`. */
import { backoff } from '@steadfetch/backoff';
import { cursorPagination } from '@steadfetch/cursor-pagination';
import { linkPagination } from '@steadfetch/link-pagination';
import { offsetPagination } from '@steadfetch/offset-pagination';
import { type Pages, resumableSync } from '@steadfetch/resumable-sync';
import { openSink } from './open-sink.ts';
import type { StoreKind } from './stores.ts';

/** The exit code where a source could not be read to its end. */
const GAVE_UP = 3;

const [baseUrl = '', kind = '', address = ''] = process.argv.slice(2);
const { sink, close } = await openSink({ kind: kind as StoreKind, address });
const shared = { fetch: backoff({ attempts: 8, baseMs: 2, capMs: 20 })(fetch), prefetch: 1 };

const sources: Record<string, Pages<{ readonly id: string }>> = {
  users: ({ resume }) =>
    cursorPagination(`${baseUrl}/users`, { ...shared, resume, next: (body) => ({ cursor: body.next_cursor }) }),
  transactions: ({ resume }) => linkPagination(`${baseUrl}/transactions`, { ...shared, resume }),
  events: ({ resume }) => offsetPagination(`${baseUrl}/events`, { ...shared, resume, limit: 20 }),
};

process.send!('ready');
const outcomes = await Promise.allSettled(
  Object.entries(sources).map(([source, pages]) => resumableSync(pages, sink, { source })),
);
process.send!('synced');
await close();
process.disconnect();
process.exitCode = outcomes.every(({ status }) => status === 'fulfilled') ? 0 : GAVE_UP;
