import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { defects } from './index.ts';

it('lists every defect of this folder, and nothing else', () => {
  const files = readdirSync(import.meta.dirname).filter((file) => !file.endsWith('.test.ts') && file !== 'index.ts');

  expect(Object.keys(defects).sort()).toEqual(files.map((file) => file.replace(/\.ts$/, '')).sort());
});

it.each(Object.entries(defects))('knows %s by its own name, and describes it in one line', (key, { name, summary }) => {
  expect(name).toBe(key);
  expect(summary).toMatch(/^\S.+\S$/);
});
