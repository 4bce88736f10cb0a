import { tokenBucket } from '@steadfetch/token-bucket';
import { describe, expect, it } from 'vitest';
import { WORLDS } from './world.ts';

describe.each(WORLDS)('token-bucket $name', ({ open, it }) => {
  it.each([
    // A network may hold back some and bring them together with those behind: half a second of that is allowed for.
    { id: 'rate-limit/token-bucket', bucket: { ratePerSecond: 10, burst: 5 }, requests: 30, withinMs: 4_000 },
    // Ten in any two seconds, wherever a window begins.
    { id: 'rate-limit/fixed-window', bucket: { ratePerSecond: 2.4, burst: 5 }, requests: 15, withinMs: 6_000 },
  ] as const)('$id: is never refused, and ends in time', async ({ id, bucket, requests, withinMs }) => {
    await using world = await open(id);
    const paced = tokenBucket(bucket)(world.fetch);
    const startMs = performance.now();

    const responses = await Promise.all(Array.from({ length: requests }, () => paced(`${world.baseUrl}/items`)));

    expect(responses.map(({ status }) => status)).toEqual(Array(requests).fill(200));
    expect(performance.now() - startMs).toBeLessThan(withinMs);
    expect(performance.now() - startMs).toBeGreaterThan(((requests - bucket.burst) / bucket.ratePerSecond) * 990);
  });
});

it('token-bucket in virtual time: rate-limit/token-bucket: uses all of a bucket of the same size, and is never refused', async () => {
  await using world = await WORLDS[0]!.open('rate-limit/token-bucket');
  const paced = tokenBucket({ ratePerSecond: 10, burst: 10 })(world.fetch);
  const startMs = performance.now();

  await Promise.all(Array.from({ length: 600 }, () => paced(`${world.baseUrl}/items`)));

  expect(world.provider.ledger.entries.map(({ status }) => status)).toEqual(Array(600).fill(200));
  expect(performance.now() - startMs).toBeLessThan(59_100);
});
