import { expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import type { ConfigInput } from '../config.ts';
import { createProvider } from '../provider.ts';

it('answers 429 and says in seconds how long to stay away', async () => {
  const response = await open({ retryAfterSeconds: 7 }).get();

  expect(response.status).toBe(429);
  expect(response.headers.get('retry-after')).toBe('7');
  expect(response.headers.get('x-fake-provider')).toBe('rate-limited');
  expect(await response.json()).toEqual({ error: { code: 'rate_limited', message: 'Too many requests' } });
});

it('says one second where it is not told how many', async () => {
  expect((await open({}).get()).headers.get('retry-after')).toBe('1');
});

it.each([0, 1, 999])('says it as a date that is never too early, %s ms into a second', async (ms) => {
  const { get, clock } = open({ retryAfterSeconds: 7, retryAfterAs: 'http-date' });
  clock.advance(ms);
  const at = (await get()).headers.get('retry-after')!;

  expect(at).toMatch(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
  expect(Date.parse(at) - clock.now()).toBeGreaterThanOrEqual(7_000);
  expect(Date.parse(at) - clock.now()).toBeLessThan(8_000);
});

it('says a date however long it is', async () => {
  const { get } = open({ retryAfterSeconds: 1_000_000_000, retryAfterAs: 'http-date' });

  expect(Date.parse((await get()).headers.get('retry-after')!)).not.toBeNaN();
});

it.each([
  ['http-date-rfc850', 'Thursday, 01-Jan-26 00:00:07 GMT'],
  ['http-date-asctime', 'Thu Jan  1 00:00:07 2026'],
  ['decimal', '7.0'],
  ['milliseconds-by-mistake', '7000'],
  ['negative', '-7'],
  ['garbage', 'soon'],
  ['absent', null],
  ['zero', '0'],
] as const)('can say it as %s', async (retryAfterAs, header) => {
  const response = await open({ retryAfterSeconds: 7, retryAfterAs }).get();

  expect(response.status).toBe(429);
  expect(response.headers.get('retry-after')).toBe(header);
});

it.each(['http-date', 'http-date-rfc850', 'http-date-asctime'] as const)(
  'asks the client by %s for the same, as the ledger has it',
  async (retryAfterAs) => {
    const { get, provider, clock } = open({ retryAfterSeconds: 7, retryAfterAs });
    await get();

    expect(provider.ledger.entries[0]!.retryAtMs).toBe(clock.now() + 7_000);
  },
);

it.each(['decimal', 'negative', 'garbage', 'absent'] as const)(
  'asks the client for nothing by a Retry-After that is %s',
  async (retryAfterAs) => {
    const { get, provider } = open({ retryAfterSeconds: 7, retryAfterAs });
    await get();

    expect(provider.ledger.entries[0]!.retryAtMs).toBeUndefined();
  },
);

it('does not carry the request out', async () => {
  const { get, provider } = open({});
  await get();

  expect(provider.resource('items').collection.revision).toBe(0);
});

type Options = Extract<NonNullable<ConfigInput['faults']>[number], { fault: 'rate-limited' }>['with'];

function open(options: Options) {
  const clock = manualClock();
  const items = { churn: { insertsPerRequest: 1 } };
  const faults = [{ fault: 'rate-limited' as const, with: options }];
  const provider = createProvider({ auth: false, resources: { items }, faults }, { clock });
  return { provider, clock, get: () => provider.fetch('https://api.test/items') };
}
