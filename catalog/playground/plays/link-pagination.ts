import { linkPagination } from '@steadfetch/link-pagination';
import { answered, none, type Play, type Stage, sent } from '../play.ts';
import { readPages } from '../rows.ts';
import { defect, worldOf } from '../world.ts';

export const play: Play = {
  pattern: 'link-pagination',
  question:
    'One link to the next page leads to another server. Who follows it hands over the token, and reads the rest from there.',
  sliders: {
    fromPage: { label: 'It leads away from page', min: 2, max: 20, step: 1, value: 5 },
    limit: { label: 'Page size', unit: 'records', min: 5, max: 50, step: 5, value: 20 },
    records: { label: 'Listing', unit: 'records', min: 100, max: 600, step: 50, value: 300 },
  },
  world: ({ fromPage = 1, records = 1 }, seed) =>
    worldOf({
      seed,
      items: {
        records,
        pagination: 'link',
        defects: [defect('foreign-next', { origin: 'https://elsewhere.test' }, { calls: [fromPage] })],
      },
    }),
  naive: (stage) => naive(stage),
  steady: (stage) => steady(stage),
  figures: (run) => [
    none(answered(run, 'astray'), 'requests took the token elsewhere'),
    run.notes.some(({ type }) => type === 'stopped')
      ? { value: 'yes', label: 'it stops, and says why', tone: 'good' }
      : { value: 'no', label: 'word of it', tone: 'plain' },
    sent(run),
  ],
};

const TOKEN = { authorization: 'Bearer a-secret' };

async function naive({ fetch, values, call, signal }: Stage): Promise<void> {
  let next: string | undefined = `https://api.test/items?per_page=${values.limit}`;
  while (next !== undefined && !signal.aborted) {
    const url: string = next;
    next = undefined;
    await call(async (init) => {
      const response = await fetch(url, { ...init, headers: { ...init.headers, ...TOKEN } });
      [, next] = /<([^>]*)>; rel="next"/.exec(response.headers.get('link') ?? '') ?? [];
    });
  }
}

function steady(stage: Stage): Promise<void> {
  return readPages(stage, (fetch) =>
    linkPagination(`https://api.test/items?per_page=${stage.values.limit}`, { fetch, init: { headers: TOKEN } }),
  );
}
