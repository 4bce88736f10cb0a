import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Sink } from '@steadfetch/resumable-sync';
import { ndjsonSink } from '@steadfetch/resumable-sync/ndjson';
import { sqliteSink } from '@steadfetch/resumable-sync/sqlite';
import type { Store } from './stores.ts';

/** A sink, and how to let go of what it writes to. */
export interface OpenSink {
  readonly sink: Sink<unknown>;
  close(): unknown;
}

/** Opens a sink into a store, in whatever process. Only the client it needs is loaded, since processes are many. */
export async function openSink({ kind, address }: Pick<Store, 'kind' | 'address'>): Promise<OpenSink> {
  if (kind === 'sqlite') {
    const database = new DatabaseSync(address);
    return { sink: sqliteSink(database), close: () => database.close() };
  }
  if (kind === 'ndjson') return { sink: filePerSource(address), close() {} };
  if (kind === 'postgres') {
    const [{ default: pg }, { postgresSink }] = await Promise.all([
      import('pg'),
      import('../../examples/sinks/postgres.ts'),
    ]);
    const pool = new pg.Pool({ connectionString: address });
    return { sink: postgresSink(pool), close: () => pool.end() };
  }
  const { connect, redisSink } = await import('../../examples/sinks/redis.ts');
  const redis = await connect(address);
  return { sink: redisSink(redis), close: () => redis.destroy() };
}

function filePerSource(folder: string): Sink<unknown> {
  const sinks = new Map<string, Sink<unknown>>();
  return {
    load: (source) => sinkOf(source).load(source),
    commit: (source, ...page) => sinkOf(source).commit(source, ...page),
  };

  function sinkOf(source: string): Sink<unknown> {
    const sink = sinks.get(source) ?? ndjsonSink(join(folder, source));
    sinks.set(source, sink);
    return sink;
  }
}
