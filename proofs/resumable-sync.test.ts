import { DatabaseSync } from 'node:sqlite';
import { cursorPagination } from '@steadfetch/cursor-pagination';
import type { ProviderRecord, ScenarioId } from '@steadfetch/fake-provider';
import { offsetPagination } from '@steadfetch/offset-pagination';
import { type Pages, resumableSync, type Sink } from '@steadfetch/resumable-sync';
import { sqliteSink } from '@steadfetch/resumable-sync/sqlite';
import { describe, expect, it } from 'vitest';
import { WORLDS, type World } from './world.ts';

/** Both listings that move while they are read; the sync dies at every third page, before that lands or after. */
const PROOFS: readonly { readonly id: ScenarioId; readonly read: (world: World) => Pages<ProviderRecord> }[] = [
  {
    id: 'pagination/cursor-churn',
    read:
      ({ baseUrl, fetch }) =>
      ({ resume }) =>
        cursorPagination(`${baseUrl}/items`, { fetch, resume, next: (body) => ({ cursor: body.next_cursor }) }),
  },
  {
    id: 'pagination/offset-drift',
    read:
      ({ baseUrl, fetch }) =>
      ({ resume }) =>
        offsetPagination(`${baseUrl}/items`, { fetch, resume }),
  },
];

describe.each(WORLDS)('resumable-sync $name', ({ open }) => {
  it.each(PROOFS)('$id: lands what existed throughout, once, though it dies again and again', async ({ id, read }) => {
    await using world = await open(id, 1);
    const database = new DatabaseSync(':memory:');
    const sink = sqliteSink(database);
    let deaths = 0;

    for (let ended = false; !ended; ) {
      const mortal = dyingAtThirdCommit(sink, deaths % 2 === 0);
      ended = await resumableSync(read(world), mortal, { source: 'items' }).then(
        () => true,
        () => false,
      );
      deaths += Number(!ended);
      expect(deaths).toBeLessThan(50);
    }

    const rows = database.prepare('SELECT content FROM sync_records').all();
    database.close();
    const delivered = rows.map(({ content }) => JSON.parse(`${content}`) as ProviderRecord);
    expect(world.provider.judge('items', delivered)).toMatchObject(WHOLE);
    expect(deaths).toBeGreaterThan(4);
  });
});

const WHOLE = { lost: [], duplicated: [], invented: [], corrupted: [] };

function dyingAtThirdCommit<Item>(sink: Sink<Item>, isBefore: boolean): Sink<Item> {
  let commits = 0;
  return {
    load: (source) => sink.load(source),
    async commit(source, records, checkpoint, before) {
      commits += 1;
      if (commits === 3 && isBefore) throw new Error('killed before');
      const landed = await sink.commit(source, records, checkpoint, before);
      if (commits === 3) throw new Error('killed after');
      return landed;
    },
  };
}
