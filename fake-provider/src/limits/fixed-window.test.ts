import { expect, it } from 'vitest';
import { type Callers, createCallers } from './callers.ts';
import { fixedWindow } from './fixed-window.ts';
import type { Demand } from './limit.ts';

it('allows so many requests in a window, and as many again in the next', () => {
  const limiter = make('clock', { limit: 3, windowSeconds: 10 });

  expect(spendAll(limiter, START)).toBe(3);
  expect(spendAll(limiter, START + 9_999)).toBe(0);
  expect(spendAll(limiter, START + 10_000)).toBe(3);
});

it('begins windows at multiples of their length on the clock', () => {
  const limiter = make('clock', { limit: 2, windowSeconds: 10 });
  limiter.spend('one', demand(START + 4_000));

  expect(limiter.standing('one', demand(START + 4_000))).toMatchObject({ remaining: 1, resetAtMs: START + 10_000 });
  expect(limiter.standing('one', demand(START + 10_000))).toMatchObject({ remaining: 2, resetAtMs: START + 20_000 });
});

it('begins a window with the first request of each caller', () => {
  const limiter = make('first-request', { limit: 2, windowSeconds: 10 });
  limiter.spend('one', demand(START + 4_000));
  limiter.spend('other', demand(START + 6_000));

  expect(limiter.standing('one', demand(START + 7_000))).toMatchObject({ remaining: 1, resetAtMs: START + 14_000 });
  expect(limiter.standing('other', demand(START + 7_000))).toMatchObject({ remaining: 1, resetAtMs: START + 16_000 });
  expect(limiter.standing('one', demand(START + 14_000)).remaining).toBe(2);
});

it('lets one more through now, or when the window ends', () => {
  const limiter = make('clock', { limit: 1, windowSeconds: 10 });

  expect(limiter.standing('one', demand(START + 1)).allowedAtMs).toBe(START + 1);
  limiter.spend('one', demand(START + 1));
  expect(limiter.standing('one', demand(START + 1)).allowedAtMs).toBe(START + 10_000);
});

it('counts each caller alone', () => {
  const limiter = make('clock', { limit: 1, windowSeconds: 10 });
  limiter.spend('one', demand(START));

  expect(limiter.standing('other', demand(START)).remaining).toBe(1);
});

it('changes nothing when it tells where a caller stands', () => {
  const limiter = make('first-request', { limit: 2, windowSeconds: 10 });
  const before = limiter.standing('one', demand(START));

  expect(limiter.standing('one', demand(START))).toEqual(before);
});

it.each([
  [0.001, 1],
  [0.0014, 1],
  [4.35, 4_350],
])('counts a window of %s s to the millisecond', (windowSeconds, ms) => {
  const limiter = make('first-request', { limit: 1, windowSeconds });
  limiter.spend('one', demand(START));

  expect(limiter.standing('one', demand(START))).toMatchObject({ remaining: 0, resetAtMs: START + ms });
  expect(limiter.standing('one', demand(START + ms)).remaining).toBe(1);
});

const START = Date.UTC(2026, 0, 1);

function make(begins: 'clock' | 'first-request', options: { limit: number; windowSeconds: number }): Callers {
  return createCallers(fixedWindow.create({ ...options, begins }, { name: 'test', purpose: 'rate', announced: true }));
}

/** Spends until nothing remains, and tells how often that went well. */
function spendAll(limiter: Callers, nowMs: number): number {
  let count = 0;
  for (; limiter.standing('one', demand(nowMs)).remaining > 0; count += 1) limiter.spend('one', demand(nowMs));
  return count;
}

/** One request, which costs one unit. */
function demand(nowMs: number): Demand {
  return { nowMs, cost: 1, endsAtMs: nowMs };
}
