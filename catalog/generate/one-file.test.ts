import { readFileSync } from 'node:fs';
import * as parts from '@steadfetch/adaptive-throttle';
import { transformSync } from 'esbuild';
import { expect, it } from 'vitest';
import { asOneFile } from './one-file.ts';

const file = 'packages/a/src/a.ts';

it('leaves a pattern that stands in one file as it is', () => {
  const text = '// First.\n\nexport const a = 1;\n';

  expect(join({ [file]: text })).toBe(text);
});

it('puts the parts below the pattern, each once, and keeps to itself what the pattern does not hand on', () => {
  const files = {
    [file]:
      "import { b } from './a/b.ts';\nimport type { C } from './a/c.ts';\n\nexport { type C, tellC } from './a/c.ts';\n\n/** Doubles. */\nexport const a = (c: C) => b * c;\n",
    'packages/a/src/a/b.ts': "import { tellC } from './c.ts';\n\n/** Half of it. */\nexport const b = tellC() / 2;\n",
    'packages/a/src/a/c.ts':
      '/** A count. */\nexport type C = number;\n\n// Never less.\nexport function tellC(): C {\n  return least;\n}\n\nconst least = 2;\n',
  };

  expect(join(files)).toBe(
    '/** Doubles. */\nexport const a = (c: C) => b * c;\n\n/** Half of it. */\nconst b = tellC() / 2;\n\n/** A count. */\nexport type C = number;\n\n// Never less.\nexport function tellC(): C {\n  return least;\n}\n\nconst least = 2;\n',
  );
});

it.each([
  ["import { x } from 'x';", 'a package'],
  ["import { x } from 'node:fs';", 'Node'],
  ["import { x } from './b.ts';", 'a file beside it'],
  ["import { x } from './a/../b.ts';", 'a file beside it by a detour'],
  ["import './a/b.ts';", 'no name'],
  ["import * as x from './a/b.ts';", 'all names at once'],
  ["import { y as x } from './a/b.ts';", 'another name'],
  ["export * from './a/b.ts';", 'all names at once'],
  ['const x = 1;\nexport { x };', 'its own'],
])('refuses %s, which takes %s', (text) => {
  const [, link] = /((?:im|ex)port .*)$/.exec(text)!;

  expect(() => join({ [file]: text, 'packages/a/src/a/b.ts': 'export const x = 1;' })).toThrow(
    `${file}: expected it to import nothing but parts of its pattern, by name, got ${link}`,
  );
});

it('refuses a name that two files declare', () => {
  const files = {
    [file]: "import { b } from './a/b.ts';\nconst x = b;",
    'packages/a/src/a/b.ts': 'export const b = 1;\nconst x = 2;',
  };

  expect(() => join(files)).toThrow(`packages/a/src/a/b.ts: x is declared in ${file} too`);
});

it('makes of the throttle, which stands in parts, what the parts are', async () => {
  const text = asOneFile('packages/adaptive-throttle/src/adaptive-throttle.ts', (name) => readFileSync(name, 'utf8'));
  const { code } = transformSync(text, { loader: 'ts' });
  const copy: typeof parts = await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`);
  const told = new Headers({ 'x-ratelimit-limit': '10', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '40000' });
  const spent = copy.adaptiveThrottle()(async () => new Response(null, { headers: told }));

  expect(Object.keys(copy).sort()).toEqual(Object.keys(parts).sort());
  expect(copy.readRateLimits(told)).toEqual(parts.readRateLimits(told));
  await spent('https://api.test/items');
  await expect(spent('https://api.test/items')).rejects.toThrow(copy.QuotaExhaustedError);
});

function join(files: Readonly<Record<string, string>>): string {
  return asOneFile(file, (name) => files[name]!);
}
