import { expect, it } from 'vitest';
import { createCallers } from './callers.ts';
import { fixedWindow } from './fixed-window.ts';
import { createOthers } from './others.ts';

it('eats so much per second as it is told, on average', () => {
  const callers = make({ perSecond: 2.5, limit: 1_000, windowSeconds: 100 });
  const left = Array.from({ length: 20 }, (_, n) => callers.standing('', demand(START + n * 100_000 - 1)).remaining);

  const eaten = left.reduce((sum, remaining) => sum + 1_000 - remaining, 0) / left.length;
  expect(eaten).toBeGreaterThan(235);
  expect(eaten).toBeLessThan(265);
});

it('has eaten before the first request comes', () => {
  expect(make({ perSecond: 5 }).standing('', demand(START + 9_999)).remaining).toBeLessThan(60);
});

it('eats the same whether somebody looks often, once or never', () => {
  const [often, once] = [make({ perSecond: 3 }), make({ perSecond: 3 })];
  for (let later = 0; later < 9_000; later += 250) often.punish('', demand(START + later));

  expect(often.standing('', demand(START + 9_999))).toEqual(once.standing('', demand(START + 9_999)));
});

it('eats by the seed, and by whom it shares with', () => {
  const left = (seed: number, caller: string) => {
    const callers = make({ perSecond: 1.5, seed });
    return Array.from({ length: 10 }, (_, n) => callers.standing(caller, demand(START + n * 1_000)).remaining).join();
  };

  expect(left(1, 'acme')).toBe(left(1, 'acme'));
  expect(left(1, 'acme')).not.toBe(left(2, 'acme'));
  expect(left(1, 'acme')).not.toBe(left(1, 'globex'));
});

it('never takes more than there is', () => {
  const callers = make({ perSecond: 50, limit: 20 });

  expect(callers.standing('', demand(START + 9_000))).toMatchObject({ remaining: 0, allowedAtMs: START + 10_000 });
});

it('is quick after a long silence, however long the window', () => {
  const callers = make({ perSecond: 0.5, limit: 1_000_000_000, windowSeconds: 31_536_000 });
  const before = process.cpuUsage();
  callers.spend('', demand(START));
  callers.standing('', demand(START + 20 * 31_536_000_000));

  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(500);
});

const START = Date.UTC(2026, 0, 1);

function make({
  perSecond,
  limit = 100,
  windowSeconds = 10,
  seed = 1,
}: {
  perSecond: number;
  limit?: number;
  windowSeconds?: number;
  seed?: number;
}) {
  const limiter = fixedWindow.create(
    { limit, windowSeconds, begins: 'clock' },
    { name: 'test', purpose: 'rate', announced: true },
  );
  return createCallers(limiter, createOthers(limiter, perSecond, [seed, 'others', 'test']));
}

const demand = (nowMs: number) => ({ nowMs, cost: 1, endsAtMs: nowMs });
