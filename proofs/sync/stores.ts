import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sqliteSink } from '@steadfetch/resumable-sync/sqlite';
import { Redis } from 'ioredis';
import pg from 'pg';
import { TABLES } from '../../examples/sinks/postgres.ts';
import { isRedisMissing, startRedis } from '../redis/redis-server.ts';
import { isPostgresMissing, startPostgres } from './postgres-server.ts';

/** What is synced in these proofs. */
export const SOURCES = ['users', 'transactions', 'events'] as const;

/** The sinks that are shown to be whole. */
export const STORES = ['sqlite', 'ndjson', 'postgres', 'redis'] as const;

/** One of {@link STORES}. */
export type StoreKind = (typeof STORES)[number];

/** Where a sync lands, and a second look at it, past the sink. */
export interface Store {
  readonly kind: StoreKind;
  /** By which another process opens the same. */
  readonly address: string;
  /** Forgets all. */
  clear(): Promise<unknown>;
  /** Every write of a record so far, as `[source, id, hash]`, since a store by id could not hold one twice. */
  writes(): Promise<readonly (readonly string[])[]>;
  /** What a source's records are now, as JSON. */
  contents(source: string): Promise<readonly string[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Whether it needs a server that is not installed. */
export function isMissing(kind: StoreKind): boolean {
  return (kind === 'postgres' && isPostgresMissing) || (kind === 'redis' && isRedisMissing);
}

/** Makes an empty one, with a server of its own if it needs one. */
export function openStore(kind: StoreKind): Promise<Store> {
  return { sqlite: inSqlite, ndjson: inNdjson, postgres: inPostgres, redis: inRedis }[kind]();
}

async function inSqlite(): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), 'steadfetch-'));
  const address = join(folder, 'sync.sqlite');
  const database = new DatabaseSync(address);
  sqliteSink(database);
  database.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE writes (source TEXT, id TEXT, hash TEXT);
    CREATE TRIGGER inserted AFTER INSERT ON sync_records
      BEGIN INSERT INTO writes VALUES (new.source, new.id, new.hash); END;
    CREATE TRIGGER updated AFTER UPDATE ON sync_records
      BEGIN INSERT INTO writes VALUES (new.source, new.id, new.hash); END;
  `);
  const column = (sql: string, ...values: string[]) =>
    database
      .prepare(sql)
      .all(...values)
      .map((row) => Object.values(row).map(String));
  return {
    kind: 'sqlite',
    address,
    clear: async () => database.exec('DELETE FROM sync_records; DELETE FROM sync_checkpoints; DELETE FROM writes'),
    writes: async () => column('SELECT source, id, hash FROM writes'),
    contents: async (source) => column('SELECT content FROM sync_records WHERE source = ?', source).flat(),
    async [Symbol.asyncDispose]() {
      database.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function inNdjson(): Promise<Store> {
  const address = mkdtempSync(join(tmpdir(), 'steadfetch-'));
  const linesOf = (source: string) => {
    const file = join(address, source);
    return existsSync(file) ? (readFileSync(file, 'utf8').match(/.+/g) ?? []) : [];
  };
  return {
    kind: 'ndjson',
    address,
    async clear() {
      rmSync(address, { recursive: true });
      mkdirSync(address);
    },
    /** Lines, whatever the sink says of them: each version of a record is one. */
    async writes() {
      return SOURCES.flatMap((source) =>
        linesOf(source)
          .filter((line) => !line.startsWith('{"$sync":'))
          .map((line) => [source, JSON.parse(line).id, line]),
      );
    },
    async contents(source) {
      const lines = linesOf(source).filter((line) => !line.startsWith('{"$sync":'));
      return [...new Map(lines.map((line) => [JSON.parse(line).id, line])).values()];
    },
    [Symbol.asyncDispose]: async () => rmSync(address, { recursive: true }),
  };
}

async function inPostgres(): Promise<Store> {
  const server = await startPostgres();
  const pool = new pg.Pool({ connectionString: server.url });
  await pool.query(`
    ${TABLES}
    CREATE TABLE writes (source text, id text, hash text);
    CREATE FUNCTION put_down() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN INSERT INTO writes VALUES (new.source, new.id, new.hash); RETURN new; END $$;
    CREATE TRIGGER written AFTER INSERT OR UPDATE ON sync_records FOR EACH ROW EXECUTE FUNCTION put_down();
  `);
  const column = async (text: string, ...values: string[]): Promise<string[][]> =>
    (await pool.query({ text, values, rowMode: 'array' })).rows;
  return {
    kind: 'postgres',
    address: server.url,
    clear: () => pool.query('TRUNCATE sync_records, sync_checkpoints, writes'),
    writes: () => column('SELECT source, id, hash FROM writes'),
    contents: async (source) =>
      (await column('SELECT content::text FROM sync_records WHERE source = $1', source)).flat(),
    async [Symbol.asyncDispose]() {
      await pool.end();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function inRedis(): Promise<Store> {
  const server = await startRedis();
  const redis = new Redis(server.port, '127.0.0.1');
  const monitor = await redis.monitor();
  let writes: string[][] = [];
  const waiting = new Map<string, () => void>();
  monitor.on('monitor', (_time: string, [command = '', key = '', ...args]: string[]) => {
    if (command.toUpperCase() === 'HSET' && key.endsWith(':hashes')) writes.push([key, ...args]);
    if (command.toUpperCase() === 'ECHO') waiting.get(key)?.();
  });
  /** Waits until all that the server did was seen, by a word that it says last. */
  const caughtUp = async () => {
    const word = crypto.randomUUID();
    const seen = new Promise<void>((resolve) => waiting.set(word, resolve));
    await redis.echo(word);
    await seen;
  };
  return {
    kind: 'redis',
    address: `redis://127.0.0.1:${server.port}`,
    async clear() {
      await caughtUp();
      writes = [];
      await redis.flushall();
    },
    async writes() {
      await caughtUp();
      return writes;
    },
    contents: (source) => redis.hvals(`sync:{${source}}:records`),
    async [Symbol.asyncDispose]() {
      monitor.disconnect();
      redis.disconnect();
      await server[Symbol.asyncDispose]();
    },
  };
}
