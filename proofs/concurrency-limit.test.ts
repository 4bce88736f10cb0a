import { concurrencyLimit } from '@steadfetch/concurrency-limit';
import { describe, expect, it } from 'vitest';
import { WORLDS, type World } from './world.ts';

describe.each(WORLDS)('concurrency-limit $name', ({ open, it }) => {
  it('rate-limit/concurrency: is never refused, where max is what the provider takes', async () => {
    await using world = await open('rate-limit/concurrency');
    const bounded = concurrencyLimit({ max: 3, hold: 'body' })(world.fetch);

    const statuses = await callAtOnce(bounded, world, 60);

    expect(statuses).toEqual(Array(60).fill(200));
  });

  it('rate-limit/concurrency: is refused without it', async () => {
    await using world = await open('rate-limit/concurrency');

    expect(await callAtOnce(world.fetch, world, 60)).toContain(429);
  });
});

it('concurrency-limit in virtual time: rate-limit/concurrency: finds out by itself how many the provider takes', async () => {
  await using world = await WORLDS[0]!.open('rate-limit/concurrency');
  let limit = 1;
  const adaptive = concurrencyLimit({
    max: 'adaptive',
    onEvent(event) {
      if (event.type === 'limit') limit = event.limit;
    },
  })(world.fetch);

  const statuses = await callAtOnce(adaptive, world, 2_000);

  expect(limit).toBeGreaterThanOrEqual(2);
  expect(limit).toBeLessThanOrEqual(4);
  const refused = statuses.filter((status) => status === 429).length;
  expect(refused).toBeGreaterThan(0);
  expect(refused / statuses.length).toBeLessThan(0.03);
});

function callAtOnce(fetch: World['fetch'], { baseUrl }: World, count: number): Promise<number[]> {
  const call = async (): Promise<number> => {
    const response = await fetch(`${baseUrl}/users`);
    await response.text();
    return response.status;
  };
  return Promise.all(Array.from({ length: count }, call));
}
