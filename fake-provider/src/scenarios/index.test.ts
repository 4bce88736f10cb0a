import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createProvider } from '../provider.ts';
import { scenarios } from './index.ts';

it('lists every scenario of the folder, each under the id that its path says', () => {
  const files = readdirSync(import.meta.dirname, { recursive: true })
    .map((file) => `${file}`.replaceAll('\\', '/'))
    .filter((file) => file.includes('/'))
    .map((file) => file.replace(/\.ts$/, ''));

  expect(scenarios.map(({ id }) => id)).toEqual(files.sort());
});

it.each(scenarios)('$id is a configuration the provider accepts', ({ config }) => {
  expect(() => createProvider(config)).not.toThrow();
});
