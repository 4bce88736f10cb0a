import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type ConfigInput, createProvider, type Provider, type ProviderRecord, serve } from '@steadfetch/fake-provider';
import { openSink } from './open-sink.ts';
import { SOURCES, type Store } from './stores.ts';

/** What came of it all. */
export interface KillFigures {
  /** Listings read to their end and judged, three a sync. */
  readonly sources: number;
  /** Processes ended by SIGKILL while they synced. */
  readonly kills: number;
  /** Processes that gave up by themselves, where an answer broke off. */
  readonly failures: number;
  /** Records that existed from the first request to the last. */
  readonly expected: number;
  /** Pages that the provider sent whole. */
  readonly pagesSent: number;
  /** Pages that landed. All others were read in vain, and again. */
  readonly pagesLanded: number;
  readonly lost: number;
  /** Versions of records that were written more than once. */
  readonly doubled: number;
  /** Records that the provider never sent, or sent otherwise. */
  readonly wrong: number;
}

/** How often to kill. */
export interface KillOptions {
  readonly kills: number;
  readonly seed: number;
  /** Where the records land. It is cleared for each sync. */
  readonly into: Store;
  /** How many records each source begins with. @defaultValue 400 */
  readonly records?: number;
  /** Is told the figures after each process, those of the sync under way excluded but for its kills. */
  readonly onProcess?: (figures: KillFigures) => void;
}

/**
 * Syncs, in processes that are killed at random moments, until there were so many kills and the last sync is done. The
 * first sync is left alone: it shows how long one takes on this machine, so that each takes a few kills, at any point of it.
 */
export async function killSyncs({ kills, seed, into, records = 400, onProcess }: KillOptions): Promise<KillFigures> {
  const random = seeded(seed);
  let figures = NOTHING;
  let syncMs = 0;
  for (let nth = 0; nth === 0 || figures.kills < kills; nth += 1) {
    const provider = createProvider({ ...badDay(records), seed: seed + nth });
    const server = await serve(provider);
    await into.clear();
    try {
      let inARow = 0;
      for (let ended: Ending | undefined; ended !== 'done'; ) {
        const livesMs = nth > 0 && figures.kills < kills ? (random() * syncMs) / 2 : undefined;
        const worker = await runWorker([server.url, into.kind, into.address], livesMs);
        ended = worker.ended;
        if (nth === 0) syncMs += worker.syncedMs;
        figures = add(figures, { kills: Number(ended === 'killed'), failures: Number(ended === 'failed') });
        onProcess?.(figures);
        inARow = ended === 'failed' ? inARow + 1 : 0;
        if (inARow > MOST_FAILURES) throw new Error(`${inARow} processes in a row could not read on`);
      }
      figures = add(figures, await judge(provider, into));
    } finally {
      await server.close();
    }
  }
  return figures;
}

/** Whether each record landed exactly once. */
export function isWhole({ lost, doubled, wrong }: KillFigures): boolean {
  return lost + doubled + wrong === 0;
}

type Ending = 'done' | 'killed' | 'failed';

const NOTHING: KillFigures = {
  sources: 0,
  kills: 0,
  failures: 0,
  expected: 0,
  pagesSent: 0,
  pagesLanded: 0,
  lost: 0,
  doubled: 0,
  wrong: 0,
};

/** The exit code of a worker that could not read a source to its end. */
const GAVE_UP = 3;

/** Whatever breaks off one answer in a hundred does not do so every time. */
const MOST_FAILURES = 20;

/** Far longer than a sync takes on any machine. */
const STUCK_MS = 60_000;

/** Records come, go and change with every request; some answers fail, and some break off. */
function badDay(records: number): ConfigInput {
  const shared = { records, pageSize: { default: 20, max: 30 } };
  return {
    auth: false,
    latency: { minMs: 1, maxMs: 6 },
    resources: {
      users: {
        ...shared,
        churn: { insertsPerRequest: 1, deletesPerRequest: 1, updatesPerRequest: 3, insertAt: 'anywhere' },
      },
      transactions: { ...shared, pagination: 'link', churn: { insertsPerRequest: 1, updatesPerRequest: 3 } },
      events: {
        ...shared,
        pagination: 'offset',
        order: 'newest-first',
        churn: { insertsPerRequest: 1, deletesPerRequest: 2, updatesPerRequest: 3 },
      },
    },
    faults: [
      { fault: 'internal-error', on: { ratio: 0.03 } },
      { fault: 'reset', on: { ratio: 0.02 } },
      { fault: 'truncated-body', on: { ratio: 0.01 } },
    ],
  };
}

/** Runs a worker to its end, or kills it so long after it began to sync. */
async function runWorker(
  told: readonly string[],
  livesMs: number | undefined,
): Promise<{ readonly ended: Ending; readonly syncedMs: number }> {
  const worker = fork(join(import.meta.dirname, 'sync-worker.ts'), told, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const exit = once(worker, 'exit');
  let timer = setTimeout(() => worker.kill('SIGTERM'), STUCK_MS);
  let syncedMs = 0;
  worker.on('message', (said) => {
    syncedMs = performance.now() - syncedMs;
    if (said !== 'ready' || livesMs === undefined) return;
    clearTimeout(timer);
    timer = setTimeout(() => worker.kill('SIGKILL'), livesMs);
  });
  const [code, signal] = await exit;
  clearTimeout(timer);
  return { ended: endingOf(code, signal), syncedMs };
}

function endingOf(code: number | null, signal: NodeJS.Signals | null): Ending {
  if (signal === 'SIGKILL') return 'killed';
  if (code === 0) return 'done';
  if (code === GAVE_UP) return 'failed';
  throw new Error(`a worker ended with ${signal ?? code}`);
}

/** Holds the store against what the provider held while it was read. */
async function judge(provider: Provider, store: Store): Promise<Partial<KillFigures>> {
  const writes = await store.writes();
  let found: Partial<KillFigures> = { doubled: writes.length - new Set(writes.map((row) => JSON.stringify(row))).size };

  const { sink, close } = await openSink(store);
  for (const source of SOURCES) {
    const records = (await store.contents(source)).map((content) => JSON.parse(content) as ProviderRecord);
    const { expected, lost, duplicated, invented, corrupted } = provider.judge(source, records);
    const sent = provider.ledger.entries.filter(
      ({ listed, status, wire }) => listed?.resource === source && status === 200 && wire === undefined,
    );
    const { complete, pages = 0 } = (await sink.load(source)) ?? {};
    if (!complete) throw new Error(`${source} ended without its end`);
    found = add(found, {
      sources: 1,
      expected,
      pagesSent: sent.length,
      pagesLanded: pages,
      lost: lost.length,
      doubled: duplicated.length,
      wrong: invented.length + corrupted.length,
    });
  }
  await close();
  // Else nobody would see it if none was put down.
  if (writes.length < (found.expected ?? 0)) throw new Error(`only ${writes.length} writes were seen`);
  return found;
}

function add(one: Partial<KillFigures>, other: Partial<KillFigures>): KillFigures {
  const names = Object.keys(NOTHING) as (keyof KillFigures)[];
  return Object.fromEntries(
    names.map((name) => [name, (one[name] ?? 0) + (other[name] ?? 0)]),
  ) as unknown as KillFigures;
}

/** From 0 to 1, the same for the same seed. Source: mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
