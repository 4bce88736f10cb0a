import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { limitKinds, listLimits } from './index.ts';

it('lists every algorithm of this folder, and nothing else', () => {
  const files = readdirSync(import.meta.dirname).filter((file) => !file.endsWith('.test.ts'));
  const names = files.filter((file) => !FRAME.includes(file)).map((file) => file.replace(/\.ts$/, ''));

  expect(Object.keys(limitKinds).sort()).toEqual(names.sort());
});

it.each(Object.entries(limitKinds))(
  'knows %s by its own name, and describes it in one line',
  (key, { name, summary }) => {
    expect(name).toBe(key);
    expect(summary).toMatch(/^\S.+\S$/);
  },
);

it('tells of all of them, each in one line', () => {
  expect(listLimits().map(({ name }) => name)).toEqual(Object.keys(limitKinds));
  expect(listLimits()[0]).toEqual({
    name: 'fixed-window',
    summary: 'a count that starts again at the beginning of every window',
  });
});

/** What all of them share. */
const FRAME = ['callers.ts', 'count-per-window.ts', 'index.ts', 'limit.ts', 'limits.ts', 'others.ts'];
