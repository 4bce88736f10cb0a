import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Page, resumableSync } from '@steadfetch/resumable-sync';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { OvertakenError } from '../sinks/overtaken.ts';
import { type AccountRecord, openStore, type Store } from './sink.ts';

let folder: string;
/** One for each worker, as if they were processes of their own. */
let slow: Store;
let quick: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'steadfetch-'));
  slow = openStore(join(folder, 'fleet.sqlite'));
  quick = openStore(join(folder, 'fleet.sqlite'));
});
afterEach(() => {
  slow.close();
  quick.close();
  rmSync(folder, { recursive: true });
});

it.each([0, 1])(
  'refuses the late page of a worker that stalled after %s pages, and keeps what overtook it',
  async (landed) => {
    const stalled = Promise.withResolvers<void>();
    const woken = Promise.withResolvers<void>();
    const late = resumableSync(
      async function* (from) {
        for await (const page of listing(from)) {
          if (page.resume.after === landed + 1) {
            stalled.resolve();
            await woken.promise;
          }
          yield page;
        }
      },
      slow.sink,
      { source: 'account' },
    );

    await stalled.promise;
    await resumableSync(listing, quick.sink, { source: 'account' });
    woken.resolve();

    await expect(late).rejects.toEqual(new OvertakenError('account'));
    expect([...slow.deliveries('account')].map(({ id }) => id)).toEqual(['1', '2', '3']);
    expect(await slow.sink.load('account')).toMatchObject({ complete: true, pages: 3 });
  },
);

it('lets a worker that was overtaken go on from where the other is', async () => {
  await slow.sink.load('account');
  const over = new AbortController();
  const turn = resumableSync(listing, quick.sink, {
    source: 'account',
    signal: over.signal,
    onEvent: ({ type }) => type === 'progress' && over.abort('the turn is over'),
  });
  await expect(turn).rejects.toBe('the turn is over');

  await resumableSync(listing, slow.sink, { source: 'account' });

  expect([...quick.deliveries('account')].map(({ id }) => id)).toEqual(['1', '2', '3']);
  expect(quick.complete()).toBe(1);
});

/** Three pages of one record each. */
async function* listing({
  resume,
}: {
  resume: Page<AccountRecord>['resume'] | undefined;
}): AsyncGenerator<Page<AccountRecord>> {
  for (let nth = Number(resume?.after ?? 0) + 1; nth <= 3; nth += 1) {
    yield { items: [{ id: `${nth}`, name: `record ${nth}` }], response: new Response(), resume: { after: nth } };
  }
}
