import type { Checkpoint, Sink } from './resumable-sync.ts';

/** A database as `DatabaseSync` of `node:sqlite` is, opened and closed by its owner. */
export interface SqliteDatabase {
  /** Runs statements that answer nothing. */
  exec(sql: string): unknown;
  /** Makes a statement that is run again and again. */
  prepare(sql: string): SqliteStatement;
}

/** A prepared statement. */
export interface SqliteStatement {
  /** Runs it. */
  run(...values: string[]): unknown;
  /** Its first row, or `undefined`. */
  get(...values: string[]): unknown;
}

/**
 * Keeps records in the table `sync_records` (`source`, `id`, `hash`, and `content` as JSON, which `content ->> 'name'`
 * reads) and checkpoints in `sync_checkpoints`. Makes both where they are not there.
 *
 * A page and its checkpoint are one transaction. A record that is there already is written only if its content is
 * another. Sources, and processes that sync other sources, may share a file: who finds it locked waits for as long as
 * the database's own `timeout`, and fails then. A page lands only after the checkpoint that its sync loaded or committed
 * last: where another has gone on with the source meanwhile, committing fails, and writes nothing.
 */
export function sqliteSink(database: SqliteDatabase): Sink<unknown> {
  database.exec(`
    CREATE TABLE IF NOT EXISTS sync_records (
      source TEXT NOT NULL, id TEXT NOT NULL, hash TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (source, id)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS sync_checkpoints (source TEXT PRIMARY KEY, checkpoint TEXT NOT NULL) WITHOUT ROWID;
  `);
  const find = database.prepare('SELECT hash FROM sync_records WHERE source = ? AND id = ?');
  const add = database.prepare('INSERT INTO sync_records (source, id, hash, content) VALUES (?, ?, ?, ?)');
  const change = database.prepare('UPDATE sync_records SET hash = ?, content = ? WHERE source = ? AND id = ?');
  const save = database.prepare('INSERT OR REPLACE INTO sync_checkpoints (source, checkpoint) VALUES (?, ?)');
  const load = database.prepare('SELECT checkpoint FROM sync_checkpoints WHERE source = ?');

  return {
    load(source) {
      const text = stored(source);
      return text === undefined ? undefined : (JSON.parse(text) as Checkpoint);
    },

    commit(source, records, checkpoint, before) {
      return transaction(() => {
        if (stored(source) !== JSON.stringify(before)) {
          throw new Error(`${source}: somebody else has gone on with it since it was loaded; sync it again to go on`);
        }
        const landed = { added: 0, changed: 0 };
        for (const { id, hash, item } of records) {
          const there = find.get(source, id) as { hash: string } | undefined;
          if (there?.hash === hash) continue;
          if (there) change.run(hash, JSON.stringify(item), source, id);
          else add.run(source, id, hash, JSON.stringify(item));
          landed[there ? 'changed' : 'added'] += 1;
        }
        save.run(source, JSON.stringify(checkpoint));
        return landed;
      });
    },
  };

  function stored(source: string): string | undefined {
    return (load.get(source) as { checkpoint: string } | undefined)?.checkpoint;
  }

  /** All of it or nothing. It never waits, so nothing of another source can come between. */
  function transaction<Result>(work: () => Result): Result {
    database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      database.exec('COMMIT');
      return result;
    } catch (error) {
      try {
        database.exec('ROLLBACK');
      } catch {
        // Where the disk is full, it has rolled back already.
      }
      throw error;
    }
  }
}
