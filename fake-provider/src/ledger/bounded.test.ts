import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import { createProvider, type Provider } from '../provider.ts';

/** `FAKE_PROVIDER_REQUESTS=1000000` looks longer. */
const REQUESTS = Number(process.env.FAKE_PROVIDER_REQUESTS ?? 200_000);
/** Less than a number for each request. */
const MOST_BYTES_A_REQUEST = 6;

const CALL = { method: 'GET', query: new URLSearchParams(), body: '', ip: '127.0.0.1', origin: 'http://api.test' };

it('keeps the latest entries, and counts and judges them all', () => {
  const { provider, send } = open({ keep: 100 });
  for (let count = 0; count < 1_000; count += 1) send('/items');

  const { entries } = provider.ledger;
  expect(entries.length).toBeGreaterThanOrEqual(100);
  expect(entries.length).toBeLessThanOrEqual(120);
  expect(entries.at(-1)?.sequence).toBe(1_000);
  expect(entries[0]?.sequence).toBe(1_001 - entries.length);
  expect(provider.ledger.tally()).toMatchObject({ requests: 1_000, failed: 1 });
  expect(provider.ledger.tally(400)).toMatchObject({ requests: 600, failed: 0 });
  expect(provider.report().requests.requests).toBe(1_000);
});

it('judges a delivery by what was listed long before the oldest entry', () => {
  const churn = { insertsPerRequest: 1, deletesPerRequest: 1 };
  const { provider, send } = open({ keep: 10, items: { records: 500, churn } });
  const revisions: number[] = [];
  for (let count = 0; count < 300; count += 1) {
    if (send('/items').status === 200) revisions.push(provider.resource('items').collection.revision);
  }
  const { collection } = provider.resource('items');

  for (const after of [0, 1, 2, 150, 298]) {
    const from = revisions[Math.max(0, after - 1)]!;
    const expected = [...collection.existedThroughout(from, revisions.at(-1)!)].length;
    expect(provider.judge('items', [], after).expected).toBe(expected);
  }
});

it('does not grow with the requests, and still knows of the first', { timeout: 120_000 }, () => {
  const { provider, send, clock } = open({ keep: 1_000 });
  const ids = provider
    .resource('items')
    .slice(0, 1_000)
    .map(({ id }) => id);
  const round = (requests: number): number => {
    for (let count = 0; count < requests; count += 1) {
      clock.advance(1);
      send(`/items/${ids[count % ids.length]}`);
    }
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = round(50_000);
  const after = round(REQUESTS - 50_000);

  expect((after - before) / (REQUESTS - 50_000)).toBeLessThan(MOST_BYTES_A_REQUEST);
  expect(provider.ledger.tally()).toMatchObject({ requests: REQUESTS });
  expect(findings(provider, 'user-agent')).toMatchObject([{ sequences: [1] }]);
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function findings(provider: Provider, name: string) {
  return provider.report().manners.find(({ verdict }) => verdict === name)!.findings;
}

/** A provider that fails the first listing, and the way to ask it without any transport. */
function open({ keep, items = {} }: { keep: number; items?: object }) {
  const clock = manualClock();
  const provider = createProvider(
    {
      ...{ auth: false, resources: { items }, ledger: { keep } },
      faults: [{ fault: 'unavailable', on: { route: 'GET /items', calls: [1] } }],
    },
    { clock },
  );
  const send = (path: string, headers: Record<string, string> = {}) => provider.handle({ ...CALL, path, headers });
  return { provider, clock, send };
}
