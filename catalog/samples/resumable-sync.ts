import { DatabaseSync } from 'node:sqlite';
import { createProvider, scenario } from '@steadfetch/fake-provider';
import { offsetPagination } from '@steadfetch/offset-pagination';
import { resumableSync } from '@steadfetch/resumable-sync';
import { sqliteSink } from '@steadfetch/resumable-sync/sqlite';

// Records come and go in front of what is being read.
const { fetch, judge } = createProvider(scenario('pagination/offset-drift').config);
const database = new DatabaseSync(':memory:');

/** A run that dies after so many pages. */
async function run(pages: number): Promise<void> {
  async function* mortal({ resume }: { resume: Readonly<Record<string, unknown>> | undefined }) {
    let left = pages;
    for await (const page of offsetPagination<{ id: string }>('https://provider.test/items', { fetch, resume })) {
      if (left === 0) throw new Error('killed');
      left -= 1;
      yield page;
    }
  }
  const outcome = await resumableSync(mortal, sqliteSink(database), { source: 'items' }).then(
    (figures) => `complete after ${figures.pages} pages`,
    ({ message }) => message,
  );
  console.log(outcome);
}

await run(5);
await run(9);
await run(100);

const rows = database.prepare('SELECT content FROM sync_records').all();
const delivered = rows.map(({ content }) => JSON.parse(`${content}`));
const { expected, lost, duplicated } = judge('items', delivered);
console.log(`of ${expected} records ${lost.length} lost, ${duplicated.length} twice`);
