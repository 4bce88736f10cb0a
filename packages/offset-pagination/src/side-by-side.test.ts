import { expect, it } from 'vitest';
import { type Fetch, offsetPagination } from './offset-pagination.ts';
import { type SideBySideOptions, sideBySide } from './side-by-side.ts';

it('asks for windows side by side where a total is given, in order, and not past it', async () => {
  const server = serving(records(50));
  const waiting: (() => void)[] = [];
  let most = 0;
  const fetch: Fetch = async (input, init) => {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      most = Math.max(most, waiting.length);
      setImmediate(() =>
        waiting
          .splice(0)
          .reverse()
          .forEach((answer) => void answer()),
      );
    });
    return server.fetch(input, init);
  };

  expect(await collect(fetch, 6, { total: 50 })).toEqual(records(50).map(({ id }) => id));
  expect(most).toBe(4);
  expect(server.asked()).toHaveLength(11);
});

it.each([10, 1_000])('reads all of 50 records where the total says %i', async (total) => {
  expect(await collect(serving(records(50)).fetch, 6, { total })).toHaveLength(50);
});

it('aborts the windows asked for side by side when the consumer leaves', async () => {
  const server = serving(records(50));
  const signals: AbortSignal[] = [];
  const fetch: Fetch = async (input, init) => {
    if (query(input, 'offset') === '0') return server.fetch(input, init);
    signals.push(init!.signal!);
    return new Promise((_, reject) => {
      init!.signal!.addEventListener('abort', () => reject(init!.signal!.reason), { once: true });
    });
  };
  const options = { fetch, limit: 6, by: sideBySide({ total: 50 }), prefetch: 1 };
  const pages = offsetPagination<Row>('https://api.test/rows', options);
  await pages.next();
  await new Promise((resolve) => setImmediate(resolve));
  expect(signals).toHaveLength(4);

  await pages.return(undefined);

  expect(signals.every(({ aborted }) => aborted)).toBe(true);
});

it('asks again in its turn for a window that failed ahead of it', async () => {
  const server = serving(records(20));
  let hasFailed = false;
  const fetch: Fetch = async (input, init) => {
    if (query(input, 'offset') !== '8' || hasFailed) return server.fetch(input, init);
    hasFailed = true;
    return new Response(null, { status: 503 });
  };

  expect(await collect(fetch, 5, { total: 20 })).toHaveLength(20);
  expect(hasFailed).toBe(true);
});

it('puts aside what it asked for ahead where the listing moved, and loses nothing', async () => {
  const rows = records(120);
  const server = serving(rows, { 6: () => rows.splice(0, 3) });
  let waiting = 0;
  let mostAfterwards = 0;
  const fetch: Fetch = async (input, init) => {
    waiting += 1;
    if (server.asked().length > 20) mostAfterwards = Math.max(mostAfterwards, waiting);
    await new Promise((resolve) => setImmediate(resolve));
    waiting -= 1;
    return server.fetch(input, init);
  };

  expect(await collect(fetch, 6, { total: 120 })).toEqual(records(120).map(({ id }) => id));
  expect(mostAfterwards).toBeGreaterThan(1);
  expect(server.asked().length).toBeLessThan(50);
});

it('asks by the names of the parameters it is given', async () => {
  const rows = records(30);
  const fetch: Fetch = async (input) => {
    const start = Number(query(input, 'skip'));
    return Response.json(rows.slice(start, start + Number(query(input, 'take'))));
  };

  expect(await collect(fetch, 6, { total: 30, offset: 'skip', limit: 'take' })).toHaveLength(30);
});

it.each([
  [{ total: -1 }, 'total must be an integer from 0, got -1'],
  [{ total: Number.NaN }, 'total'],
  [{ total: undefined as never }, 'total must be an integer from 0'],
  [{ total: 5, atOnce: 1 }, 'atOnce must be an integer from 2, got 1'],
  [{ total: 5, offset: '' }, 'offset and limit must be two names'],
  [{ total: 5, limit: '' }, 'offset and limit must be two names'],
  [{ total: 5, limit: 'offset' }, 'offset and limit must be two names'],
])('refuses %o when called', (options, message) => {
  expect(() => sideBySide(options)).toThrow(`sideBySide: ${message}`);
});

interface Row {
  readonly id: number;
}

function records(count: number): Row[] {
  return Array.from({ length: count }, (_, id) => ({ id }));
}

async function collect(fetch: Fetch, limit: number, names: SideBySideOptions): Promise<number[]> {
  const ids: number[] = [];
  const options = { limit, by: sideBySide(names), fetch: bounded(fetch) };
  for await (const { items } of offsetPagination<Row>('https://api.test/rows', options)) {
    ids.push(...items.map(({ id }) => id));
  }
  return ids;
}

/** Fails where it is asked more often than any of these listings takes, rather than never to end. */
function bounded(fetch: Fetch): Fetch {
  let requests = 0;
  return (input, init) => {
    requests += 1;
    if (requests > 500) throw new Error('It never ends');
    return fetch(input, init);
  };
}

function query(input: Parameters<Fetch>[0], name: string): string | null {
  return new URL(String(input)).searchParams.get(name);
}

/** Serves `rows` by offset; `before` lets something happen to them before the nth answer, counted from 0. */
function serving(rows: Row[], before: Record<number, () => unknown> = {}) {
  const asked: string[] = [];
  const fetch: Fetch = async (input) => {
    before[asked.length]?.();
    asked.push(String(input));
    const start = Number(query(input, 'offset'));
    return Response.json(rows.slice(start, start + Number(query(input, 'limit'))));
  };
  return { fetch, asked: () => asked };
}
