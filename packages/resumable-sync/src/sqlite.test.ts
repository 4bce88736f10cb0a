import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Checkpoint, type Page, resumableSync, type SyncRecord } from './resumable-sync.ts';
import { type SqliteDatabase, sqliteSink } from './sqlite.ts';

let database: DatabaseSync;
beforeEach(() => {
  database = new DatabaseSync(':memory:');
});
afterEach(() => database.close());

it('gives back the checkpoint as it was committed, by source, to whoever opens the file', async () => {
  await sqliteSink(database).commit('users', [], checkpoint(1), undefined);
  const sink = sqliteSink(database);

  expect(await sink.load('users')).toEqual(checkpoint(1));
  expect(await sink.load('events')).toBeUndefined();
});

it('adds, changes, and leaves what is the same', async () => {
  const sink = sqliteSink(database);
  await sink.commit('users', [record('a', 'v1'), record('b', 'v1')], checkpoint(1), undefined);

  const landed = await sink.commit(
    'users',
    [record('a', 'v2'), record('b', 'v1'), record('c', 'v1')],
    checkpoint(2),
    checkpoint(1),
  );

  expect(landed).toEqual({ added: 1, changed: 1 });
  expect(contents('users')).toEqual({ a: 'v2', b: 'v1', c: 'v1' });
  expect(await sink.load('users')).toEqual(checkpoint(2));
});

it('keeps the same id of two sources apart', async () => {
  const sink = sqliteSink(database);
  await sink.commit('users', [record('a', 'user')], checkpoint(1), undefined);
  await sink.commit('events', [record('a', 'event')], checkpoint(1), undefined);

  expect([contents('users'), contents('events')]).toEqual([{ a: 'user' }, { a: 'event' }]);
});

it('refuses a page of whoever was overtaken meanwhile, until it has loaded again', async () => {
  const [late, sink] = [sqliteSink(database), sqliteSink(database)];
  await late.load('users');
  await sink.commit('users', [record('a', 'v2')], checkpoint(1), undefined);

  expect(() => late.commit('users', [record('a', 'v1')], checkpoint(1), undefined)).toThrow(
    'users: somebody else has gone on with it since it was loaded; sync it again to go on',
  );

  expect(contents('users')).toEqual({ a: 'v2' });
  expect(await late.load('users')).toEqual(checkpoint(1));
  await late.commit('users', [record('b', 'v1')], checkpoint(2), checkpoint(1));
  expect(() => sink.commit('users', [], checkpoint(2), checkpoint(1))).toThrow('somebody else');
});

it('refuses a page of a sync that another overtook through the same sink', async () => {
  const sink = sqliteSink(database);
  const [isAsleep, awakes] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const late = resumableSync(
    async function* () {
      yield page('a', 'v1', 1);
      isAsleep.resolve();
      await awakes.promise;
      yield page('b', 'v1', 2);
    },
    sink,
    { source: 'users' },
  );
  await isAsleep.promise;
  await resumableSync(
    async function* () {
      yield page('b', 'v2', 2);
    },
    sink,
    { source: 'users' },
  );
  awakes.resolve();

  await expect(late).rejects.toThrow('users: somebody else has gone on with it');

  expect(contents('users')).toEqual({ a: 'v1', b: 'v2' });
  expect(await sink.load('users')).toMatchObject({ complete: true, pages: 2 });
});

it('keeps others from writing from its look at the checkpoint on', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sqlite-sink-'));
  const path = join(folder, 'sync.db');
  const [own, other] = [new DatabaseSync(path), new DatabaseSync(path, { timeout: 0 })];
  let looks = 0;
  const watched: SqliteDatabase = {
    exec: (sql) => own.exec(sql),
    prepare(sql) {
      const statement = own.prepare(sql);
      return {
        run: (...values) => statement.run(...values),
        get(...values) {
          const row = statement.get(...values);
          looks += 1;
          expect(() => other.exec('BEGIN IMMEDIATE')).toThrow('locked');
          return row;
        },
      };
    },
  };
  try {
    sqliteSink(watched).commit('users', [record('a', 'v1')], checkpoint(1), undefined);
    expect(looks).toBe(2);
  } finally {
    own.close();
    other.close();
    rmSync(folder, { recursive: true });
  }
});

it.each(['sync_records', 'sync_checkpoints'])(
  'writes neither records nor checkpoint where %s refuses',
  async (table) => {
    const sink = sqliteSink(database);
    await sink.commit('users', [record('a', 'v1')], checkpoint(1), undefined);
    database.exec(`
    CREATE TRIGGER full_disk BEFORE INSERT ON ${table}
    WHEN new.source = 'users' BEGIN SELECT RAISE(ABORT, 'disk is full'); END
  `);

    expect(() => sink.commit('users', [record('a', 'v2'), record('b', 'v1')], checkpoint(2), checkpoint(1))).toThrow(
      'disk is full',
    );

    expect(contents('users')).toEqual({ a: 'v1' });
    expect(await sink.load('users')).toEqual(checkpoint(1));
    expect(await sink.commit('events', [record('a', 'v1')], checkpoint(1), undefined)).toEqual({
      added: 1,
      changed: 0,
    });
  },
);

it('tells why it failed where the database has rolled back by itself', () => {
  const sink = sqliteSink(database);
  database.exec(`
    CREATE TRIGGER full_disk BEFORE INSERT ON sync_records BEGIN SELECT RAISE(ROLLBACK, 'disk is full'); END
  `);

  expect(() => sink.commit('users', [record('a', 'v1')], checkpoint(1), undefined)).toThrow('disk is full');
});

function contents(source: string): Record<string, unknown> {
  const rows = database
    .prepare("SELECT id, content ->> 'version' AS version FROM sync_records WHERE source = ? ORDER BY id")
    .all(source);
  return Object.fromEntries(rows.map(({ id, version }) => [id, version]));
}

function record(id: string, version: string): SyncRecord<unknown> {
  return { id, hash: version, item: { id, version } };
}

function page(id: string, version: string, at: number): Page<unknown> {
  return { items: [{ id, version }], response: new Response(), resume: { at } };
}

function checkpoint(pages: number): Checkpoint {
  return { run: '', resume: { at: pages }, complete: false, pages, records: pages };
}
