import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type BackoffEvent, type BackoffOptions, backoff, type Fetch } from './backoff.ts';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setTimerTickMode('nextTimerAsync');
});
afterEach(() => void vi.useRealTimers());

const ITEMS = 'https://api.test/items';

it('waits random() * min(capMs, baseMs * 2^n): the jitter comes after the cap', async () => {
  const waitsMs = await waits({ attempts: 7, baseMs: 100, capMs: 1_000, random: () => 0.5 }, failing);

  expect(waitsMs).toEqual([50, 100, 200, 400, 500, 500]);
});

it('spreads waits evenly below the cap instead of piling them up on it', async () => {
  const waitsMs = await waits({ attempts: 400, capMs: 1_000, budget: false }, failing);

  const onTheCap = waitsMs.filter((ms) => ms >= 990).length;
  expect(onTheCap / waitsMs.length).toBeLessThan(0.06);
  expect(Math.max(...waitsMs)).toBeLessThanOrEqual(1_000);
});

it('never waits longer than capMs nor ends a wait after totalMs', () =>
  fc.assert(
    fc.asyncProperty(
      fc.record({ baseMs: fc.nat(50_000), capMs: fc.nat(50_000), totalMs: fc.nat(100_000), random: fc.nat(999) }),
      async ({ baseMs, capMs, totalMs, random }) => {
        const startedAt = Date.now();
        const waitsMs = await waits(
          { attempts: 6, baseMs: baseMs + 1, capMs: capMs + 1, totalMs: totalMs + 1, random: () => random / 1_000 },
          failing,
        );
        expect(Math.max(0, ...waitsMs)).toBeLessThanOrEqual(capMs + 1);
        expect(Date.now() - startedAt).toBeLessThanOrEqual(totalMs + 1);
      },
    ),
    { numRuns: 100 },
  ));

it('counts totalMs from when the call began, attempts included', async () => {
  const slow: Fetch = async () => {
    await new Promise((done) => setTimeout(done, 600));
    return new Response(null, { status: 503 });
  };
  const events: BackoffEvent[] = [];

  await backoff({ totalMs: 1_000, random: () => 0.9, onEvent: (event) => events.push(event) })(slow)(ITEMS);

  expect(events).toMatchObject([{ type: 'retry' }, { type: 'give-up', reason: 'wait-too-long', attempt: 2 }]);
});

it('measures totalMs on a clock that does not jump', async () => {
  const server = vi.fn<Fetch>(async () => {
    vi.setSystemTime(Date.now() + 86_400_000);
    return new Response(null, { status: 503 });
  });

  await backoff({ totalMs: 60_000 })(server)(ITEMS);

  expect(server).toHaveBeenCalledTimes(4);
});

/** The waits that a call through this policy makes, as its events tell. */
async function waits(options: BackoffOptions, server: Fetch): Promise<number[]> {
  const waitsMs: number[] = [];
  const onEvent = (event: BackoffEvent) => void (event.type === 'retry' && waitsMs.push(event.waitMs));
  const startedAt = Date.now();
  await backoff({ ...options, onEvent })(server)(ITEMS);
  expect(Date.now() - startedAt).toBe(waitsMs.reduce((sum, ms) => sum + ms, 0));
  return waitsMs;
}

const failing: Fetch = async () => new Response(null, { status: 503 });
