import { circuitBreaker } from '@steadfetch/circuit-breaker';
import { describe, expect, vi } from 'vitest';
import { WORLDS } from './world.ts';

describe.each(WORLDS)('circuit-breaker $name', ({ open, it }) => {
  it('resilience/outage: stops calling, and asks one at a time whether it is over', async () => {
    await using world = await open('resilience/outage');
    const breaker = circuitBreaker({ minimumCalls: 10, openMs: 300, halfOpenCalls: 1 });
    const spared = breaker(world.fetch);
    const call = () =>
      spared(`${world.baseUrl}/items`).then(
        ({ status }) => status,
        ({ name }) => name as string,
      );

    const first = await inTurn(30, call);
    expect(first.filter((outcome) => outcome === 503)).toHaveLength(10);
    expect(first.filter((outcome) => outcome === 'CircuitOpenError')).toHaveLength(20);

    await vi.waitUntil(() => breaker.state(world.baseUrl) === 'half-open');
    const probes = await Promise.all(Array.from({ length: 50 }, call));

    expect(probes.filter((outcome) => outcome === 503)).toHaveLength(1);
    expect(world.provider.ledger.tally().requests).toBe(11);
  });

  it('resilience/unavailable-now-and-then: does not trip on a tenth of failures', async () => {
    await using world = await open('resilience/unavailable-now-and-then');
    const spared = circuitBreaker({ minimumCalls: 10 })(world.fetch);

    const outcomes = await inTurn(100, () => spared(`${world.baseUrl}/items`).then(({ status }) => status));

    expect(outcomes).toContain(503);
    expect(world.provider.ledger.tally().requests).toBe(100);
  });
});

async function inTurn<Outcome>(count: number, call: () => Promise<Outcome>): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let nth = 0; nth < count; nth += 1) outcomes.push(await call());
  return outcomes;
}
