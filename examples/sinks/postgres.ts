import type { Sink } from '@steadfetch/resumable-sync';
import pg from 'pg';
import { OvertakenError } from './overtaken.ts';

/** What the sink writes to; for a migration of yours. `jsonb` refuses a record that holds `\u0000`. */
export const TABLES = `
  CREATE TABLE IF NOT EXISTS sync_records (
    source text, id text, hash text NOT NULL, content jsonb NOT NULL, PRIMARY KEY (source, id)
  );
  CREATE TABLE IF NOT EXISTS sync_checkpoints (source text PRIMARY KEY, checkpoint json NOT NULL);
`;

/**
 * Keeps records in the tables of PostgreSQL. A page and its checkpoint are one statement, and so one transaction.
 *
 * A page lands only after the checkpoint that its sync loaded or committed last. So what a killed process sent, or a
 * process that stood still for long, cannot set the source back when it arrives late: an `OvertakenError`.
 */
export function postgresSink(pool: pg.Pool): Sink<unknown> {
  return {
    async load(source) {
      const { rows } = await pool.query(LOAD, [source]);
      const text: string | undefined = rows[0]?.checkpoint;
      return text === undefined ? undefined : JSON.parse(text);
    },

    async commit(source, records, checkpoint, before) {
      const ids = records.map(({ id }) => id);
      const hashes = records.map(({ hash }) => hash);
      const contents = records.map(({ item }) => JSON.stringify(item));
      const [next, held] = [checkpoint, before].map((one) => JSON.stringify(one));
      const { rows } = await pool.query(COMMIT, [source, ids, hashes, contents, next, held]);
      const { added, changed, saved } = rows[0];
      if (!saved) throw new OvertakenError(source);
      return { added, changed };
    },
  };
}

/** Waits for a page that a killed process has still under way. */
const LOAD = 'SELECT checkpoint::text FROM sync_checkpoints WHERE source = $1 FOR UPDATE';

/** A row that was not there before has no `xmax`. Whoever finds the row locked compares with what is there afterwards. */
const COMMIT = `
  WITH saved AS (
    INSERT INTO sync_checkpoints
      SELECT $1, $5 WHERE $6::text IS NULL OR EXISTS (SELECT FROM sync_checkpoints WHERE source = $1)
      ON CONFLICT (source) DO UPDATE SET checkpoint = excluded.checkpoint
        WHERE sync_checkpoints.checkpoint::text = $6
      RETURNING source
  ), landed AS (
    INSERT INTO sync_records
      SELECT $1, * FROM unnest($2::text[], $3::text[], $4::jsonb[]) WHERE EXISTS (SELECT FROM saved)
      ON CONFLICT (source, id) DO UPDATE SET hash = excluded.hash, content = excluded.content
        WHERE sync_records.hash <> excluded.hash
      RETURNING xmax = 0 AS is_new
  )
  SELECT count(*) FILTER (WHERE is_new)::int AS added, count(*) FILTER (WHERE NOT is_new)::int AS changed,
    EXISTS (SELECT FROM saved) AS saved
  FROM landed
`;

if (import.meta.main) {
  const { createProvider, serve } = await import('@steadfetch/fake-provider');
  const { cursorPagination } = await import('@steadfetch/cursor-pagination');
  const { resumableSync } = await import('@steadfetch/resumable-sync');
  const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL ?? 'postgres://localhost/postgres' });
  await pool.query(TABLES);
  const { url, close } = await serve(createProvider({ auth: false }));

  const figures = await resumableSync(
    ({ resume }) => cursorPagination(`${url}/items`, { resume, next: (body) => ({ cursor: body.next_cursor }) }),
    postgresSink(pool),
    { source: 'items', run: crypto.randomUUID() },
  );
  console.log(`${figures.records} records: ${figures.added} added, ${figures.changed} changed`);
  await pool.end();
  await close();
}
