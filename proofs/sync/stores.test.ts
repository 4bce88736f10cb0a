import type { Checkpoint, Sink, SyncRecord } from '@steadfetch/resumable-sync';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connect } from '../../examples/sinks/redis.ts';
import { killSyncs } from './kills.ts';
import { type OpenSink, openSink } from './open-sink.ts';
import { isMissing, openStore, type Store, type StoreKind } from './stores.ts';

describe.each(['ndjson', 'postgres', 'redis'] satisfies StoreKind[])('%s', (kind) => {
  describe.skipIf(isMissing(kind))('as a real sink', () => {
    let store: Store;
    let opened: OpenSink;
    let sink: Sink<unknown>;
    beforeAll(async () => {
      store = await openStore(kind);
      opened = await openSink(store);
      sink = opened.sink;
    });
    beforeEach(async () => {
      await store.clear();
      for (const source of ['users', 'events']) await sink.load(source);
    });
    afterAll(async () => {
      await opened?.close();
      await store?.[Symbol.asyncDispose]();
    });

    it('lands each record once, though its process is killed', async () => {
      const figures = await killSyncs({ kills: 1, seed: 1, records: 60, into: store });

      expect(figures).toMatchObject({ kills: 1, lost: 0, doubled: 0, wrong: 0 });
      expect(figures.expected).toBeGreaterThan(100);
    });

    it('adds, changes, leaves what is the same, and gives back the checkpoint, for each source apart', async () => {
      expect(await sink.load('users')).toBeFalsy();
      await sink.commit('users', [record('a', 'v1'), record('b', 'v1')], checkpoint(1), undefined);
      await sink.commit('events', [record('a', 'event')], checkpoint(7), undefined);

      const landed = await sink.commit(
        'users',
        [record('a', 'v2'), record('b', 'v1'), record('c', 'v1')],
        checkpoint(2),
        checkpoint(1),
      );

      expect(landed).toEqual({ added: 1, changed: 1 });
      expect(await versions('users')).toEqual(['a v2', 'b v1', 'c v1']);
      expect(await versions('events')).toEqual(['a event']);
      expect([await sink.load('users'), await sink.load('events')]).toEqual([checkpoint(2), checkpoint(7)]);
    });

    onlyFor('postgres', 'writes neither records nor checkpoint where one record is refused', async () => {
      await sink.commit('users', [record('a', 'v1')], checkpoint(1), undefined);

      const unfit = { ...record('b', 'v1'), item: { id: 'b', text: 'which jsonb cannot hold: \0' } };
      await expect(sink.commit('users', [record('a', 'v2'), unfit], checkpoint(2), checkpoint(1))).rejects.toThrow(
        'Unicode',
      );

      expect(await versions('users')).toEqual(['a v1']);
      expect(await sink.load('users')).toEqual(checkpoint(1));
    });

    it('lets no page land that a process sent before another went on, however late it arrives', async () => {
      const late = await openSink(store);
      await late.sink.load('users');
      await sink.commit('users', [record('a', 'v2')], checkpoint(1), undefined);
      await sink.commit('users', [record('b', 'v1')], checkpoint(2), checkpoint(1));

      await expect(late.sink.commit('users', [record('a', 'v1')], checkpoint(1), undefined)).rejects.toThrow(OVERTAKEN);

      expect(await versions('users')).toEqual(['a v2', 'b v1']);
      expect(await sink.load('users')).toEqual(checkpoint(2));
      await late.sink.load('users');
      await late.sink.commit('users', [record('c', 'v1')], checkpoint(3), checkpoint(2));
      await expect(sink.commit('users', [record('d', 'v1')], checkpoint(3), checkpoint(2))).rejects.toThrow(OVERTAKEN);
      expect(await versions('users')).toEqual(['a v2', 'b v1', 'c v1']);
      await late.close();
    });

    it('lets no page land where its predecessors were removed meanwhile', async () => {
      await sink.commit('users', [record('a', 'v1')], checkpoint(1), undefined);
      await store.clear();

      await expect(sink.commit('users', [record('b', 'v1')], checkpoint(2), checkpoint(1))).rejects.toThrow(OVERTAKEN);

      expect(await versions('users')).toEqual([]);
    });

    onlyFor('postgres', 'lets one of two pages land that are sent at once', async () => {
      const other = await openSink(store);
      await other.sink.load('users');

      const sent = [sink, other.sink].map(async (each, nth) =>
        each.commit('users', [record(`${nth}`, 'v1')], checkpoint(1), undefined),
      );
      const settled = await Promise.allSettled(sent);

      expect(settled.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      expect(await versions('users')).toHaveLength(1);
      await other.close();
    });

    onlyFor('postgres', 'waits for a page that is still under way', async () => {
      await sink.commit('users', [], checkpoint(1), undefined);
      const other = new pg.Client(store.address);
      await other.connect();
      await other.query('BEGIN');
      await other.query('UPDATE sync_checkpoints SET checkpoint = $1', [JSON.stringify(checkpoint(2))]);

      let isOver = false;
      const loading = Promise.resolve(sink.load('users')).finally(() => {
        isOver = true;
      });
      const isWaiting = async () => (await other.query('SELECT FROM pg_locks WHERE NOT granted')).rowCount! > 0;
      while (!isOver && !(await isWaiting()));
      await other.query('COMMIT');
      await other.end();

      expect(await loading).toEqual(checkpoint(2));
    });

    onlyFor('redis', 'writes neither records nor checkpoint where memory is full', async () => {
      await sink.commit('users', [record('a', 'v1')], checkpoint(1), undefined);
      const redis = await connect(store.address);
      await redis.configSet('maxmemory', '1');

      await expect(sink.commit('users', [record('a', 'v2')], checkpoint(2), checkpoint(1))).rejects.toThrow('OOM');

      await redis.configSet('maxmemory', '0');
      redis.destroy();
      expect(await versions('users')).toEqual(['a v1']);
      expect(await sink.load('users')).toEqual(checkpoint(1));
    });

    function onlyFor(which: StoreKind, name: string, test: () => Promise<void>): void {
      if (kind === which) it(name, test);
    }

    async function versions(source: string): Promise<string[]> {
      const contents = (await store.contents(source)).map((content) => JSON.parse(content));
      return contents.map(({ id, version }) => `${id} ${version}`).toSorted();
    }
  });
});

/** As each sink says it. */
const OVERTAKEN = /^Another process has gone on with users|somebody else has written to it since it was loaded$/;

function record(id: string, version: string): SyncRecord<unknown> {
  return { id, hash: version, item: { id, version } };
}

function checkpoint(pages: number): Checkpoint {
  return { run: '', resume: { at: pages }, complete: false, pages, records: pages };
}
