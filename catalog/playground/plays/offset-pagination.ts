import { offsetPagination } from '@steadfetch/offset-pagination';
import type { Play, Run, Stage } from '../play.ts';
import { fates } from '../stage.ts';
import { worldOf } from '../world.ts';

export const play: Play = {
  pattern: 'offset-pagination',
  question:
    'Records are deleted and inserted while the listing is read, so the pages slide. Each square is one record.',
  sliders: {
    deletes: { label: 'Deleted', unit: 'per request', min: 0, max: 8, step: 0.5, value: 2 },
    inserts: { label: 'Inserted', unit: 'per request', min: 0, max: 8, step: 0.5, value: 0.5 },
    limit: { label: 'Page size', unit: 'records', min: 5, max: 50, step: 5, value: 20 },
    records: { label: 'Listing', unit: 'records', min: 100, max: 600, step: 50, value: 300 },
  },
  world: ({ deletes = 0, inserts = 0, records = 1 }, seed) =>
    worldOf({
      seed,
      items: {
        records,
        pagination: 'offset',
        churn: { insertsPerRequest: inserts, deletesPerRequest: deletes, updatesPerRequest: 0, insertAt: 'anywhere' },
      },
    }),
  naive: (stage) => naive(stage),
  steady: (stage) => steady(stage),
  records: (stage) => fates(stage),
  figures: (run) => [
    { value: `${count(run, 'lost')}`, label: 'records lost', tone: count(run, 'lost') === 0 ? 'good' : 'bad' },
    { value: `${count(run, 'twice')}`, label: 'records twice', tone: count(run, 'twice') === 0 ? 'good' : 'bad' },
    { value: `${run.sends.length}`, label: 'requests sent', tone: 'plain' },
  ],
};

async function naive({ fetch, values, call, delivered }: Stage): Promise<void> {
  const limit = values.limit!;
  let isLast = false;
  for (let offset = 0; !isLast; offset += limit) {
    await call(async (init) => {
      const response = await fetch(`https://api.test/items?limit=${limit}&offset=${offset}`, init);
      const { data } = await response.json();
      delivered.push(...data);
      isLast = data.length < limit;
    });
  }
}

async function steady({ fetch, values, call, delivered, note }: Stage): Promise<void> {
  const pages = offsetPagination<{ id: string }>('https://api.test/items', {
    fetch: (input, init) => inRow(input, init),
    limit: values.limit!,
    onEvent: ({ offset }) => note('drift', `noticed at offset ${offset}, steps back`),
  });
  let inRow: typeof fetch = fetch;
  let isLast = false;
  while (!isLast) {
    await call(async ({ headers }) => {
      inRow = (input, init) => fetch(new Request(input, init), { headers });
      const { value, done } = await pages.next();
      isLast = done === true;
      if (value) delivered.push(...value.items);
    });
  }
}

function count({ records }: Run, fate: Run['records'][number]): number {
  return records.filter((each) => each === fate).length;
}
