import { expect, it } from 'vitest';
import { killSyncs } from './kills.ts';
import { openStore } from './stores.ts';

// `pnpm prove:kills` runs the same a thousand times.
it('lands each record exactly once, however often its process is killed', async () => {
  await using into = await openStore('sqlite');

  const figures = await killSyncs({ kills: 6, seed: 1, records: 300, into });

  expect(figures).toMatchObject({ kills: 6, lost: 0, doubled: 0, wrong: 0 });
  expect(figures.expected).toBeGreaterThan(500);
  expect(figures.pagesLanded).toBeGreaterThan(45);
});
