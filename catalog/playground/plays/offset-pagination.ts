import { offsetPagination } from '@steadfetch/offset-pagination';
import { type Fetch, fated, none, type Play, type Stage, sent } from '../play.ts';
import { readPages } from '../rows.ts';
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
  figures: (run) => [none(fated(run, 'lost'), 'records lost'), none(fated(run, 'twice'), 'records twice'), sent(run)],
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

function steady(stage: Stage): Promise<void> {
  return readPages(stage, (fetch) =>
    offsetPagination<{ id: string }>('https://api.test/items', {
      fetch: noting(stage, fetch),
      limit: stage.values.limit!,
    }),
  );
}

/** Writes down where it steps back, which shows in what it asks for. */
function noting(stage: Stage, fetch: Fetch): Fetch {
  let last = 0;
  return (input, init) => {
    const offset = Number(new URL(String(input)).searchParams.get('offset'));
    if (offset < last) stage.note('drift', `noticed at offset ${last}, steps back to ${offset}`);
    last = offset;
    return fetch(input, init);
  };
}
