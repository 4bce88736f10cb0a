import { cursorPagination } from '@steadfetch/cursor-pagination';
import type { ScenarioId } from '@steadfetch/fake-provider';
import { type KeysetPaginationOptions, keysetPagination, type Page } from '@steadfetch/keyset-pagination';
import { timeWindow } from '@steadfetch/keyset-pagination/time-window';
import { linkPagination } from '@steadfetch/link-pagination';
import { offsetPagination } from '@steadfetch/offset-pagination';
import { pageNumbers } from '@steadfetch/offset-pagination/page-numbers';
import { describe, expect, it } from 'vitest';
import { WORLDS, type World } from './world.ts';

interface Item {
  readonly id: string;
}

type Read = (world: World, resume?: Resume) => AsyncIterable<Page<Item>>;
type Resume = Readonly<Record<string, unknown>> | undefined;

const byOffset: Read = ({ baseUrl, fetch }, resume) => offsetPagination<Item>(`${baseUrl}/items`, { fetch, resume });

const byKey =
  (options: Omit<KeysetPaginationOptions<Item>, 'fetch' | 'resume'>): Read =>
  ({ baseUrl, fetch }, resume) =>
    keysetPagination<Item>(`${baseUrl}/items`, { ...options, fetch, resume });

/** Each pattern against every scenario it claims, at seeds that nobody picked. */
const PROOFS: readonly { readonly pattern: string; readonly id: ScenarioId; readonly read: Read }[] = [
  { pattern: 'offset-pagination', id: 'pagination/offset-drift', read: byOffset },
  { pattern: 'offset-pagination', id: 'pagination/page-size-capped', read: byOffset },
  {
    pattern: 'offset-pagination',
    id: 'pagination/page-number-drift',
    read: ({ baseUrl, fetch }, resume) =>
      offsetPagination<Item>(`${baseUrl}/items`, { fetch, resume, by: pageNumbers({ size: 'per_page' }) }),
  },
  {
    pattern: 'cursor-pagination',
    id: 'pagination/cursor-churn',
    read: ({ baseUrl, fetch }, resume) =>
      cursorPagination<Item>(`${baseUrl}/items`, { fetch, resume, next: (body) => ({ cursor: body.next_cursor }) }),
  },
  {
    pattern: 'link-pagination',
    id: 'pagination/link-churn',
    read: ({ baseUrl, fetch }, resume) => linkPagination<Item>(`${baseUrl}/items`, { fetch, resume }),
  },
  { pattern: 'keyset-pagination by id', id: 'pagination/ties', read: byKey({ params: { after: 'after_id' } }) },
  {
    pattern: 'keyset-pagination by time, with pages that hold an instant',
    id: 'pagination/ties',
    read: byKey({ params: { from: 'created_from', limit: 'limit' }, limit: 200 }),
  },
  {
    pattern: 'keyset-pagination by time and id',
    id: 'pagination/ties',
    read: byKey({ params: { from: 'created_from', after: 'after_id' } }),
  },
  {
    pattern: 'keyset-pagination by windows of time',
    id: 'pagination/window-cut-off',
    read: ({ baseUrl, fetch }, resume) => {
      const params = { from: 'created_from' };
      const url = `${baseUrl}/items?created_to=2100-01-01T00:00:00Z`;
      return timeWindow<Item>((resume) => keysetPagination(url, { params, fetch, resume }), { resume });
    },
  },
];

describe.each(WORLDS)('$name', ({ open }) => {
  describe.each(PROOFS)('$pattern, $id', ({ id, read }) => {
    it.each([1, 2, 3])('delivers what existed throughout, once, at seed %i', async (seed) => {
      await using world = await open(id, seed);
      const delivered: Item[] = [];

      for await (const { items } of read(world)) delivered.push(...items);

      expect(world.provider.judge('items', delivered)).toMatchObject(WHOLE);
      expect(delivered.length).toBeGreaterThan(600);
    });

    it('goes on from any page in another run, and loses nothing', async () => {
      await using world = await open(id, 4);
      const delivered = new Map<string, Item>();
      let resume: Resume;

      // Enough for all that was there; what is inserted meanwhile would never end.
      for (let run = 0; run < 30; run += 1) {
        const pages = read(world, resume && structuredClone(resume))[Symbol.asyncIterator]();
        const { value, done } = await pages.next();
        await pages.return?.();
        if (done) break;
        resume = value.resume;
        // A repeat across a restart is the sink's to ignore.
        for (const item of value.items) delivered.set(item.id, item);
      }

      expect(world.provider.judge('items', delivered.values())).toMatchObject(WHOLE);
    });
  });
});

describe.each(WORLDS)('keyset-pagination $name', ({ open }) => {
  it.each([{ after: 'after_id' }, { from: 'created_from' }, { from: 'created_from', after: 'after_id' }])(
    'pagination/late-commits: catches them, by %o, with what the next runs look back for, and repeats nothing',
    async (params) => {
      await using world = await open('pagination/late-commits', 5);
      const delivered: Item[] = [];
      let resume: Resume;

      let lastRun = 0;

      for (let run = 0; run < 4; run += 1) {
        lastRun = world.provider.ledger.entries.at(-1)?.sequence ?? 0;
        const read = (resume: Resume) => byKey({ params })(world, resume);
        for await (const page of timeWindow(read, { lookbackMs: 60_000, resume })) {
          delivered.push(...page.items);
          resume = structuredClone(page.resume);
        }
      }

      // What was there when the last run began: a thousand records, and two that came late with each request.
      const verdict = world.provider.judge('items', delivered, lastRun);
      expect(verdict).toMatchObject(WHOLE);
      expect(verdict.expected).toBeGreaterThan(1_000 + 2 * lastRun);
    },
  );
});

const WHOLE = { lost: [], duplicated: [], invented: [], corrupted: [] };
