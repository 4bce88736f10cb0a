import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { grants } from './grants/index.ts';
import { listAuth } from './index.ts';

it('lists every grant of its folder, and nothing else', () => {
  const files = readdirSync(join(import.meta.dirname, 'grants'));
  const kinds = files.filter((file) => !file.endsWith('.test.ts') && !['grant.ts', 'index.ts'].includes(file));

  expect(Object.keys(grants).sort()).toEqual(kinds.map((file) => file.replace('.ts', '').replaceAll('-', '_')).sort());
});

it.each(Object.entries(grants))('knows %s by its own name', (key, { name }) => {
  expect(name).toBe(key);
});

it('tells of every way in, each in one line', () => {
  expect(listAuth().map(({ name }) => name)).toEqual([...Object.keys(grants), 'api-key', 'basic']);
  for (const { summary } of listAuth()) expect(summary).toMatch(/^\S.+\S$/);
});
