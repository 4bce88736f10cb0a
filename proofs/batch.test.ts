import { adaptiveThrottle, QuotaExhaustedError } from '@steadfetch/adaptive-throttle';
import { type BatchOptions, batch, type ItemOutcome } from '@steadfetch/batch';
import { CircuitOpenError, circuitBreaker } from '@steadfetch/circuit-breaker';
import { BucketAwayError } from '@steadfetch/token-bucket/redis';
import { TokenRequestError } from '@steadfetch/token-cache/oauth';
import { describe, expect, it } from 'vitest';
import { WORLDS, type World } from './world.ts';

interface Item {
  readonly name: string;
}

describe.each(WORLDS)('batch $name', ({ open, it }) => {
  it.each([1, 2, 3])('writes/batch-partial-failure: every item is written once, at seed %i', async (seed) => {
    await using world = await open('writes/batch-partial-failure', seed);

    const outcomes = await write(world, 60, { maxItems: 20, attempts: 8 });

    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['done']));
    expect(written(world)).toEqual(names(60));
    expect(world.provider.ledger.tally().requests).toBeGreaterThan(3);
  });

  it('writes/batch-too-large: a batch of sixty is halved until it is taken', async () => {
    await using world = await open('writes/batch-too-large');

    const outcomes = await write(world, 60);

    expect(outcomes.every(({ status }) => status === 'done')).toBe(true);
    expect(written(world)).toEqual(names(60));
  });

  it('writes/poison-item: the items that spoil a batch are found, and all others written once', async () => {
    await using world = await open('writes/poison-item');

    const outcomes = await write(world, 30);

    const failed = outcomes.filter(({ status }) => status === 'failed').map(({ item }) => item.name);
    expect(failed).toEqual(expect.arrayContaining(['item 7', 'item 23']));
    expect(outcomes.filter(({ status }) => status === 'unknown')).toEqual([]);
    expect(written(world)).toEqual(names(30).filter((name) => !failed.includes(name)));
  });

  it.each(['reset', 'internal-error'] as const)(
    'writes/batch-partial-failure: a %s after the write is answered by the key',
    async (fault) => {
      await using world = await open('writes/batch-partial-failure');
      strike(world, fault);

      const outcomes = await write(world, 60, { maxItems: 20, concurrency: 1, attempts: 8 });

      expect(outcomes.every(({ status }) => status === 'done')).toBe(true);
      expect(written(world)).toEqual(names(60));
    },
  );

  it('writes/batch-too-large: without a key a reset after the write leaves its items unknown, and nothing is doubled', async () => {
    await using world = await open('writes/batch-too-large');
    strike(world, 'reset');

    const outcomes = await write(world, 30, { maxItems: 10, concurrency: 1, keyHeader: false });

    expect(outcomes.map(({ status }) => status)).toEqual(names(30).map((_, at) => (at < 10 ? 'unknown' : 'done')));
    expect(written(world)).toEqual(names(30));
  });

  it('writes/batch-partial-failure: a 429 is waited for', async () => {
    await using world = await open('writes/batch-partial-failure');

    await writeThrottled(world, world.fetch);
  });
});

it('waits for a 429 under a throttle, which starts again gently', async () => {
  await using world = await WORLDS[0]!.open('writes/batch-partial-failure');

  await writeThrottled(world, adaptiveThrottle()(world.fetch));
});

it('waits for a circuit that opens around it, without a key too: what it turned away was not sent', async () => {
  await using world = await WORLDS[0]!.open('writes/batch-too-large');
  world.provider.addFault({ fault: 'unavailable', on: { route: 'POST /items/batch', calls: [1] } }, 60_000);
  const breaker = circuitBreaker({ minimumCalls: 1, openMs: 5_000 });

  const options = { fetch: breaker(world.fetch), maxItems: 10, concurrency: 2, keyHeader: false } as const;
  const outcomes = await write(world, 60, options);

  expect(outcomes.map(({ status }) => status)).toEqual(names(60).map((_, at) => (at < 10 ? 'unknown' : 'done')));
  expect(written(world)).toEqual(names(60).slice(10));
});

it.each([
  new BucketAwayError('api', undefined),
  new CircuitOpenError('api', 0),
  new QuotaExhaustedError(undefined),
  new TokenRequestError(503),
])('knows by its name that what a $name turned away was not sent', async (error) => {
  await using world = await WORLDS[0]!.open('writes/batch-too-large');

  const outcomes = await write(world, 2, { fetch: () => Promise.reject(error), attempts: 2 });

  expect(outcomes).toMatchObject(Array(2).fill({ status: 'failed', error: { cause: error } }));
});

async function writeThrottled(world: World, fetch: World['fetch']): Promise<void> {
  strike(world, 'rate-limited');

  const outcomes = await write(world, 60, { fetch, maxItems: 20, concurrency: 1, attempts: 8 });

  expect(outcomes.every(({ status }) => status === 'done')).toBe(true);
  expect(written(world)).toEqual(names(60));
  const { findings } = world.provider.report().manners.find(({ verdict }) => verdict === 'retry-after')!;
  expect(findings).toEqual([]);
}

/** Of those that are sent, by the order of the items; without waits that only spread a herd. */
async function write({ baseUrl, fetch }: World, count: number, options: BatchOptions<Item> = {}) {
  const items = names(count).map((name) => ({ name }));
  const outcomes: ItemOutcome<Item>[] = [];
  for await (const outcome of batch(`${baseUrl}/items/batch`, items, { fetch, random: () => 0, ...options })) {
    outcomes.push(outcome);
  }
  expect(outcomes).toHaveLength(count);
  return outcomes.sort((one, other) => one.index - other.index);
}

/** Befalls the first batch. */
function strike({ provider }: World, fault: 'reset' | 'internal-error' | 'rate-limited'): void {
  const on = { route: 'POST /items/batch', calls: [1] };
  if (fault === 'rate-limited') provider.addFault({ fault, on, with: { retryAfterSeconds: 1 } }, 60_000);
  else provider.addFault({ fault, on, with: { when: 'after' } }, 60_000);
}

/** What the provider holds, twice where it was written twice. */
function written({ provider }: World): string[] {
  const { collection, recall } = provider.resource('items');
  const held = collection.slice(0, 1_000).map((key) => String(recall(key).name));
  return held.sort((one, other) => numberOf(one) - numberOf(other));
}

const names = (count: number) => Array.from({ length: count }, (_, index) => `item ${index + 1}`);

const numberOf = (name: string) => Number(name.split(' ')[1]);
