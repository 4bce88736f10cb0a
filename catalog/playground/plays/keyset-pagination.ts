import { keysetPagination } from '@steadfetch/keyset-pagination';
import type { Play, Run, Stage } from '../play.ts';
import { fates } from '../stage.ts';
import { worldOf } from '../world.ts';

export const play: Play = {
  pattern: 'keyset-pagination',
  question:
    'Several records share an instant. Who reads on after the last instant loses the rest of them. Each square is one record.',
  sliders: {
    ties: { label: 'Records an instant', min: 1, max: 10, step: 1, value: 3 },
    limit: { label: 'Page size', unit: 'records', min: 11, max: 51, step: 10, value: 31 },
    records: { label: 'Listing', unit: 'records', min: 100, max: 600, step: 50, value: 300 },
  },
  world: ({ ties = 1, records = 1 }, seed) =>
    worldOf({ seed, items: { records, pagination: 'keyset', recordsPerInstant: ties } }),
  naive: (stage) => naive(stage),
  steady: (stage) => steady(stage),
  records: (stage) => fates(stage),
  figures: (run) => [
    { value: `${count(run, 'lost')}`, label: 'records lost', tone: count(run, 'lost') === 0 ? 'good' : 'bad' },
    { value: `${count(run, 'twice')}`, label: 'records twice', tone: count(run, 'twice') === 0 ? 'good' : 'bad' },
    { value: `${run.sends.length}`, label: 'requests sent', tone: 'plain' },
  ],
};

/** On after the last instant, by a millisecond. */
async function naive({ fetch, values, call, delivered }: Stage): Promise<void> {
  const limit = values.limit!;
  let from = new Date(0).toISOString();
  let isLast = false;
  while (!isLast) {
    await call(async (init) => {
      isLast = true;
      const response = await fetch(`https://api.test/items?limit=${limit}&created_from=${from}`, init);
      const { data } = await response.json();
      delivered.push(...data);
      isLast = data.length < limit;
      from = new Date(Date.parse(data.at(-1)?.created_at ?? from) + 1).toISOString();
    });
  }
}

async function steady({ fetch, values, call, delivered }: Stage): Promise<void> {
  let inRow: typeof fetch = fetch;
  const pages = keysetPagination<{ id: string; created_at: string }>('https://api.test/items', {
    fetch: (input, init) => inRow(input, init),
    params: { from: 'created_from', limit: 'limit' },
    limit: values.limit!,
  });
  let isLast = false;
  while (!isLast) {
    await call(async ({ headers }) => {
      inRow = (input, init) => fetch(new Request(input, init), { headers });
      isLast = true;
      const { value, done } = await pages.next();
      isLast = done === true;
      if (value) delivered.push(...value.items);
    });
  }
}

function count({ records }: Run, fate: Run['records'][number]): number {
  return records.filter((each) => each === fate).length;
}
