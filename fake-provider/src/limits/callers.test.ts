import { expect, it } from 'vitest';
import { createCallers } from './callers.ts';
import { fixedWindow } from './fixed-window.ts';

it('forgets callers whose window is over, so that many who come once cost no memory', () => {
  const callers = make();
  let most = 0;
  for (let index = 0; index < 100_000; index += 1) {
    callers.spend(`caller-${index}`, demand(START + index * 100));
    most = Math.max(most, callers.size);
  }

  expect(most).toBeLessThanOrEqual(2_000);
});

it('forgets nobody whose window lasts', () => {
  const callers = make();
  for (let index = 0; index < 5_000; index += 1) callers.spend(`caller-${index}`, demand(START + index));

  expect(callers.size).toBe(5_000);
  for (let index = 0; index < 5_000; index += 1) {
    expect(callers.standing(`caller-${index}`, demand(START + 5_000)).remaining).toBe(2);
  }
});

it('remembers nobody who was only looked at', () => {
  const callers = make();
  callers.standing('one', demand(START));
  callers.punish('one', demand(START));

  expect(callers.size).toBe(0);
});

const START = Date.UTC(2026, 0, 1);
const make = () =>
  createCallers(
    fixedWindow.create(
      { limit: 3, windowSeconds: 10, begins: 'clock' },
      { name: 'test', purpose: 'rate', announced: true },
    ),
  );
const demand = (nowMs: number) => ({ nowMs, cost: 1, endsAtMs: nowMs });
