import { cursorPagination } from '@steadfetch/cursor-pagination';
import { type Checkpoint, resumableSync } from '@steadfetch/resumable-sync';
import { type Fetch, fated, none, type Play, type Stage, sent } from '../play.ts';
import { inRow } from '../rows.ts';
import { fates } from '../stage.ts';
import { worldOf } from '../world.ts';

export const play: Play = {
  pattern: 'resumable-sync',
  question:
    'The job that copies a listing is killed again and again, in the middle of a page. Each square is one record in the copy.',
  sliders: {
    kills: { label: 'Killed', unit: 'times', min: 0, max: 20, step: 1, value: 8 },
    limit: { label: 'Page size', unit: 'records', min: 10, max: 50, step: 10, value: 30 },
    records: { label: 'Listing', unit: 'records', min: 100, max: 600, step: 50, value: 450 },
    write: { label: 'To write a record takes', unit: 'ms', min: 1, max: 20, step: 1, value: 8 },
  },
  world: ({ records = 1 }, seed) => worldOf({ seed, items: { records } }),
  naive: (stage) => naive(stage),
  steady: (stage) => steady(stage),
  records: (stage) => fates(stage),
  figures: (run) => [
    none(fated(run, 'twice'), 'records more than once'),
    none(fated(run, 'lost'), 'records lost'),
    sent(run),
  ],
};

/** Writes one record after the other, and then puts down where to go on. */
async function naive(stage: Stage): Promise<void> {
  const { values, delivered } = stage;
  let cursor: string | null = '';
  await untilDone(stage, async (fetch, killed) => {
    while (cursor !== null) {
      const response = await fetch(
        `https://api.test/items?limit=${values.limit}&cursor=${cursor}`.replace(/&cursor=$/, ''),
      );
      const { data, next_cursor } = await response.json();
      for (const record of data) {
        await writing(values.write!, killed);
        delivered.push(record);
      }
      cursor = next_cursor;
    }
  });
}

async function steady(stage: Stage): Promise<void> {
  const { values, delivered } = stage;
  let checkpoint: Checkpoint | undefined;
  const known = new Set<string>();
  await untilDone(stage, async (fetch, killed) => {
    const pages = ({ resume }: { readonly resume: Checkpoint['resume'] | undefined }) =>
      cursorPagination<{ id: string }>(`https://api.test/items?limit=${values.limit}`, {
        fetch,
        resume,
        next: ({ next_cursor: cursor }) => ({ cursor }),
      });
    const sink = {
      load: () => checkpoint,
      async commit(
        _source: string,
        records: readonly { readonly id: string; readonly item: unknown }[],
        on: Checkpoint,
      ) {
        await writing(values.write! * records.length, killed);
        const fresh = records.filter(({ id }) => !known.has(id));
        for (const { id, item } of fresh) {
          known.add(id);
          delivered.push(item);
        }
        checkpoint = on;
        return { added: fresh.length, changed: 0 };
      },
    };
    await resumableSync(pages, sink, { source: 'items', signal: killed });
  });
}

/** Starts the job again whenever it was killed. What it has kept outlives it. */
async function untilDone(
  { fetch, values, call, random, note, signal }: Stage,
  job: (fetch: Fetch, killed: AbortSignal) => Promise<void>,
): Promise<void> {
  let isDone = false;
  for (let life = 0; !isDone && !signal.aborted; life++) {
    const kill = new AbortController();
    const kept =
      life < values.kills! ? setTimeout(() => kill.abort(new Error('killed')), 400 + random() * 800) : undefined;
    await call(async ({ headers }) => {
      const mortal: Fetch = (input, init) => {
        kill.signal.throwIfAborted();
        return inRow(fetch, headers)(input, { ...init, signal: AbortSignal.any([kill.signal, signal]) });
      };
      await job(mortal, kill.signal);
      isDone = true;
    });
    clearTimeout(kept);
    if (!isDone) note('killed', `life ${life + 1} is over`);
  }
}

/** Nothing is written by the dead. */
async function writing(ms: number, killed: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  killed.throwIfAborted();
}
