import { DatabaseSync } from 'node:sqlite';

/** A record as every source here delivers it. */
export interface ExportedRecord {
  readonly id: string;
  readonly created_at: string;
  readonly name: string;
  readonly amount_cents: number;
  readonly version: number;
}

/** How far a source has been read. */
export interface Checkpoint {
  /** Where to go on: a paginator's `resume`. Absent at the start. */
  readonly resume?: unknown;
  /** Whether the source was read to its end. */
  readonly complete: boolean;
}

/** A SQLite file that takes a page and its checkpoint together or not at all. */
export interface Sink {
  /** How far this source was read by whoever wrote the file last. */
  checkpoint(source: string): Checkpoint;
  /** Writes new records and the checkpoint in one transaction, and tells how many were new. */
  commit(source: string, records: readonly ExportedRecord[], checkpoint: Checkpoint): number;
  /** Appends records as they come, as a client without checkpoints would. */
  append(source: string, records: readonly ExportedRecord[]): void;
  /** Every delivery of a source, repeats included, in the order of delivery. */
  deliveries(source: string): Iterable<ExportedRecord>;
  close(): void;
}

/** Opens the file, or makes it. */
export function openSink(file: string): Sink {
  const database = new DatabaseSync(file);
  database.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS records (source TEXT, id TEXT, content TEXT);
    CREATE INDEX IF NOT EXISTS records_by_id ON records (source, id);
    CREATE TABLE IF NOT EXISTS checkpoints (source TEXT PRIMARY KEY, resume TEXT, complete INTEGER);
  `);
  const insert = database.prepare('INSERT INTO records VALUES (?, ?, ?)');
  // The table would take a record twice: that none comes twice is for the exporter to show, not for a constraint to hide.
  const insertNew = database.prepare(
    'INSERT INTO records SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM records WHERE source = ?1 AND id = ?2)',
  );
  const save = database.prepare('INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?)');
  const load = database.prepare('SELECT resume, complete FROM checkpoints WHERE source = ?');
  const all = database.prepare('SELECT content FROM records WHERE source = ? ORDER BY rowid');

  function transaction<Result>(work: () => Result): Result {
    database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      database.exec('COMMIT');
      return result;
    } catch (error) {
      database.exec('ROLLBACK');
      throw error;
    }
  }

  return {
    checkpoint(source) {
      const row = load.get(source);
      if (row === undefined) return { complete: false };
      return { resume: JSON.parse(row.resume as string), complete: row.complete === 1 };
    },
    commit: (source, records, { resume, complete }) =>
      transaction(() => {
        const before = records.length;
        const ignored = records.filter(
          (record) => insertNew.run(source, record.id, JSON.stringify(record)).changes === 0,
        ).length;
        save.run(source, JSON.stringify(resume ?? null), complete ? 1 : 0);
        return before - ignored;
      }),
    append: (source, records) =>
      transaction(() => {
        for (const record of records) insert.run(source, record.id, JSON.stringify(record));
      }),
    *deliveries(source) {
      for (const row of all.iterate(source)) yield JSON.parse(row.content as string) as ExportedRecord;
    },
    close: () => database.close(),
  };
}
