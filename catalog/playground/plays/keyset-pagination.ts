import { keysetPagination } from '@steadfetch/keyset-pagination';
import { fated, none, type Play, type Stage, sent } from '../play.ts';
import { readPages } from '../rows.ts';
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
  figures: (run) => [none(fated(run, 'lost'), 'records lost'), none(fated(run, 'twice'), 'records twice'), sent(run)],
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

function steady(stage: Stage): Promise<void> {
  return readPages(stage, (fetch) =>
    keysetPagination<{ id: string; created_at: string }>('https://api.test/items', {
      fetch,
      params: { from: 'created_from', limit: 'limit' },
      limit: stage.values.limit!,
    }),
  );
}
