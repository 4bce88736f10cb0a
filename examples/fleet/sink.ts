import { DatabaseSync } from 'node:sqlite';
import type { Checkpoint, Sink, SyncRecord } from '@steadfetch/resumable-sync';
import { OvertakenError } from '../sinks/overtaken.ts';

/** A record as every account here holds it. */
export interface AccountRecord {
  readonly id: string;
  readonly name: string;
}

/** A SQLite file that many processes write. */
export interface Store {
  readonly sink: Sink<AccountRecord>;
  /** Every delivery of an account, repeats included, in the order of delivery. */
  deliveries(account: string): Iterable<AccountRecord>;
  /** How many accounts were read to their end. */
  complete(): number;
  close(): void;
}

/** Opens the file, or makes it. */
export function openStore(file: string): Store {
  // Only one may write at a time; the others wait for so long.
  const database = new DatabaseSync(file, { timeout: 10_000 });
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS records (account TEXT NOT NULL, id TEXT NOT NULL, content TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS checkpoints (account TEXT PRIMARY KEY, checkpoint TEXT NOT NULL) WITHOUT ROWID;
  `);
  // A cursor shows each record once, so the fence alone keeps a page from landing twice, and a table without a key can
  // show it. A listing that repeats records wants an upsert by id, as `sqliteSink` has it.
  const insert = database.prepare('INSERT INTO records VALUES (?, ?, ?)');
  const save = database.prepare('INSERT OR REPLACE INTO checkpoints VALUES (?, ?)');
  const load = database.prepare('SELECT checkpoint FROM checkpoints WHERE account = ?');
  const all = database.prepare('SELECT content FROM records WHERE account = ? ORDER BY rowid');
  const complete = database.prepare("SELECT count(*) AS count FROM checkpoints WHERE checkpoint ->> 'complete'");

  function stored(account: string): string | undefined {
    return load.get(account)?.checkpoint as string | undefined;
  }

  return {
    sink: {
      load(account) {
        const text = stored(account);
        return text === undefined ? undefined : (JSON.parse(text) as Checkpoint);
      },
      commit(account, records, checkpoint, before) {
        database.exec('BEGIN IMMEDIATE');
        try {
          // The fence. Nobody else can write between this look and the commit; elsewhere `SELECT … FOR UPDATE` does it.
          if (stored(account) !== JSON.stringify(before)) throw new OvertakenError(account);
          write(account, records);
          save.run(account, JSON.stringify(checkpoint));
          database.exec('COMMIT');
        } catch (error) {
          database.exec('ROLLBACK');
          throw error;
        }
        return { added: records.length, changed: 0 };
      },
    },
    *deliveries(account) {
      for (const row of all.iterate(account)) yield JSON.parse(row.content as string) as AccountRecord;
    },
    complete: () => complete.get()!.count as number,
    close: () => database.close(),
  };

  function write(account: string, records: readonly SyncRecord<AccountRecord>[]): void {
    for (const { id, item } of records) insert.run(account, id, JSON.stringify(item));
  }
}
