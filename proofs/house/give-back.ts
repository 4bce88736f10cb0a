import { afterAll, expect, vi } from 'vitest';

/**
 * Test files share a process, so what one takes of the platform and keeps, the next one meets: time that stands still, a
 * `fetch` that reaches nobody. Here the one that kept it fails, instead of whoever comes after.
 */
const NAMES = [
  'Date',
  'fetch',
  'location',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
];

const platform = () => NAMES.map((name) => Reflect.get(globalThis, name));
const shared = globalThis as { platformBeforeTests?: readonly unknown[] };
shared.platformBeforeTests ??= platform();
const before = shared.platformBeforeTests;

afterAll(() => {
  // As the runner does after each file; a spy on a fake timer brings the fake back here.
  vi.restoreAllMocks();
  const after = platform();
  const kept = NAMES.filter((_, index) => after[index] !== before[index]);
  expect(kept, 'what this file did not give back').toEqual([]);
});

// A loop without an end, left behind, takes a core, and under fake timers lets no time pass at all.
afterAll(async () => {
  let turns = 0;
  while (process.getActiveResourcesInfo().includes('Immediate') && turns < 1_000) {
    turns += 1;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(turns, 'turns after which something of this file still ran').toBeLessThan(1_000);
});
