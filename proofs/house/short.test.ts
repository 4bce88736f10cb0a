import { expect, it } from 'vitest';
import { patternFiles } from './patterns.ts';

const MAX_LINES = 250;

it.each(patternFiles)('$path can be read in one go', ({ source }) => {
  expect(source.text.trimEnd().split('\n').length).toBeLessThanOrEqual(MAX_LINES);
});
