import { expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import { createProvider } from '../provider.ts';

it('answers 504 before the request is done, which keeps its key in use until it is', () => {
  const { create, clock } = open();

  expect(create()).toMatchObject({ status: 504, delayMs: 20, simulated: 'gateway-timeout' });
  clock.advance(99);
  expect(create()).toMatchObject({ status: 409, delayMs: 100 });
  clock.advance(1);
  expect(create()).toMatchObject({ status: 201, headers: { 'idempotent-replayed': 'true' } });
});

it('lets the request take effect, once', () => {
  const { create, provider } = open();
  create();
  create();

  expect(provider.resource('items').size).toBe(1);
  expect(provider.ledger.entries[0]).toMatchObject({ status: 504, sentAtMs: provider.clock.now() + 20 });
});

function open() {
  const clock = manualClock();
  const provider = createProvider(
    {
      auth: false,
      latency: { minMs: 100, maxMs: 100 },
      resources: { items: { records: 0 } },
      faults: [{ fault: 'gateway-timeout', on: { calls: [1] }, with: { afterMs: 20 } }],
    },
    { clock },
  );
  const headers = { 'content-type': 'application/json', 'idempotency-key': 'k-1' };
  const call = { method: 'POST', path: '/items', query: new URLSearchParams(), headers, body: '{"name":"one"}' };
  return { provider, clock, create: () => provider.handle({ ...call, ip: '', origin: 'https://api.test' }) };
}
