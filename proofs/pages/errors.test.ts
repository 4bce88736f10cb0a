import * as batchModule from '@steadfetch/batch';
import * as cursorModule from '@steadfetch/cursor-pagination';
import * as keysetModule from '@steadfetch/keyset-pagination';
import * as linkModule from '@steadfetch/link-pagination';
import * as offsetModule from '@steadfetch/offset-pagination';
import { type Checkpoint, resumableSync, type Sink } from '@steadfetch/resumable-sync';
import { describe, expect, it } from 'vitest';
import {
  collect,
  collectUntilError,
  type Fetch,
  idsOf,
  type Page,
  type PaginationOptions,
  type Paginator,
  paginators,
  ROWS,
  type Row,
} from './paginators.ts';

/** A way in which a provider stops a listing. */
interface Fault {
  readonly of: string;
  readonly error: string;
  readonly detail: string;
  readonly status?: number;
  readonly options?: object;
  /** Stands in for the answer to every request from the third on. */
  readonly answer: (url: URL) => Response | Promise<Response>;
}

const NAMES = paginators.map(({ name }) => name);
const ALL = [0, 1, 2, 3, 4, 5, 6];
const rows = (...ids: number[]): Row[] => ids.map((id) => ({ id }));
const elsewhere = () => new Response(null, { status: 302, headers: { location: 'https://evil.test/rows?token=t' } });
const refused = () => Promise.reject(new TypeError('fetch failed'));
const linkTo = (target: string) => Response.json(rows(2, 3), { headers: { link: `<${target}>; rel="next"` } });
const inACircle = ({ searchParams }: URL) => (searchParams.get('after') === '3' ? rows(0, 1) : rows(2, 3));

const FAULTS: readonly Fault[] = [
  ...NAMES.flatMap((of): Fault[] => [
    {
      of,
      error: 'PageError',
      detail: 'the answer was 503',
      status: 503,
      answer: () => new Response(null, { status: 503 }),
    },
    { of, error: 'PageError', detail: 'the body is not JSON', status: 200, answer: () => new Response('<html>') },
    {
      of,
      error: 'PageError',
      detail: 'the body is not the page expected',
      status: 200,
      answer: () => Response.json(7),
    },
    { of, error: 'PageError', detail: 'the request failed', answer: refused },
    {
      of,
      error: 'CrossOriginError',
      detail: 'it leads to untrusted https://evil.test',
      answer: elsewhere,
    },
  ]),
  {
    of: 'offset-pagination',
    error: 'PaginationStalledError',
    detail: '1,000 windows without a new record',
    answer: () => Response.json(rows(0, 1, 2)),
  },
  {
    of: 'cursor-pagination',
    error: 'CursorLoopError',
    detail: 'the cursor runs in a circle',
    answer: () => Response.json({ rows: rows(2, 3), next: 2 }),
  },
  {
    of: 'link-pagination',
    error: 'LinkLoopError',
    detail: 'the links run in a circle',
    answer: () => linkTo('/rows?q=1&from=2'),
  },
  {
    of: 'link-pagination',
    error: 'PageError',
    detail: 'its next link cannot be read',
    status: 200,
    answer: () => linkTo('http://[?token=t'),
  },
  {
    of: 'keyset-pagination',
    error: 'KeysetStalledError',
    detail: '10 pages in a row held nothing new, as where more share a time than fit',
    answer: () => Response.json({ rows: rows(0, 1), has_more: true }),
  },
  {
    of: 'keyset-pagination',
    error: 'KeysetStalledError',
    detail: 'it runs in a circle',
    answer: (url) => Response.json({ rows: inACircle(url), has_more: true }),
  },
];

it.each(FAULTS)('$of says of a $error where it was: $detail, and leads on', async ({ of, error, detail, ...fault }) => {
  const { read, serve } = paginators.find(({ name }) => name === of)!;
  const healthy = serve(ALL.length);
  let asked = 0;
  const broken: Fetch = async (input, init) => {
    asked += 1;
    return asked < 3 ? healthy(input, init) : fault.answer(new URL(String(input)));
  };

  const { pages, error: thrown } = await collectUntilError(read(ROWS, { ...fault.options, fetch: broken }));

  const { message, page, status, resume } = thrown as InstanceType<typeof cursorModule.PageError>;
  expect(thrown).toMatchObject({ name: error });
  expect(message).toBe(`Page ${pages.length + 1} of https://api.test/rows: ${detail}`);
  expect({ page, status, resume }).toEqual({
    page: pages.length + 1,
    status: fault.status,
    resume: pages.at(-1)!.resume,
  });

  const rest = await collect(
    read(ROWS, { ...fault.options, fetch: healthy, resume: JSON.parse(JSON.stringify(resume)) }),
  );
  expect(new Set(idsOf([...pages, ...rest]))).toEqual(new Set(ALL));
});

it.each(paginators)('$name begins again where the very first page failed', async ({ read, serve }) => {
  const { pages, error } = await collectUntilError(read(ROWS, { fetch: refused }));

  const { page, resume } = error as InstanceType<typeof cursorModule.PageError>;
  expect({ pages, page, resume }).toEqual({ pages: [], page: 1, resume: undefined });
  expect(idsOf(await collect(read(ROWS, { fetch: serve(7), resume })))).toEqual(ALL);
});

it('knows of every error that there is', () => {
  const modules = { offset: offsetModule, cursor: cursorModule, link: linkModule, keyset: keysetModule };
  for (const [name, module] of Object.entries(modules)) {
    const provoked = FAULTS.filter(({ of }) => of === `${name}-pagination`).map(({ error }) => error);
    expect(new Set(errorsOf(module))).toEqual(new Set(provoked));
  }
  expect(errorsOf(batchModule)).toEqual(['BatchError']);
});

describe('batch', () => {
  it('says which item failed and why, and hands it back to be sent again', async () => {
    const refuses = (id: number) => id === 2;
    const written: number[] = [];
    const fetch: Fetch = async (_input, init) => {
      const sent: Row[] = JSON.parse(String(init?.body));
      written.push(...sent.map(({ id }) => id).filter((id) => !refuses(id)));
      return Response.json(sent.map(({ id }) => (refuses(id) ? { status: 409, error: 'locked' } : { status: 201 })));
    };

    const outcomes: batchModule.ItemOutcome<Row>[] = [];
    for await (const outcome of batchModule.batch(ROWS, rows(0, 1, 2, 3), { fetch })) outcomes.push(outcome);

    const failed = outcomes.filter(({ status }) => status !== 'done');
    expect(failed).toMatchObject([
      {
        index: 2,
        item: { id: 2 },
        status: 'failed',
        error: {
          message: 'Item 2: failed (200)',
          status: 200,
          answer: { error: 'locked' },
        },
      },
    ]);
    expect(written).toEqual([0, 1, 3]);
  });

  it('sends the same again under the same keys, where the answers were lost', async () => {
    const keys: (string | null)[] = [];
    const lose: Fetch = async (_input, init) => {
      keys.push(new Headers(init?.headers).get('idempotency-key'));
      throw new TypeError('fetch failed');
    };
    const run = async () => {
      const options = { fetch: lose, attempts: 1, run: 'monday', maxItems: 2, concurrency: 1 };
      const outcomes: batchModule.ItemOutcome<Row>[] = [];
      for await (const outcome of batchModule.batch(ROWS, rows(0, 1, 2), options)) outcomes.push(outcome);
      return outcomes;
    };

    const outcomes = await run();
    await run();

    expect(outcomes.map((outcome) => outcome.status !== 'done' && outcome.error.message)).toEqual(
      [0, 1, 2].map((index) => `Item ${index}: unknown (no answer)`),
    );
    expect(new Set(keys.slice(0, 2)).size).toBe(2);
    expect(keys.slice(2)).toEqual(keys.slice(0, 2));
  });
});

describe.each(paginators)('resumable-sync over $name', ({ read, serve }) => {
  it('lets the error of a page through as it is, and goes on after the last page that landed', async () => {
    const { sink, landed } = remembering();
    let asked = 0;
    const fetch: Fetch = (input, init) => {
      asked += 1;
      return asked === 3 ? refused() : serve(7)(input, init);
    };
    const sync = () => resumableSync(reading({ read }, fetch), sink, { source: 'rows' });

    await expect(sync()).rejects.toMatchObject({ name: 'PageError', message: expect.stringMatching(/^Page 3 of /) });
    expect(landed.length).toBeGreaterThan(2);
    await sync();

    expect(landed).toEqual(ALL);
  });
});

it('resumable-sync says which record of which page of what has no id', async () => {
  const { sink } = remembering();
  const { read } = paginators[1]!;
  const fetch: Fetch = async () => Response.json({ rows: [{ id: 0 }, { name: 'x' }], next: null });

  await expect(resumableSync(reading({ read }, fetch), sink, { source: 'rows' })).rejects.toThrow(
    'resumableSync: record 1 of page 1 of rows has no id',
  );
});

function errorsOf(module: object): string[] {
  return Object.keys(module).filter((name) => name.endsWith('Error'));
}

function reading({ read }: Pick<Paginator, 'read'>, fetch: Fetch) {
  return ({ resume, signal }: Pick<PaginationOptions<Row>, 'resume' | 'signal'>): AsyncIterable<Page<Row>> =>
    read(ROWS, { fetch, resume, signal });
}

/** A sink that keeps ids, in the order in which they landed. */
function remembering(): { sink: Sink<Row>; landed: number[] } {
  const landed: number[] = [];
  let stored: Checkpoint | undefined;
  const sink: Sink<Row> = {
    load: () => structuredClone(stored),
    commit(_source, records, checkpoint) {
      landed.push(...records.map(({ item }) => item.id));
      stored = checkpoint;
      return undefined;
    },
  };
  return { sink, landed };
}
