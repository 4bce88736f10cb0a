import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { registryItemSchema, registrySchema } from 'shadcn/schema';
import { afterAll, describe, expect, it } from 'vitest';
import { readCatalog } from './catalog.ts';
import { changesOf } from './changes.ts';
import { REPOSITORY } from './front-matter.ts';
import { BASE_URL, filesOf, generate } from './generate.ts';
import { itemOf, readItem } from './registry.ts';
import { changedVersions, currentItem, fileOf, jsonOf, keepVersions, keptVersions } from './versions.ts';

const folder = mkdtempSync(join(tmpdir(), 'generate-'));
afterAll(() => rmSync(folder, { recursive: true }));

const files = generate(join(folder, 'one'));
const catalog = readCatalog();
const { patterns } = catalog;
const bucket = { ...patterns.find(({ name }) => name === 'token-bucket')!, version: '1.2.3' };
const timeout = { ...patterns.find(({ name }) => name === 'timeout')!, version: '1.2.3' };

it('writes the same bytes for the same input, with a slash at the end of the URL or not', () => {
  generate(join(folder, 'two'), { baseUrl: BASE_URL.slice(0, -1) });

  expect(files).toEqual(
    expect.arrayContaining(['catalog.json', 'llms.txt', 'feed.xml', 'r/registry.json', 'backoff.md']),
  );
  const there = readdirSync(join(folder, 'one'), { recursive: true, withFileTypes: true });
  expect(there.filter((each) => each.isFile()).length).toBe(files.length);
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

  it('has every entry of a package in both languages, with the pattern beside it where it imports that', () => {
    const entries = patterns.flatMap(({ name, entries }) => entries.map((entry) => ({ ...entry, of: name })));

    expect(entries.map(({ of, name }) => `${of}/${name}`)).toEqual(expect.arrayContaining(PACKAGE_ENTRIES));
    for (const { of, name, source, javascript } of entries) {
      for (const [language, code] of [
        ['ts', source],
        ['js', javascript],
      ] as const) {
        const suffix = language === 'js' ? '-js' : '';
        const item = readItem('item', json(`r/${of}/${name}${suffix}.json`));
        const [own, ...beside] = item.files;
        const imports = new RegExp(`from './${of}\\.${language}'`).test(code);

        expect(item.name).toBe(`${of}/${name}${suffix}`);
        expect(registryItemSchema.safeParse(item).success).toBe(true);
        expect(own.target).toBe(`~/src/patterns/${of}-${name}.${language}`);
        expect(own.content).toBe(
          `// @steadfetch/${of}/${name} ${item.meta.version}, MIT licence, https://github.com/steadfetch/steadfetch/blob/main/packages/${of}/src/${name}.ts\n${code}`,
        );
        expect(item.meta.needs).toEqual(imports ? [`${of}${suffix}`] : []);
        // Whoever takes several, takes the same file several times.
        for (const file of beside) expect(file).toEqual(json(`r/${of}${suffix}.json`).files[0]);
        expect(beside.map(({ target }) => target)).toEqual(imports ? [`~/src/patterns/${of}.${language}`] : []);
        expect(
          json(`r/${of}/${name}${suffix}@${encodeURIComponent(item.meta.version)}.json`.replace('%2B', '+')),
        ).toEqual(item);
      }
    }
  });

  it('refuses an entry that imports anything but its pattern', () => {
    const entry = { ...bucket.entries[0]!, source: "import { a } from './other.ts';\n" };

    expect(() => itemOf(bucket, 'ts', '1.2.3', entry)).toThrow(
      'packages/token-bucket/src/redis.ts: expected it to import ./token-bucket.ts alone, got ./other.ts',
    );
  });

  it('lists every item once, as shadcn reads it, without its code', () => {
    const { items, homepage } = registrySchema.parse(json('r/registry.json'));

    expect(items.map(({ name }) => name).sort()).toEqual(
      patterns
        .flatMap(({ name, entries }) => [name, ...entries.map((entry) => `${name}/${entry.name}`)])
        .flatMap((name) => [name, `${name}-js`])
        .sort(),
    );
    expect(items.flatMap(({ files = [] }) => files).filter(({ content }) => content !== undefined)).toEqual([]);
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

  it('is compared with the one before, the newest first, as soon as there are two', () => {
    const root = emptyRoot();
    keepVersions([{ ...timeout, version: '1.9.0', source: 'one\ntwo\nthree\n' }], root);
    expect(changesOf('timeout', keptVersions(root))).toEqual([]);

    keepVersions([{ ...timeout, version: '1.10.0', source: 'one\n2\nthree\n' }], root);
    keepVersions([{ ...timeout, version: '2.0.0', source: 'one\n2\nthree\nfour\n' }], root);
    expect(changesOf('timeout', keptVersions(root))).toEqual([
      { from: '1.10.0', to: '2.0.0', added: 1, removed: 0, lines: ['@@ line 1 @@', ' one', ' 2', ' three', '+four'] },
      { from: '1.9.0', to: '1.10.0', added: 1, removed: 1, lines: ['@@ line 1 @@', ' one', '-two', '+2', ' three'] },
    ]);
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

  it('of an entry is another one where the pattern it brings along is another', () => {
    const root = emptyRoot();
    const [redis] = bucket.entries;

    expect(keepVersions([bucket], root)).toContain('catalog/versions/token-bucket/redis@1.2.3.json');
    const kept = keptVersions(root);
    expect(fileOf(currentItem(bucket, 'ts', kept, redis))).toBe('token-bucket/redis@1.2.3.json');
    const edited = { ...bucket, source: `${bucket.source}\n`, sourceSha256: '0123456789'.padEnd(64, '0') };
    expect(fileOf(currentItem(edited, 'ts', kept, redis))).toMatch(/^token-bucket\/redis@1\.2\.3\+[0-9a-f]{8}\.json$/);
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

/** What any package exports beside its pattern, from the packages themselves. */
const PACKAGE_ENTRIES = patterns.flatMap(({ name }) => {
  const { exports } = JSON.parse(readFileSync(`packages/${name}/package.json`, 'utf8'));
  return Object.keys(exports).flatMap((entry) => (/^\.\/[a-z-]+$/.test(entry) ? [`${name}${entry.slice(1)}`] : []));
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
