import { expect, it } from 'vitest';
import { patternFiles } from './patterns.ts';

const MAX_LINES = 250;

/** Each with its reason; a number may only go down. */
const longer: Record<string, number> = {
  // Every dialect of rate-limit headers is read here, and windows and buckets are shared with strangers.
  'packages/adaptive-throttle/src/adaptive-throttle.ts': 739,
};

it.each(patternFiles)('$pattern can be read in one go', ({ path, source }) => {
  expect(linesOf(source.text)).toBeLessThanOrEqual(longer[path] ?? MAX_LINES);
});

it('makes no exception that is not needed', () => {
  const needed = patternFiles.filter(({ source }) => linesOf(source.text) > MAX_LINES).map(({ path }) => path);

  expect(needed).toEqual(expect.arrayContaining(Object.keys(longer)));
});

function linesOf(text: string): number {
  return text.trimEnd().split('\n').length;
}
