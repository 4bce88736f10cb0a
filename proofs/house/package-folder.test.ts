import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { patternFiles, patternNames, root } from './patterns.ts';

describe.each(patternNames)('packages/%s', (name) => {
  it('holds nothing but its manifest, its README, its changelog and src', () => {
    const made = ['CHANGELOG.md', 'dist', 'node_modules', '.turbo'];
    const files = readdirSync(`${root}packages/${name}`).filter((file) => !made.includes(file));

    expect(files.sort()).toEqual(['README.md', 'package.json', 'src']);
  });

  it('has in src its pattern, the parts of it, other entries and tests', () => {
    const files = readdirSync(`${root}packages/${name}/src`);

    expect(files).toContain(`${name}.ts`);
    expect(files).toContain(`${name}.test.ts`);
    expect(files.filter((file) => !file.endsWith('.ts') && file !== name)).toEqual([]);
  });

  it('has a manifest like all others', () => {
    const entries = patternFiles
      .filter(({ pattern, isPattern, isPart }) => pattern === name && !isPattern && !isPart)
      .map(({ path }) => path.replace(/^.*\/(.*)\.ts$/, '$1'));

    expect(manifest(`packages/${name}`)).toStrictEqual({
      name: `@steadfetch/${name}`,
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      description: expect.stringMatching(/^[A-Z].*\.$/),
      keywords: expect.arrayContaining(['fetch']),
      license: 'MIT',
      repository: repository(`packages/${name}`),
      type: 'module',
      sideEffects: false,
      engines: { node: '>=22' },
      files: ['dist', 'src', '!src/**/*.test.ts', 'README.md'],
      exports: exportsOf(name, entries, (entry) => `./src/${entry}.ts`),
      publishConfig: {
        access: 'public',
        provenance: true,
        exports: exportsOf(name, entries, (entry) => ({
          types: `./dist/${entry}.d.ts`,
          default: `./dist/${entry}.js`,
        })),
      },
      scripts: { build: 'node ../../scripts/build-package.ts' },
    });
  });
});

it.each([
  ['fake-provider', '@steadfetch/fake-provider'],
  ['cli', 'steadfetch'],
])('publishes %s as it publishes the patterns', (folder, name) => {
  expect(manifest(folder)).toMatchObject({
    name,
    license: 'MIT',
    repository: repository(folder),
    type: 'module',
    engines: { node: '>=22' },
    files: expect.arrayContaining(['dist', 'src', '!src/**/*.test.ts', 'README.md']),
    publishConfig: { access: 'public', provenance: true },
  });
});

it('publishes nothing else', () => {
  for (const folder of ['.', 'proofs', 'examples', 'catalog']) {
    expect(manifest(folder), folder).toMatchObject({ private: true });
  }
});

/** The pattern as `.`, any other entry under its name. */
function exportsOf(name: string, entries: string[], target: (entry: string) => unknown) {
  return {
    '.': target(name),
    ...Object.fromEntries(entries.map((entry) => [`./${entry}`, target(entry)])),
    './package.json': './package.json',
  };
}

function repository(directory: string) {
  return { type: 'git', url: 'git+https://github.com/steadfetch/steadfetch.git', directory };
}

function manifest(folder: string): unknown {
  return JSON.parse(readFileSync(`${root}${folder}/package.json`, 'utf8'));
}
