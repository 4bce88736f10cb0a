import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ConcurrencyLimitEvent, concurrencyLimit, type Fetch } from './concurrency-limit.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ITEMS = 'https://api.test/items';

describe('the adaptive limit', () => {
  it('starts with one', async () => {
    const next = vi.fn<Fetch>(() => new Promise(() => {}));
    const send = concurrencyLimit({ max: 'adaptive' })(next);
    for (let i = 0; i < 10; i += 1) void send(ITEMS);

    await vi.advanceTimersByTimeAsync(0);

    expect(next).toHaveBeenCalledTimes(1);
  });

  it.each([
    { capacity: 5, spread: 0 },
    { capacity: 10, spread: 0 },
    { capacity: 10, spread: 0.3 },
    { capacity: 40, spread: 0.3 },
    { capacity: 100, spread: 0.2 },
  ])(
    'settles between half and two and a half times a capacity of $capacity beyond which requests queue (spread $spread)',
    async (server) => {
      const { limits, answered } = await busyTime(queueing(server));

      const [least, mean, most] = figuresOf(limits);
      expect(least).toBeGreaterThanOrEqual(server.capacity * 0.5);
      expect(most).toBeLessThanOrEqual(server.capacity * 2.5 + 1);
      expect(mean).toBeGreaterThanOrEqual(server.capacity);
      expect(mean).toBeLessThanOrEqual(server.capacity * 1.75);
      // All the server can do, less a tenth.
      const serviceMs = 100 * Math.exp(server.spread ** 2 / 2);
      expect(answered).toBeGreaterThan((0.9 * server.capacity * 30_000) / serviceMs);
    },
  );

  it.each([
    { capacity: 10, spread: 0.2 },
    { capacity: 40, spread: 0.5 },
  ])(
    'settles between 0.65 and one times a capacity of $capacity beyond which it is refused (spread $spread)',
    async (server) => {
      const { limits, answered, refused } = await busyTime(refusing(server));

      const [least, , most] = figuresOf(limits);
      expect(least).toBeGreaterThanOrEqual(server.capacity * 0.65);
      expect(most).toBeLessThanOrEqual(server.capacity + 1);
      expect(refused / answered).toBeLessThan(0.01);
    },
  );

  it('does not take uneven answers for queueing: where nothing queues, it grows', async () => {
    for (let seed = 1; seed <= 8; seed += 1) {
      const random = uneven(0.5, seed);
      const { send, events, limits } = client(() => later(random(), 200));
      await flood(send, 50, 10_000);

      const shrunk = events.filter((event) => event.type === 'limit' && event.because === 'slow');
      expect(shrunk, `seed ${seed}`).toEqual([]);
      expect(limits.at(-1), `seed ${seed}`).toBeGreaterThan(50);
    }
  });

  it('learns nothing while it is under-used, however slow or quick that is', async () => {
    let tookMs = 100;
    const { send, limits } = client(() => later(tookMs, 200));
    await flood(send, 8, 20_000);
    const before = limits.at(-1)!;
    // Eight filled eight, and nobody fills what came of that.
    expect(before).toBe(16);

    for (const ms of [1, 5_000]) {
      tookMs = ms;
      for (let i = 0; i < 200; i += 1) {
        void send(ITEMS);
        await vi.advanceTimersByTimeAsync(ms);
      }
    }

    expect(limits.at(-1)).toBe(before);
  });

  it.each([429, 503, 529])('falls to seven tenths of what was in flight, once a round, on %i', async (status) => {
    let answer = 200;
    const { send, events } = client(() => later(100, answer));
    await flood(send, 64, 20_000);
    events.length = 0;
    answer = status;

    for (let i = 0; i < 20; i += 1) void send(ITEMS);
    await vi.advanceTimersByTimeAsync(100);

    expect(events.filter(({ type }) => type === 'limit')).toEqual([
      { type: 'limit', limit: expect.any(Number), because: 'refused' },
    ]);
    expect(events.at(-1)).toMatchObject({ limit: expect.toSatisfy((limit: number) => limit >= 1 && limit <= 14) });
  });

  it('takes a TimeoutError for a refusal, and no other failure', async () => {
    let failure: Error = new TypeError('fetch failed');
    let isFailing = false;
    const { send, limits } = client(async () => {
      const response = await later(100, 200);
      if (isFailing) throw failure;
      return response;
    });
    await flood(send, 16, 20_000);
    const before = limits.at(-1)!;
    isFailing = true;

    const both: number[] = [];
    for (failure of [failure, Object.assign(new Error('late'), { name: 'TimeoutError' })]) {
      await Promise.all([send(ITEMS).catch(() => {}), vi.advanceTimersByTimeAsync(100)]);
      both.push(limits.at(-1)!);
    }

    expect(both[0]).toBe(before);
    expect(both[1]).toBeLessThan(before);
  });

  it('falls to what was answered without queueing, less a tenth, when answers take three times as long', async () => {
    let tookMs = 100;
    const { send, events } = client(() => later(tookMs, 200));
    await flood(send, 64, 10_000);
    expect(events.at(-1)).toEqual({ type: 'limit', limit: 128, because: 'keeps-up' });
    events.length = 0;
    tookMs = 300;

    await flood(send, 128, 500);

    // 128 * 0.9 / 3
    expect(events.filter(({ type }) => type === 'limit')).toEqual([{ type: 'limit', limit: 38, because: 'slow' }]);
  });

  it('never passes a thousand', async () => {
    const { send, limits } = client(() => later(100, 200));

    await flood(send, 1_100, 5_500);

    expect(Math.max(...limits)).toBe(1_000);
  });

  it('tells of no change where there was none', async () => {
    const { send, events } = client(() => later(100, 429));

    await Promise.all([send(ITEMS), vi.advanceTimersByTimeAsync(100)]);

    expect(events).toEqual([]);
  });

  it("does not take a deadline of the caller's for a refusal", async () => {
    const controller = new AbortController();
    const late = Object.assign(new Error('late'), { name: 'TimeoutError' });
    const { send, events } = client((_input, init) => {
      if (!init?.signal) return later(100, 200);
      return new Promise((_resolve, reject) => {
        init.signal?.addEventListener('abort', () => reject(init.signal?.reason), { once: true });
      });
    });
    await flood(send, 16, 20_000);
    events.length = 0;
    const given = expect(send(ITEMS, { signal: controller.signal })).rejects.toBe(late);
    await vi.advanceTimersByTimeAsync(0);

    controller.abort(late);

    await given;
    expect(events).toEqual([]);
  });

  it('does not take quick failures for a quick server', async () => {
    let isFailing = false;
    const server = refusing({ capacity: 20, spread: 0 });
    const { send, events } = client((...call) => (isFailing ? later(1, 500) : server(...call)));
    await flood(send, 40, 20_000);
    isFailing = true;
    await flood(send, 40, 1_000);
    isFailing = false;
    events.length = 0;

    await flood(send, 40, 10_000);

    expect(events).not.toContainEqual(expect.objectContaining({ because: 'slow' }));
  });

  it.each([200, 304, 404, 409, 410, 412, 422])('grows where answers are %i', async (status) => {
    const { send, limits } = client(() => later(100, status));

    await flood(send, 2, 2_900);
    expect(limits).toEqual([1, 2]);

    await flood(send, 2, 600);
    expect(limits).toEqual([1, 2, 4]);
  });

  it.each([401, 403, 500])('learns nothing where answers are %i', async (status) => {
    const { send, events } = client(() => later(100, status));

    await flood(send, 1, 2_500);

    expect(events).toEqual([]);
  });

  it('measures what is found by what is found, and what is not by what is not', async () => {
    let [tookMs, status] = [10, 404];
    const { send, events } = client(() => later(tookMs, status));
    await flood(send, 64, 2_000);
    [tookMs, status] = [100, 200];
    events.length = 0;
    await flood(send, 128, 1_000);
    expect(events.filter(({ type }) => type === 'limit')).toEqual([{ type: 'limit', limit: 256, because: 'keeps-up' }]);
    [tookMs, status] = [30, 404];

    await flood(send, 256, 50);

    // 256 * 0.9 / 3
    expect(events).toContainEqual({ type: 'limit', limit: 76, because: 'slow' });
  });

  it('holds by a clock that ticks so seldom that most answers take no time, and sees when they do', async () => {
    const fine = performance.now.bind(performance);
    const coarse = vi.spyOn(performance, 'now').mockImplementation(() => Math.floor(fine() / 16) * 16);
    let tookMs = 6;
    const { send, events, limits } = client(() => later(tookMs, 200));
    await flood(send, 64, 3_000);
    expect(events).not.toContainEqual(expect.objectContaining({ because: 'slow' }));
    expect(limits.at(-1)).toBe(128);
    tookMs = 160;

    await flood(send, 128, 500);
    coarse.mockRestore();

    expect(events).toContainEqual(expect.objectContaining({ because: 'slow' }));
  });

  it('finds its way when the server is slower for good', async () => {
    let factor = 1;
    const server = refusing({ capacity: 20, spread: 0 });
    const { send, limits } = client(async (...call) => {
      const response = await server(...call);
      if (response.ok) await later(100 * (factor - 1), 200);
      return response;
    });
    await flood(send, 40, 20_000);
    factor = 10;
    await flood(send, 40, 120_000);

    expect(Math.min(...limits.slice(20))).toBe(1);
    expect(limits.at(-1)).toBeGreaterThan(8);
  });

  it("serves who waits once it has grown, with hold: 'body' too, and lets nobody overtake", async () => {
    const begun: string[] = [];
    const onEvent = ({ type }: ConcurrencyLimitEvent) => void (type === 'limit' && send('newcomer'));
    const send = concurrencyLimit({ max: 'adaptive', hold: 'body', onEvent })(async (input) => {
      begun.push(`${input}`);
      await later(100, 200);
      return new Response('body');
    });
    for (let i = 1; i < ENOUGH; i += 1) await Promise.all([send('warm'), pass(100)]).then(([warm]) => warm.text());

    const unread = send('last');
    void send('waiting');
    await pass(100);

    expect((await unread).bodyUsed).toBe(false);
    expect(begun.slice(ENOUGH - 1)).toEqual(['last', 'waiting']);
  });

  it('serves who waits once the late answer to an aborted request made it grow', async () => {
    const begun: string[] = [];
    const send = concurrencyLimit({ max: 'adaptive' })((input, init) => {
      begun.push(`${input}`);
      return later(init?.signal ? 100 : 200, 200);
    });
    for (let i = 1; i < ENOUGH; i += 1) await Promise.all([send('warm'), pass(200)]);

    const caller = new AbortController();
    void send('aborted', { signal: caller.signal });
    for (const name of ['next', 'waiting']) void send(name);
    await pass(10);
    caller.abort();
    await pass(90);

    expect(begun.slice(ENOUGH - 1)).toEqual(['aborted', 'next', 'waiting']);
  });
});

/** So many answers make the first round. */
const ENOUGH = 20;

interface Server {
  readonly capacity: number;
  /** How uneven answers are: the standard deviation of the logarithm of their time, whose median is 100 ms. */
  readonly spread: number;
}

/** So many at once are worked on; the others queue. */
function queueing({ capacity, spread }: Server): Fetch {
  const random = uneven(spread);
  const queue: (() => void)[] = [];
  let working = 0;
  return async () => {
    if (working >= capacity) await new Promise<void>((turn) => queue.push(turn));
    else working += 1;
    const response = await later(random(), 200);
    const turn = queue.shift();
    if (turn) turn();
    else working -= 1;
    return response;
  };
}

/** So many at once are worked on; the others are refused. */
function refusing({ capacity, spread }: Server): Fetch {
  const random = uneven(spread);
  let working = 0;
  return async () => {
    if (working >= capacity) return later(5, 503);
    working += 1;
    const response = await later(random(), 200);
    working -= 1;
    return response;
  };
}

/** Milliseconds, the same ones every time: log-normal by Box and Muller, from a linear congruence. */
function uneven(spread: number, seed = 7): () => number {
  const random = (): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return (seed + 1) / (2 ** 31 + 1);
  };
  return () => 100 * Math.exp(spread * Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random()));
}

function client(next: Fetch) {
  const limits: number[] = [1];
  const events: ConcurrencyLimitEvent[] = [];
  const onEvent = (event: ConcurrencyLimitEvent) => {
    events.push(event);
    if (event.type === 'limit') limits.push(event.limit);
  };
  return { send: concurrencyLimit({ max: 'adaptive', onEvent })(next), limits, events };
}

/** What the limit was in the second half of a time in which there was always more to do, and what came of it. */
async function busyTime(server: Fetch, halfMs = 30_000) {
  let answered = 0;
  let refused = 0;
  const { send, limits } = client(async (...call) => {
    const response = await server(...call);
    if (response.ok) answered += 1;
    else refused += 1;
    return response;
  });
  await flood(send, 400, halfMs);
  answered = 0;
  refused = 0;
  limits.splice(0, limits.length - 1);
  await flood(send, 400, halfMs);
  return { limits, answered, refused };
}

/** So many callers, each with the next request ready. */
async function flood(send: Fetch, callers: number, forMs: number): Promise<void> {
  const untilMs = performance.now() + forMs;
  for (let i = 0; i < callers; i += 1) void keepAsking();
  await vi.advanceTimersByTimeAsync(forMs);

  async function keepAsking(): Promise<void> {
    while (performance.now() < untilMs) await send(ITEMS).catch(() => {});
  }
}

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

function later(ms: number, status: number): Promise<Response> {
  return new Promise((resolve) => setTimeout(resolve, ms, new Response(null, { status })));
}

function figuresOf(limits: readonly number[]): [least: number, mean: number, most: number] {
  const mean = limits.reduce((sum, limit) => sum + limit, 0) / limits.length;
  return [Math.min(...limits), mean, Math.max(...limits)];
}
