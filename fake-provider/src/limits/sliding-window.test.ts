import { expect, it } from 'vitest';
import { type Callers, createCallers } from './callers.ts';
import { slidingWindow } from './sliding-window.ts';

it('gives each unit back one window after it was spent', () => {
  const limiter = make({ limit: 2, windowSeconds: 1 });
  spend(limiter, START);
  spend(limiter, START + 400);

  expect(stand(limiter, START + 999)).toMatchObject({ remaining: 0, allowedAtMs: START + 1_000 });
  expect(stand(limiter, START + 1_000)).toMatchObject({ remaining: 1, resetAtMs: START + 1_400 });
  expect(stand(limiter, START + 1_400)).toMatchObject({ remaining: 2, resetAtMs: START + 1_400 });
});

it('never lets more than its limit through in any window, however long it is', () => {
  const limiter = make({ limit: 10, windowSeconds: 60 });
  const served: number[] = [];
  for (let nowMs = START; nowMs < START + 200_000; nowMs += 37) {
    if (stand(limiter, nowMs).remaining === 0) continue;
    spend(limiter, nowMs);
    served.push(nowMs);
  }

  expect(served.length).toBe(40);
  served.forEach((atMs, index) => {
    expect(served.filter((other) => other >= atMs && other < atMs + 60_000).length).toBeLessThanOrEqual(10);
    // And hardly less: a unit is at most a thousandth of the window late.
    if (index >= 10) expect(atMs - served[index - 10]!).toBeLessThan(60_000 + 60 + 2 * 37);
  });
});

it('waits for as many units as the request costs', () => {
  const limiter = make({ limit: 3, windowSeconds: 1 });
  for (const later of [0, 100, 200]) spend(limiter, START + later);

  expect(stand(limiter, START + 300, 2).allowedAtMs).toBe(START + 1_100);
});

it('takes the same memory however many requests a window holds', () => {
  const limiter = slidingWindow.create({ limit: 1_000_000, windowSeconds: 86_400 }, IDENTITY);
  let state: unknown;
  for (let index = 0; index < 5_000; index += 1) state = limiter.spend(state, demand(START + index * 20_000));

  expect((state as unknown[]).length).toBeLessThanOrEqual(1_001);
});

const START = Date.UTC(2026, 0, 1);
const IDENTITY = { name: 'test', purpose: 'rate', announced: true } as const;

const make = (options: { limit: number; windowSeconds: number }): Callers =>
  createCallers(slidingWindow.create(options, IDENTITY));
const demand = (nowMs: number, cost = 1) => ({ nowMs, cost, endsAtMs: nowMs });
const spend = (limiter: Callers, nowMs: number) => limiter.spend('one', demand(nowMs));
const stand = (limiter: Callers, nowMs: number, cost?: number) => limiter.standing('one', demand(nowMs, cost));
