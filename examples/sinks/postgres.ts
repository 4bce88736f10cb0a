import type { Sink } from '@steadfetch/resumable-sync';
import pg from 'pg';

/** What the sink writes to; for a migration of yours. `jsonb` refuses a record that holds `\u0000`. */
export const TABLES = `
  CREATE TABLE IF NOT EXISTS sync_records (
    source text, id text, hash text NOT NULL, content jsonb NOT NULL, PRIMARY KEY (source, id)
  );
  CREATE TABLE IF NOT EXISTS sync_checkpoints (source text PRIMARY KEY, checkpoint json NOT NULL);
`;

/** Keeps records in the tables of PostgreSQL. A page and its checkpoint are one statement, and so one transaction. */
export function postgresSink(pool: pg.Pool): Sink<unknown> {
  return {
    async load(source) {
      const { rows } = await pool.query(LOAD, [source]);
      return rows[0]?.checkpoint;
    },

    async commit(source, records, checkpoint) {
      const ids = records.map(({ id }) => id);
      const hashes = records.map(({ hash }) => hash);
      const contents = records.map(({ item }) => JSON.stringify(item));
      const { rows } = await pool.query(COMMIT, [source, ids, hashes, contents, JSON.stringify(checkpoint)]);
      return rows[0];
    },
  };
}

/** Waits for a page that a killed process has still under way. */
const LOAD = 'SELECT checkpoint FROM sync_checkpoints WHERE source = $1 FOR UPDATE';

/** A row that was not there before has no `xmax`. */
const COMMIT = `
  WITH landed AS (
    INSERT INTO sync_records
      SELECT $1, * FROM unnest($2::text[], $3::text[], $4::jsonb[])
      ON CONFLICT (source, id) DO UPDATE SET hash = excluded.hash, content = excluded.content
        WHERE sync_records.hash <> excluded.hash
      RETURNING xmax = 0 AS is_new
  ), saved AS (
    INSERT INTO sync_checkpoints VALUES ($1, $5)
      ON CONFLICT (source) DO UPDATE SET checkpoint = excluded.checkpoint
  )
  SELECT count(*) FILTER (WHERE is_new)::int AS added, count(*) FILTER (WHERE NOT is_new)::int AS changed FROM landed
`;

if (import.meta.main) {
  const { createProvider, serve } = await import('@steadfetch/fake-provider');
  const { cursorPagination } = await import('@steadfetch/cursor-pagination');
  const { resumableSync } = await import('@steadfetch/resumable-sync');
  const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL ?? 'postgres://localhost/postgres' });
  await pool.query(TABLES);
  const { url, close } = await serve(createProvider({ auth: false }));

  const figures = await resumableSync(
    ({ resume }) => cursorPagination(`${url}/items`, { resume, next: (body) => body.next_cursor, param: 'cursor' }),
    postgresSink(pool),
    { source: 'items', run: crypto.randomUUID() },
  );
  console.log(`${figures.records} records: ${figures.added} added, ${figures.changed} changed`);
  await pool.end();
  await close();
}
