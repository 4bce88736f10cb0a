import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { registryItemSchema, registrySchema } from 'shadcn/schema';
import { afterAll, describe, expect, it } from 'vitest';
import { readCatalog } from './catalog.ts';
import { REPOSITORY } from './front-matter.ts';
import { BASE_URL, filesOf, generate } from './generate.ts';
import { itemOf, readItem } from './registry.ts';
import { changedVersions, currentItem, fileOf, jsonOf, keepVersions, keptVersions } from './versions.ts';

const folder = mkdtempSync(join(tmpdir(), 'generate-'));
afterAll(() => rmSync(folder, { recursive: true }));

const files = generate(join(folder, 'one'));
const catalog = readCatalog();
const { patterns } = catalog;
const timeout = { ...patterns.find(({ name }) => name === 'timeout')!, version: '1.2.3' };

it('writes the same bytes for the same input, with a slash at the end of the URL or not', () => {
  generate(join(folder, 'two'), { baseUrl: BASE_URL.slice(0, -1) });

  expect(files).toEqual(
    expect.arrayContaining(['catalog.json', 'llms.txt', 'feed.xml', 'r/registry.json', 'backoff.md']),
  );
  expect(readdirSync(join(folder, 'one'), { recursive: true }).length).toBe(files.length + 1);
  for (const file of files) expect(written(file, 'two'), file).toBe(written(file));
});

it('writes a catalog that its own JSON Schema accepts, and would not accept with a field missing', () => {
  const accepts = new Ajv2020({ strict: false, validateFormats: false }).compile(json('catalog.schema.json'));
  const emitted = json('catalog.json');
  const [{ version, ...unversioned }] = emitted.patterns;

  expect(accepts(emitted)).toBe(true);
  expect(accepts({ ...emitted, patterns: [unversioned] })).toBe(false);
  expect(accepts.errors).toMatchObject([{ instancePath: '/patterns/0', params: { missingProperty: 'version' } }]);
});

describe('the registry', () => {
  it.each(patterns)('has $name in both languages, as shadcn reads it, with the bytes of the source', (pattern) => {
    for (const [name, code] of [
      [pattern.name, pattern.source],
      [`${pattern.name}-js`, pattern.javascript],
    ]) {
      const item = registryItemSchema.parse(json(`r/${name}.json`));
      const [{ content = '', target } = {}] = item.files ?? [];
      const [origin, ...lines] = content.split('\n');

      expect(item).toMatchObject({ name, type: 'registry:file', docs: expect.stringContaining(pattern.repository) });
      expect(origin).toBe(
        `// ${pattern.packageName} ${item.meta!.version}, MIT licence, https://github.com/steadfetch/steadfetch/blob/main/packages/${pattern.name}/src/${pattern.name}.ts`,
      );
      expect(lines.join('\n')).toBe(code);
      expect(target).toBe(`~/src/patterns/${pattern.name}.${name === pattern.name ? 'ts' : 'js'}`);
    }
  });

  it('lists every item once, as shadcn reads it, without its code', () => {
    const { items, homepage } = registrySchema.parse(json('r/registry.json'));

    expect(items.map(({ name }) => name)).toEqual(patterns.flatMap(({ name }) => [name, `${name}-js`]));
    expect(items.flatMap(({ files: [file] = [] }) => (file?.content === undefined ? [] : [file.path]))).toEqual([]);
    expect(homepage).toBe(BASE_URL);
  });
});

describe('a released version', () => {
  it('was never changed since it came', () => {
    expect(changedVersions(REPOSITORY)).toEqual([]);
    expect(() => keptVersions(REPOSITORY)).not.toThrow();
  });

  it('is kept once, served as it was kept, and refuses another content', () => {
    const root = emptyRoot();

    expect(keepVersions([timeout, { ...timeout, name: 'unreleased', version: '0.0.0' }], root)).toEqual([
      'catalog/versions/timeout@1.2.3.json',
      'catalog/versions/timeout-js@1.2.3.json',
    ]);
    expect(keepVersions([timeout], root)).toEqual([]);
    expect(() => keepVersions([{ ...timeout, source: `${timeout.source}\n` }], root)).toThrow(
      /^catalog\/versions\/timeout@1\.2\.3\.json: is released with another content; raise the version$/,
    );

    const raised = { ...timeout, version: '1.3.0', source: `${timeout.source}\n` };
    keepVersions([raised], root);
    const served = filesOf({ ...catalog, patterns: [raised] }, 'https://catalog.test/', root);
    expect(served.get('r/timeout@1.2.3.json')).toBe(jsonOf(itemOf(timeout, 'ts', '1.2.3')));
    expect(JSON.parse(served.get('r/timeout.json')!).meta.version).toBe('1.3.0');
  });

  it('gives its name to no other content', () => {
    const root = emptyRoot();
    keepVersions([timeout], root);
    const kept = keptVersions(root);
    const edited = { ...timeout, source: `${timeout.source}\n`, sourceSha256: '0123456789'.padEnd(64, '0') };

    expect(fileOf(currentItem(timeout, 'ts', kept))).toBe('timeout@1.2.3.json');
    expect(fileOf(currentItem(edited, 'ts', kept))).toBe('timeout@1.2.3+01234567.json');
    expect(currentItem(timeout, 'ts', kept).files[0].content).toMatch(
      /\/blob\/@steadfetch\/timeout@1\.2\.3\/packages\//,
    );
  });

  it('is seen to change, in a commit or since', () => {
    const root = emptyRoot();
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: root });
    const file = new URL('catalog/versions/timeout@1.2.3.json', root);
    git('init', '--quiet');
    keepVersions([timeout], root);
    git('add', '.');
    git('commit', '--quiet', '-m', 'Release');
    expect(changedVersions(root)).toEqual([]);

    writeFileSync(file, 'changed');
    expect(changedVersions(root)).toEqual(['catalog/versions/timeout@1.2.3.json']);
    git('commit', '--quiet', '-a', '-m', 'Change');
    expect(changedVersions(root)).toEqual(['catalog/versions/timeout@1.2.3.json']);
  });
});

it.each<[string, (item: ReturnType<typeof itemOf>) => object, string]>([
  ['without a title', ({ title, ...rest }) => rest, 'title: missing'],
  ['with a field of its own', (item) => ({ ...item, colour: 'red' }), 'colour: unknown field'],
  ['that is a component', (item) => ({ ...item, type: 'registry:lib' }), 'type: expected "registry:file", got'],
  [
    'whose file is another than it says',
    (item) => ({ ...item, files: [{ ...item.files[0], content: 'other' }] }),
    'meta.sha256: expected that of its file, ',
  ],
])('refuses an item %s, naming file and field', (_what, change, message) => {
  const item = change(itemOf(timeout, 'ts', '1.2.3'));

  expect(() => readItem('r/timeout.json', item)).toThrow(`r/timeout.json: ${message}`);
});

it('writes a page for each pattern with its options, its failures, its tests and its source', () => {
  const page = written('timeout.md');

  expect(page).toContain('| `TimeoutOptions.afterMs` | `number` | 10_000  |');
  expect(page).toContain('| wire/hang | proofs/timeout.test.ts (virtual time, HTTP) |');
  expect(page).toContain(`\n## Source\n\n\`\`\`ts\n${timeout.source}\`\`\`\n`);
  expect(page).not.toMatch(/\]\((?!https?:|#)/);
});

it.each(['catalog.test', 'ftp://catalog.test', 'https://'])('refuses to write for %j', (baseUrl) => {
  expect(() => generate(join(folder, 'nowhere'), { baseUrl })).toThrow(
    `generate: baseUrl must be a URL that begins with http:// or https://, got ${JSON.stringify(baseUrl)}`,
  );
});

it('links below the URL it is made for', () => {
  const made = filesOf(catalog, 'https://catalog.test/docs/', REPOSITORY);

  expect(made.get('llms.txt')).toContain('(https://catalog.test/docs/backoff.md)');
  expect(made.get('feed.xml')).toContain('href="https://catalog.test/docs/patterns/backoff/"');
  expect(made.get('backoff.md')).toContain('shadcn@latest add https://catalog.test/docs/r/backoff.json');
});

function written(file: string, run = 'one'): string {
  return readFileSync(join(folder, run, file), 'utf8');
}

function json(file: string) {
  return JSON.parse(written(file));
}

function emptyRoot(): URL {
  const root = mkdtempSync(join(folder, 'root-'));
  mkdirSync(join(root, 'catalog'));
  return pathToFileURL(`${root}/`);
}
