import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type CallContext, type CircuitBreaker, circuitBreaker, type Fetch } from './circuit-breaker.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ORIGIN = 'https://api.test';
const OPEN_MS = 1_000;
const MAX_OPEN_MS = 8_000;

it('lets exactly halfOpenCalls through under any concurrency, and judges by them', () =>
  fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 5, max: 200 }),
      fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
      async (scheduler, halfOpenCalls, callers, outcomes) => {
        let sent = 0;
        const { breaker, wrapped } = await opened({ halfOpenCalls }, async () => {
          const status = outcomes[sent++] ? 500 : 200;
          return scheduler.schedule(Promise.resolve(new Response(null, { status })));
        });
        vi.advanceTimersByTime(OPEN_MS);

        // All callers start before any answer is there; the answers come in any order.
        const answers = Array.from({ length: callers }, () => wrapped(ORIGIN).catch((error) => error.name));
        expect(sent).toBe(halfOpenCalls);
        await scheduler.waitAll();

        const rejected = (await Promise.all(answers)).filter((answer) => answer === 'CircuitOpenError');
        const failed = outcomes.slice(0, halfOpenCalls).filter(Boolean).length;
        expect(rejected).toHaveLength(callers - halfOpenCalls);
        expect(breaker.state(ORIGIN)).toBe(failed / halfOpenCalls >= 0.5 ? 'open' : 'closed');
      },
    ),
    { numRuns: 100 },
  ));

it('does as a naive model of it does, whatever happens in whatever order', () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.commands(
        [
          fc.constant(new Begin()),
          fc
            .tuple(fc.nat(5), fc.constantFrom<Outcome>('fails', 'succeeds', 'is throttled', 'is aborted'))
            .map(([index, outcome]) => new End(index, outcome)),
          fc.constantFrom(1, OPEN_MS - 1, OPEN_MS, 2 * OPEN_MS, MAX_OPEN_MS).map((ms) => new Pass(ms)),
        ],
        { maxCommands: 40, size: 'max' },
      ),
      async (halfOpenCalls, commands) => {
        const calls: Real['calls'] = [];
        const breaker = circuitBreaker({
          minimumCalls: 2,
          windowMs: 1e9,
          openMs: OPEN_MS,
          maxOpenMs: MAX_OPEN_MS,
          halfOpenCalls,
        });
        const wrapped = breaker(() => new Promise((resolve, reject) => void calls.push({ resolve, reject })));
        await fc.asyncModelRun(
          () => ({ model: new Model(halfOpenCalls), real: { breaker, wrapped, calls } }),
          commands,
        );
      },
    ),
    { numRuns: 150 },
  ));

it.each([
  ['answered 429', (call: PendingCall) => call.resolve(new Response(null, { status: 429 }))],
  ['aborted by the caller', (call: PendingCall) => call.reject(new DOMException('', 'AbortError'))],
  [
    'stopped by another policy',
    (call: PendingCall) => call.reject(Object.assign(new Error(), { name: 'QuotaExhaustedError' })),
  ],
])('frees the place of a call that was %s', async (_what, end) => {
  const calls: PendingCall[] = [];
  const { breaker, wrapped } = await opened(
    {},
    () => new Promise((resolve, reject) => calls.push({ resolve, reject })),
  );
  vi.advanceTimersByTime(OPEN_MS);

  const first = wrapped(ORIGIN).catch(() => {});
  end(calls[0]!);
  await first;
  const second = wrapped(ORIGIN);
  await expect(wrapped(ORIGIN)).rejects.toMatchObject({ name: 'CircuitOpenError', retryAfterMs: OPEN_MS });
  calls[1]!.resolve(new Response());
  await second;

  expect(breaker.state(ORIGIN)).toBe('closed');
});

it('ignores what comes of calls begun before a trip', async () => {
  const calls: PendingCall[] = [];
  const breaker = circuitBreaker({ minimumCalls: 2, openMs: OPEN_MS });
  const wrapped = breaker(() => new Promise((resolve, reject) => calls.push({ resolve, reject })));
  const answers = Array.from({ length: 6 }, () => wrapped(ORIGIN));
  const end = async (index: number, status: number) => {
    calls[index]!.resolve(new Response(null, { status }));
    await answers[index];
  };

  await end(0, 500);
  await end(1, 500);
  expect(breaker.state(ORIGIN)).toBe('open');
  await end(2, 200);
  expect(breaker.state(ORIGIN)).toBe('open');

  vi.advanceTimersByTime(OPEN_MS);
  answers.push(wrapped(ORIGIN));
  await end(3, 200);
  expect(breaker.state(ORIGIN)).toBe('half-open');
  await end(6, 200);
  expect(breaker.state(ORIGIN)).toBe('closed');

  await end(4, 500);
  await end(5, 500);
  expect(breaker.state(ORIGIN)).toBe('closed');
});

it('closes early once the calls still out cannot change the verdict', async () => {
  const calls: PendingCall[] = [];
  const { breaker, wrapped } = await opened(
    { halfOpenCalls: 3 },
    () => new Promise((resolve, reject) => calls.push({ resolve, reject })),
  );
  vi.advanceTimersByTime(OPEN_MS);
  const answers = Array.from({ length: 3 }, () => wrapped(ORIGIN));

  for (const [index, state] of [
    [2, 'half-open'],
    [0, 'closed'],
  ] as const) {
    calls[index]!.resolve(new Response());
    await answers[index];
    expect(breaker.state(ORIGIN)).toBe(state);
  }
});

it('opens again when the calls it let through never end', async () => {
  const { breaker, wrapped } = await opened({}, () => new Promise(() => {}));
  vi.advanceTimersByTime(OPEN_MS);
  void wrapped(ORIGIN);

  vi.advanceTimersByTime(MAX_OPEN_MS - 1);
  await wrapped(ORIGIN).catch(() => {});
  expect(breaker.state(ORIGIN)).toBe('half-open');
  vi.advanceTimersByTime(1);
  await expect(wrapped(ORIGIN)).rejects.toMatchObject({ retryAfterMs: 2 * OPEN_MS });
  expect(breaker.state(ORIGIN)).toBe('open');
});

it('takes nothing from a call whose isFailure throws, which reaches the caller, and frees its place at once', async () => {
  const bug = new Error('bug');
  const isFailure = vi.fn(({ failed }: CallContext) => failed);
  const { breaker, wrapped } = await opened({ isFailure }, async () => new Response());
  vi.advanceTimersByTime(OPEN_MS);

  isFailure.mockImplementationOnce(() => {
    throw bug;
  });
  await expect(wrapped(ORIGIN)).rejects.toBe(bug);
  expect(breaker.state(ORIGIN)).toBe('half-open');
  const next = await Promise.allSettled([wrapped(ORIGIN), wrapped(ORIGIN)]);

  expect(next).toMatchObject([{ status: 'fulfilled' }, { reason: { name: 'CircuitOpenError' } }]);
  expect(breaker.state(ORIGIN)).toBe('closed');
});

it('stays half-open when nobody calls', async () => {
  const { breaker, wrapped } = await opened({ halfOpenCalls: 3 }, async () => new Response());
  vi.advanceTimersByTime(OPEN_MS);

  await wrapped(ORIGIN);
  vi.advanceTimersByTime(10 * MAX_OPEN_MS);
  await wrapped(ORIGIN);

  expect(breaker.state(ORIGIN)).toBe('closed');
});

it('keeps the open time of a Retry-After on the call that fails the test', async () => {
  const headers = { 'retry-after': '5' };
  const { breaker, wrapped } = await opened({}, async () => new Response(null, { status: 503, headers }));
  vi.advanceTimersByTime(OPEN_MS);

  await wrapped(ORIGIN);
  vi.advanceTimersByTime(4_999);

  expect(breaker.state(ORIGIN)).toBe('open');
});

it('only looks when asked for a state, and changes nothing', async () => {
  const onEvent = vi.fn();
  const { breaker } = await opened({ onEvent }, async () => new Response());
  vi.advanceTimersByTime(OPEN_MS);
  onEvent.mockClear();

  expect(breaker.state(ORIGIN)).toBe('half-open');
  expect(breaker.state('https://unknown.test')).toBe('closed');
  expect(onEvent).not.toHaveBeenCalled();
  expect(breaker.save()).toHaveLength(1);
});

interface PendingCall {
  resolve(response: Response): void;
  reject(error: unknown): void;
}

/** A breaker that one failure has opened. */
async function opened(options: Parameters<typeof circuitBreaker>[0], next: Fetch) {
  const breaker = circuitBreaker({ minimumCalls: 1, openMs: OPEN_MS, maxOpenMs: MAX_OPEN_MS, ...options });
  await breaker(async () => new Response(null, { status: 500 }))(ORIGIN);
  return { breaker, wrapped: breaker(next) };
}

type Outcome = 'fails' | 'succeeds' | 'is throttled' | 'is aborted';

interface Real {
  readonly breaker: CircuitBreaker;
  readonly wrapped: Fetch;
  readonly calls: PendingCall[];
}

/** The circuit written down as the contract says it: everything is kept, nothing is clever. */
class Model {
  readonly halfOpenCalls: number;
  now = 0;
  generation = 0;
  trips = 0;
  state: 'closed' | 'open' | 'half-open' = 'closed';
  openUntil = 0;
  /** Of the present generation. */
  outcomes: boolean[] = [];
  lastBegun = 0;
  /** Generations of the calls that are out. */
  out: number[] = [];

  constructor(halfOpenCalls: number) {
    this.halfOpenCalls = halfOpenCalls;
  }

  change(state: Model['state']): void {
    this.state = state;
    this.generation += 1;
    this.outcomes = [];
    if (state === 'closed') this.trips = 0;
    if (state === 'open') {
      this.openUntil = this.now + Math.min(MAX_OPEN_MS, OPEN_MS * Math.min(4, 2 ** this.trips));
      this.trips += 1;
    }
  }

  begin(): boolean {
    if (this.state === 'open' && this.now >= this.openUntil) this.change('half-open');
    const own = this.out.filter((generation) => generation === this.generation).length;
    const full = this.state === 'half-open' && own + this.outcomes.length >= this.halfOpenCalls;
    if (full && this.now >= this.lastBegun + MAX_OPEN_MS) this.change('open');
    if (this.state === 'open' || full) return false;
    this.lastBegun = this.now;
    this.out.push(this.generation);
    return true;
  }

  end(index: number, failed: boolean | undefined): void {
    const [generation] = this.out.splice(index, 1);
    if (generation !== this.generation || failed === undefined) return;
    this.outcomes.push(failed);
    const failures = this.outcomes.filter(Boolean).length;
    if (this.state === 'closed') {
      if (failed && this.outcomes.length >= 2 && failures / this.outcomes.length >= 0.5) this.change('open');
    } else if (failures >= this.halfOpenCalls / 2) this.change('open');
    else if (this.outcomes.length - failures > this.halfOpenCalls / 2) this.change('closed');
  }

  check({ breaker, calls }: Real): void {
    const looks = this.state === 'open' && this.now >= this.openUntil ? 'half-open' : this.state;
    expect(breaker.state(ORIGIN)).toBe(looks);
    expect(calls).toHaveLength(this.out.length);
  }
}

class Begin implements fc.AsyncCommand<Model, Real> {
  check = () => true;
  toString = () => 'begin';
  async run(model: Model, real: Real): Promise<void> {
    const admitted = model.begin();
    const sentBefore = real.calls.length;
    const answer = real.wrapped(ORIGIN).then(
      () => 'sent',
      (error) => error.name,
    );
    expect(real.calls.length - sentBefore).toBe(admitted ? 1 : 0);
    if (!admitted) expect(await answer).toBe('CircuitOpenError');
    model.check(real);
  }
}

class End implements fc.AsyncCommand<Model, Real> {
  readonly index: number;
  readonly outcome: Outcome;
  constructor(index: number, outcome: Outcome) {
    this.index = index;
    this.outcome = outcome;
  }
  check = (model: Model) => model.out.length > this.index;
  toString = () => `call ${this.index} ${this.outcome}`;
  async run(model: Model, real: Real): Promise<void> {
    const [call] = real.calls.splice(this.index, 1);
    const status = { fails: 500, succeeds: 200, 'is throttled': 429, 'is aborted': undefined }[this.outcome];
    if (status) call!.resolve(new Response(null, { status }));
    else call!.reject(new DOMException('', 'AbortError'));
    await vi.advanceTimersByTimeAsync(0);
    model.end(this.index, status === 500 ? true : status === 200 ? false : undefined);
    model.check(real);
  }
}

class Pass implements fc.AsyncCommand<Model, Real> {
  readonly ms: number;
  constructor(ms: number) {
    this.ms = ms;
  }
  check = () => true;
  toString = () => `${this.ms} ms pass`;
  async run(model: Model, real: Real): Promise<void> {
    model.now += this.ms;
    vi.advanceTimersByTime(this.ms);
    model.check(real);
  }
}
