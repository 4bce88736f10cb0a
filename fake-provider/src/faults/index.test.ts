import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { faults } from './index.ts';

it('lists every fault of this folder, and nothing else', () => {
  const files = readdirSync(import.meta.dirname).filter((file) => !file.endsWith('.test.ts'));
  const names = files.filter((file) => !FRAME.includes(file)).map((file) => file.replace(/\.ts$/, ''));

  expect(Object.keys(faults).sort()).toEqual(names.sort());
});

it.each(Object.entries(faults))('knows %s by its own name, and describes it in one line', (key, { name, summary }) => {
  expect(name).toBe(key);
  expect(summary).toMatch(/^\S.+\S$/);
});

/** What all of them share. */
const FRAME = ['index.ts'];
