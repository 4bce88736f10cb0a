import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  type Checkpoint,
  type Page,
  type Pages,
  type ResumableSyncOptions,
  resumableSync,
  type Sink,
  type SyncEvent,
  type SyncFigures,
  type SyncRecord,
} from './resumable-sync.ts';

interface Row {
  readonly id: string;
  readonly name: string;
}

const USERS = { source: 'users' };

describe('wherever it dies', () => {
  const story = fc.record({
    rows: fc.array(fc.record({ id: fc.integer({ min: 0, max: 30 }).map(String), name: fc.string({ maxLength: 3 }) }), {
      maxLength: 40,
    }),
    pageSize: fc.integer({ min: 1, max: 7 }),
    /** How many records a listing that is gone on with shows again, as an offset's overlap does. */
    again: fc.integer({ min: 0, max: 3 }),
    /** At which step each process dies. */
    deaths: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 12 }),
  });

  it.each([
    ['whose commit is a transaction', true],
    ['that writes the records, then the checkpoint', false],
  ])('each record lands exactly once in a sink %s', async (_kind, isAtomic) => {
    await fc.assert(
      fc.asyncProperty(story, async ({ rows, pageSize, again, deaths }) => {
        const sink = memory();
        for (const death of [...deaths, Number.POSITIVE_INFINITY]) {
          const step = dyingAt(death);
          const pages = listing(rows, { pageSize, again, step });
          await resumableSync(pages, mortal(sink, step, isAtomic), USERS).catch(onlyDeath);
        }

        expect(sink.contents()).toEqual(newestOf(rows));
        expect(sink.needless).toEqual([]);
        expect(sink.checkpoint?.complete).toBe(true);
      }),
    );
  });

  it('no page is read again that has landed', async () => {
    await fc.assert(
      fc.asyncProperty(story, async ({ rows, pageSize, deaths }) => {
        const sink = memory();
        let asked = 0;
        for (const death of [...deaths, Number.POSITIVE_INFINITY]) {
          const step = dyingAt(death);
          const pages = listing(rows, { pageSize, step, onPage: () => (asked += 1) });
          await resumableSync(pages, mortal(sink, step, true), USERS).catch(onlyDeath);
        }

        expect(sink.checkpoint!.pages).toBe(Math.ceil(rows.length / pageSize));
        expect(sink.checkpoint!.records).toBe(sink.handed);
        expect(asked).toBeLessThanOrEqual(sink.checkpoint!.pages + deaths.length);
      }),
    );
  });
});

it('commits each page with the way on from it, and with what it follows, and then the end', async () => {
  const commit = vi.fn<Sink<Row>['commit']>();

  await resumableSync(listing(rowsTo(3), { pageSize: 2 }), { load: () => null, commit }, { ...USERS, run: 'monday' });

  const commits = commit.mock.calls.map(([source, records, ...checkpoints]) => [
    source,
    records.map(({ id }) => id),
    ...checkpoints,
  ]);
  const first = { run: 'monday', resume: { at: 2 }, complete: false, pages: 1, records: 2 };
  const second = { run: 'monday', resume: { at: 3 }, complete: false, pages: 2, records: 3 };
  expect(commits).toEqual([
    ['users', ['0', '1'], first, undefined],
    ['users', ['2'], second, first],
    ['users', [], { ...second, complete: true }, second],
  ]);
});

it('follows the checkpoint of another run, where it loaded that', async () => {
  const commit = vi.fn<Sink<Row>['commit']>();
  const sunday = { run: 'sunday', resume: { at: 9 }, complete: true, pages: 5, records: 9 };

  await resumableSync(listing([]), { load: () => sunday, commit }, { ...USERS, run: 'monday' });

  expect(commit.mock.calls[0]![3]).toBe(sunday);
});

it('goes on from the stored way, and counts on', async () => {
  const checkpoint = { run: '', resume: { at: 4 }, complete: false, pages: 2, records: 4 };
  const sink = memory(checkpoint);

  const figures = await resumableSync(listing(rowsTo(7), { pageSize: 2 }), sink, USERS);

  expect(Object.keys(sink.contents())).toEqual(['4', '5', '6']);
  expect(figures).toMatchObject({ complete: true, pages: 4, records: 7, added: 3, changed: 0 });
});

it('leaves a finished run alone', async () => {
  const sink = memory();
  await resumableSync(listing(rowsTo(3)), sink, USERS);
  const pages = vi.fn(listing(rowsTo(9)));

  const figures = await resumableSync(pages, sink, USERS);

  expect(pages).not.toHaveBeenCalled();
  expect(figures).toMatchObject({ complete: true, pages: 2, records: 3, added: 0 });
});

it('goes on after the end of a finished run, where it is to follow', async () => {
  const sink = memory();
  await resumableSync(listing(rowsTo(3)), sink, USERS);

  const figures = await resumableSync(listing(rowsTo(5)), sink, { ...USERS, follow: true });

  expect(figures).toMatchObject({ complete: true, records: 5, added: 2 });
  expect(sink.checkpoint).toMatchObject({ complete: true, resume: { at: 5 } });
});

it.each([true, false])(
  'begins again under another name, and sees what changed (finished before: %s)',
  async (ended) => {
    const sink = memory();
    const before = rowsTo(4);
    const first = resumableSync(ended ? listing(before) : broken(listing(before), 1), sink, {
      ...USERS,
      run: 'monday',
    });
    await first.catch(onlyDeath);
    const after = [{ ...before[0]!, name: 'renamed' }, ...before.slice(1), { id: 'new', name: 'new' }];

    const figures = await resumableSync(listing(after), sink, { ...USERS, run: 'tuesday' });

    expect(sink.contents()).toEqual(newestOf(after));
    expect(figures).toMatchObject({ pages: 3, records: 5, added: ended ? 1 : 3, changed: 1 });
    expect(sink.needless).toEqual([]);
  },
);

it('hands a page that holds an id twice over with the later one', async () => {
  const sink = memory();

  await resumableSync(listing([row('a', 'old'), row('b'), row('a', 'new')], { pageSize: 3 }), sink, USERS);

  expect(sink.contents()).toEqual({ a: row('a', 'new'), b: row('b') });
  expect(sink.handed).toBe(2);
});

it('takes numbers for ids, and what `id` finds', async () => {
  const sink = memory();
  const pages = listing([{ key: { no: 0 } }, { key: { no: 2 ** 53 - 1 } }] as unknown as Row[]);

  await resumableSync(pages, sink, { ...USERS, id: (item) => (item as unknown as { key: { no: number } }).key.no });

  expect(Object.keys(sink.contents())).toEqual(['0', '9007199254740991']);
});

it.each([
  ['undefined', {}],
  ['null', { id: null }],
  ['', { id: '' }],
  ['undefined', null],
  ['[object Object]', { id: { $oid: 'c' } }],
  ['true', { id: true }],
  ['7', { id: 7n }],
  ['NaN', { id: Number.NaN }],
  ['1.5', { id: 1.5 }],
  ['1050118621198921700', JSON.parse('{ "id": 1050118621198921729 }')],
])('lands nothing of a page with %s for an id, in %o', async (got, item) => {
  const sink = memory();
  const pages = listing([row('a'), row('b'), row('c'), item as unknown as Row]);

  await expect(resumableSync(pages, sink, USERS)).rejects.toThrow(
    new TypeError(
      `resumableSync: record 1 of page 2 of users has no id, a non-empty string or a safe integer, but ${got}`,
    ),
  );

  expect(Object.keys(sink.contents())).toEqual(['a', 'b']);
});

it('gives equal contents one hash whatever the order of their keys, and others another', async () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string(), value), value, async (content, other) => {
      const turned = Object.fromEntries(Object.entries(content).reverse());
      const [one, two, three] = await hashesOf([
        { nested: [content], a: 1 },
        { a: 1, nested: [turned] },
        { a: 1, nested: [{ ...content, added: other }] },
      ]);

      expect(two).toBe(one);
      if (JSON.stringify(content.added) !== JSON.stringify(other)) expect(three).not.toBe(one);
    }),
  );
});

it('hands out the SHA-256 of the content', async () => {
  const [hash] = await hashesOf([{ id: 'a', b: 1 }]);

  expect(hash).toBe(
    Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from('{"b":1,"id":"a"}'))).toString('base64'),
  );
});

describe('its signal', () => {
  it('ends it before the next page lands, with its own reason, and closes the pages', async () => {
    const stop = new AbortController();
    const sink = memory();
    let closed = false;
    const pages: Pages<Row> = async function* (from) {
      try {
        for await (const page of listing(rowsTo(6))(from)) {
          if (page.items[0]!.id === '2') stop.abort('enough');
          yield page;
        }
      } finally {
        closed = true;
      }
    };

    await expect(resumableSync(pages, sink, { ...USERS, signal: stop.signal })).rejects.toBe('enough');

    expect(Object.keys(sink.contents())).toEqual(['0', '1']);
    expect(closed).toBe(true);
  });

  it('reaches the pages, and pages that end because of it are not the end', async () => {
    const stop = new AbortController();
    const sink = memory();
    const pages: Pages<Row> = async function* ({ signal }) {
      yield page([row('a')], 1);
      stop.abort('enough');
      if (!signal!.aborted) yield page([row('b')], 2);
    };

    await expect(resumableSync(pages, sink, { ...USERS, signal: stop.signal })).rejects.toBe('enough');

    expect(sink.checkpoint).toMatchObject({ complete: false, pages: 1 });
  });

  it('asks no page where it has aborted before', async () => {
    const pages = vi.fn(listing(rowsTo(3)));

    await expect(resumableSync(pages, memory(), { ...USERS, signal: AbortSignal.abort('enough') })).rejects.toBe(
      'enough',
    );

    expect(pages).not.toHaveBeenCalled();
  });
});

describe('its events', () => {
  it('tell figures of the run, the rate of this call, and how long it will take', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const events: SyncEvent[] = [];
    const pages: Pages<Row> = async function* (from) {
      for await (const one of listing(rowsTo(10), { pageSize: 4 })(from)) {
        vi.advanceTimersByTime(500);
        yield one;
      }
    };
    try {
      const sink = memory({ run: '', resume: { at: 2 }, complete: false, pages: 1, records: 2 });
      await resumableSync(pages, sink, { ...USERS, total: () => 10, onEvent: (event) => events.push(event) });
    } finally {
      vi.useRealTimers();
    }

    const shared = { source: 'users', changed: 0 };
    const unknown = { total: undefined, leftMs: undefined };
    expect(events).toEqual([
      { ...shared, ...unknown, type: 'started', complete: false, pages: 1, records: 2, added: 0, recordsPerSecond: 0 },
      {
        ...shared,
        type: 'progress',
        complete: false,
        pages: 2,
        records: 6,
        added: 4,
        recordsPerSecond: 8,
        total: 10,
        leftMs: 500,
      },
      {
        ...shared,
        type: 'progress',
        complete: false,
        pages: 3,
        records: 10,
        added: 8,
        recordsPerSecond: 8,
        total: 10,
        leftMs: 0,
      },
      {
        ...shared,
        type: 'progress',
        complete: true,
        pages: 3,
        records: 10,
        added: 8,
        recordsPerSecond: 8,
        total: 10,
        leftMs: 0,
      },
    ]);
  });

  it.each([0, Number.NaN, undefined])('make no estimate of a total that is %s', async (total) => {
    const figures = await resumableSync(listing(rowsTo(3)), memory(), { ...USERS, total: () => total });

    expect(figures).toMatchObject({ total: undefined, leftMs: undefined });
  });

  it('harm nothing where the observer fails', async () => {
    const onEvent = vi.fn<() => unknown>(() => Promise.reject(new Error('observer')));
    const sink = memory();

    await resumableSync(listing(rowsTo(3)), sink, { ...USERS, onEvent });
    onEvent.mockImplementation(() => {
      throw new Error('observer');
    });
    await resumableSync(listing(rowsTo(3)), sink, { ...USERS, run: 'again', onEvent });

    expect(sink.checkpoint).toMatchObject({ run: 'again', complete: true });
  });
});

describe('a schema', () => {
  it.each([false, true])(
    'tells each path that does not fit once, and all lands as it came (async: %s)',
    async (later) => {
      const drifts: SyncEvent[] = [];
      const sink = memory();
      const rows = [row('a', 'ok'), row('b', 'drifted'), row('c', 'drifted')];
      const issues = [
        { message: 'expected a text', path: ['tags', 3, { key: 'name' }] },
        { message: 'expected a text', path: ['tags', 4, 'name'] },
        { message: 'not a user' },
      ];
      const judge = (value: unknown) => ((value as Row).name === 'ok' ? { value: 'other' } : { issues });

      await resumableSync(listing(rows), sink, {
        ...USERS,
        schema: { '~standard': { validate: (value) => (later ? Promise.resolve(judge(value)) : judge(value)) } },
        onEvent: (event) => event.type === 'drift' && drifts.push(event),
      });

      expect(drifts).toEqual([
        { type: 'drift', source: 'users', id: 'b', path: 'tags[].name', message: 'expected a text' },
        { type: 'drift', source: 'users', id: 'b', path: '', message: 'not a user' },
      ]);
      expect(sink.contents()).toEqual(newestOf(rows));
    },
  );

  it('tells a hundred paths at most', async () => {
    const drifts: SyncEvent[] = [];
    const validate = (value: unknown) => ({ issues: [{ message: 'unknown', path: [(value as Row).id] }] });

    await resumableSync(listing(rowsTo(120)), memory(), {
      ...USERS,
      schema: { '~standard': { validate } },
      onEvent: (event) => event.type === 'drift' && drifts.push(event),
    });

    expect(drifts).toHaveLength(100);
  });
});

it.each<[string, Partial<ResumableSyncOptions<Row>>]>([
  ['source', { source: '' }],
  ['source', { source: undefined as unknown as string }],
  ['id', { id: 'id' as unknown as () => string }],
  ['schema', { schema: {} as never }],
])('refuses a wrong %s at once', (name, options) => {
  expect(() => resumableSync(listing([]), memory(), { ...USERS, ...options })).toThrow(`resumableSync: ${name}`);
});

it('refuses pages and a sink that are none', () => {
  expect(() => resumableSync([] as never, memory(), USERS)).toThrow('resumableSync: pages');
  expect(() => resumableSync(listing([]), undefined as never, USERS)).toThrow('resumableSync: sink.load');
  expect(() => resumableSync(listing([]), { load: () => null } as never, USERS)).toThrow('resumableSync: sink.commit');
});

class Death extends Error {}

function onlyDeath(error: unknown): SyncFigures | undefined {
  if (error instanceof Death) return undefined;
  throw error;
}

/** Lives for so many steps. */
function dyingAt(death: number): () => Promise<void> {
  let steps = 0;
  return async () => {
    steps += 1;
    if (steps >= death) throw new Death();
  };
}

function row(id: string, name = id): Row {
  return { id, name };
}

function rowsTo(count: number): Row[] {
  return Array.from({ length: count }, (_, index) => row(`${index}`));
}

function newestOf(rows: readonly Row[]): Record<string, Row> {
  return Object.fromEntries(rows.map((one) => [one.id, one]));
}

function page(items: readonly Row[], at: number): Page<Row> {
  return { items, response: new Response(), resume: { at } };
}

interface ListingOptions {
  readonly pageSize?: number;
  readonly again?: number;
  readonly step?: () => Promise<void>;
  readonly onPage?: () => void;
}

function listing(rows: readonly Row[], options: ListingOptions = {}): Pages<Row> {
  const { pageSize = 2, again = 0, step, onPage } = options;
  return async function* ({ resume }) {
    let at = Math.max(0, ((resume?.at as number | undefined) ?? 0) - again);
    while (at < rows.length) {
      await step?.();
      onPage?.();
      const items = rows.slice(at, at + pageSize);
      at += items.length;
      yield page(items, at);
    }
    await step?.();
  };
}

/** Fails after so many pages. */
function broken(pages: Pages<Row>, after: number): Pages<Row> {
  return async function* (from) {
    let count = 0;
    for await (const one of pages(from)) {
      if (count++ === after) throw new Death();
      yield one;
    }
  };
}

/** A sink that outlives the processes that write to it. */
function memory(stored?: Checkpoint) {
  const rows = new Map<string, SyncRecord<Row>>();
  const needless: string[] = [];
  const sink = {
    checkpoint: stored,
    /** Ids that were written though their content was there. */
    needless,
    /** How many records it was handed with a checkpoint. */
    handed: 0,
    contents: () => Object.fromEntries([...rows].map(([id, { item }]) => [id, item])),
    write(records: readonly SyncRecord<Row>[]) {
      const landed = { added: 0, changed: 0 };
      for (const record of records) {
        const there = rows.get(record.id);
        if (there?.hash === record.hash) continue;
        if (JSON.stringify(there?.item) === JSON.stringify(record.item)) needless.push(record.id);
        landed[there ? 'changed' : 'added'] += 1;
        rows.set(record.id, record);
      }
      return landed;
    },
    load: (): Checkpoint | undefined => sink.checkpoint,
    commit(_source: string, records: readonly SyncRecord<Row>[], checkpoint: Checkpoint) {
      sink.checkpoint = checkpoint;
      sink.handed += records.length;
      return sink.write(records);
    },
  };
  return sink;
}

/** The same sink, as a process that may die at any step sees it. */
function mortal(sink: ReturnType<typeof memory>, step: () => Promise<void>, isAtomic: boolean): Sink<Row> {
  return {
    async load() {
      await step();
      return structuredClone(sink.checkpoint);
    },
    async commit(source, records, checkpoint) {
      await step();
      if (!isAtomic) {
        sink.write(records);
        await step();
      }
      const landed = sink.commit(source, records, checkpoint);
      await step();
      return landed;
    },
  };
}

async function hashesOf(items: readonly object[]): Promise<string[]> {
  const hashes: string[] = [];
  const rows = items as readonly Row[];
  const commit: Sink<Row>['commit'] = (_source, records) => {
    hashes.push(...records.map(({ hash }) => hash));
    return undefined;
  };
  let id = 0;
  await resumableSync(listing(rows), { load: () => null, commit }, { ...USERS, id: () => id++ });
  return hashes;
}
