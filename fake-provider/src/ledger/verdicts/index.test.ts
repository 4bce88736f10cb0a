import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { verdicts } from './index.ts';

it('lists every verdict of this folder, and nothing else', () => {
  const files = readdirSync(import.meta.dirname).filter((file) => !file.endsWith('.test.ts') && file !== 'index.ts');

  expect(Object.keys(verdicts).sort()).toEqual(files.map((file) => file.replace(/\.ts$/, '')).sort());
});

it.each(Object.entries(verdicts))('knows %s by its own name, and describes it in one line', (key, verdict) => {
  expect(verdict.name).toBe(key);
  expect(verdict.summary).toMatch(/^\S.+\S$/);
});
