import { expect, it } from 'vitest';
import { type Callers, createCallers } from './callers.ts';
import { penaltyBox } from './penalty-box.ts';

it('counts like a fixed window as long as nobody exceeds it', () => {
  const limiter = make();
  for (let count = 0; count < 5; count += 1) limiter.spend('one', demand(START));

  expect(stand(limiter, START)).toMatchObject({ remaining: 0, resetAtMs: START + 1_000, allowedAtMs: START + 1_000 });
  expect(stand(limiter, START + 1_000).remaining).toBe(5);
});

it('lets nothing through for the whole penalty after a refusal, whatever the window says', () => {
  const limiter = make();
  limiter.punish('one', demand(START + 500));

  const locked = { remaining: 0, resetAtMs: START + 30_500, allowedAtMs: START + 30_500 };
  expect([500, 2_000, 30_499].map((later) => stand(limiter, START + later))).toMatchObject([locked, locked, locked]);
  expect(stand(limiter, START + 30_500)).toMatchObject({ remaining: 5, allowedAtMs: START + 30_500 });
});

it('is neither longer nor shorter for requests that come meanwhile', () => {
  const limiter = make();
  limiter.punish('one', demand(START));
  limiter.punish('one', demand(START + 20_000));
  limiter.spend('one', demand(START + 29_500));

  expect(stand(limiter, START + 29_999).allowedAtMs).toBe(START + 30_000);
  expect(stand(limiter, START + 30_000).remaining).toBe(5);
});

it('punishes nobody else', () => {
  const limiter = make();
  limiter.punish('other', demand(START));

  expect(stand(limiter, START).remaining).toBe(5);
});

const START = Date.UTC(2026, 0, 1);
const make = (): Callers =>
  createCallers(
    penaltyBox.create(
      { limit: 5, windowSeconds: 1, penaltySeconds: 30 },
      { name: 'test', purpose: 'rate', announced: true },
    ),
  );
const demand = (nowMs: number) => ({ nowMs, cost: 1, endsAtMs: nowMs });
const stand = (limiter: Callers, nowMs: number) => limiter.standing('one', demand(nowMs));
