import { cursorPagination } from '@steadfetch/cursor-pagination';
import { type Play, type Stage, sent } from '../play.ts';
import { readPages } from '../rows.ts';
import { defect, worldOf } from '../world.ts';

export const play: Play = {
  pattern: 'cursor-pagination',
  question:
    'The provider stumbles: from some page on, it hands out a cursor that leads back. Who follows it never comes out.',
  sliders: {
    fromPage: { label: 'It leads back from page', min: 2, max: 20, step: 1, value: 8 },
    limit: { label: 'Page size', unit: 'records', min: 5, max: 50, step: 5, value: 20 },
    records: { label: 'Listing', unit: 'records', min: 100, max: 600, step: 50, value: 300 },
  },
  world: ({ fromPage = 1, records = 1 }, seed) =>
    worldOf({ seed, items: { records, pagination: 'cursor', defects: [defect('cursor-loop', { fromPage })] } }),
  longestMs: 10_000,
  naive: (stage) => naive(stage),
  steady: (stage) => steady(stage),
  figures: (run) => [
    {
      value: run.isCut ? 'never' : 'yes',
      label: run.isCut ? 'does it stop' : 'it stops, and says why',
      tone: run.isCut ? 'bad' : 'good',
    },
    sent(run),
  ],
};

async function naive({ fetch, values, call, signal }: Stage): Promise<void> {
  let cursor: string | undefined;
  let isLast = false;
  while (!isLast && !signal.aborted) {
    await call(async (init) => {
      const after = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const response = await fetch(`https://api.test/items?limit=${values.limit}${after}`, init);
      const body = await response.json();
      cursor = body.next_cursor ?? undefined;
      isLast = cursor === undefined;
    });
  }
}

function steady(stage: Stage): Promise<void> {
  return readPages(stage, (fetch) =>
    cursorPagination<{ id: string }>(`https://api.test/items?limit=${stage.values.limit}`, {
      fetch,
      next: ({ next_cursor: cursor }) => ({ cursor }),
    }),
  );
}
