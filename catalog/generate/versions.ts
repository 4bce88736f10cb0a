import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Entry, Pattern } from './catalog.ts';
import { itemOf, LANGUAGES, type Language, type RegistryItem, readItem } from './registry.ts';

/** Where released items are kept for ever, each in a file called `<item>@<version>.json`. */
const VERSIONS = 'catalog/versions';

/** A released item: the bytes that are served, and when it was released. */
export interface Kept {
  readonly item: RegistryItem;
  /** As committed, and as served. */
  readonly json: string;
}

/**
 * Reads what was released, by the names of its files.
 *
 * @throws `Error` with one line, `file: field: what is wrong`, for each wrong field.
 */
export function keptVersions(root: URL): Map<string, Kept> {
  const folder = new URL(`${VERSIONS}/`, root);
  const files = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
  return new Map(
    files
      .filter((file) => file.endsWith('.json'))
      .sort()
      .map((name) => {
        const json = readFileSync(new URL(name, folder), 'utf8');
        const item = readItem(`${VERSIONS}/${name}`, JSON.parse(json));
        if (name !== fileOf(item))
          throw new Error(`${VERSIONS}/${name}: name: expected the file to be ${fileOf(item)}`);
        return [name, { item, json }];
      }),
  );
}

/** The items of a pattern and of its entries, in every language, as they are now. */
export function currentItems(pattern: Pattern, kept: ReadonlyMap<string, Kept>): RegistryItem[] {
  return LANGUAGES.flatMap((language) =>
    [undefined, ...pattern.entries].map((entry) => currentItem(pattern, language, kept, entry)),
  );
}

/**
 * The item of a pattern, or of an entry of it, as it is now: by its version where it was released so, or else by that
 * version, `+` and eight digits of its source's hash. A name never stands for two contents.
 */
export function currentItem(
  pattern: Pattern,
  language: Language,
  kept: ReadonlyMap<string, Kept>,
  entry?: Entry,
): RegistryItem {
  const item = itemOf(pattern, language, pattern.version, entry);
  const released = kept.get(fileOf(item))?.item;
  if (released && contentOf(released) === contentOf(item)) return item;
  if (entry === undefined) return itemOf(pattern, language, versionBy(pattern.sourceSha256));
  // It may bring its pattern along.
  const hash = createHash('sha256').update(entry.sourceSha256).update(pattern.sourceSha256).digest('hex');
  const { meta } = currentItem(pattern, language, kept);
  return itemOf(pattern, language, versionBy(hash), entry, meta.version);

  function versionBy(hash: string): string {
    return `${pattern.version}+${hash.slice(0, 8)}`;
  }
}

function contentOf({ files }: RegistryItem): string {
  return files.map(({ content }) => content).join('');
}

/**
 * Keeps the items of all patterns whose version was not released before. Run when versions are raised.
 *
 * @returns The files that are new.
 * @throws `Error` naming each file whose content would have to change, since a released version never does.
 */
export function keepVersions(patterns: readonly Pattern[], root: URL): string[] {
  const kept = keptVersions(root);
  const items = patterns
    .filter(({ version }) => version !== '0.0.0')
    .flatMap((pattern) =>
      LANGUAGES.flatMap((language) =>
        [undefined, ...pattern.entries].map((entry) => itemOf(pattern, language, pattern.version, entry)),
      ),
    );
  const changed = items.filter((item) => {
    const released = kept.get(fileOf(item));
    return released !== undefined && contentOf(released.item) !== contentOf(item);
  });
  if (changed.length > 0) {
    throw new Error(
      changed
        .map((item) => `${VERSIONS}/${fileOf(item)}: is released with another content; raise the version`)
        .join('\n'),
    );
  }

  const added = items.filter((item) => !kept.has(fileOf(item)));
  for (const item of added) {
    const file = new URL(`${VERSIONS}/${fileOf(item)}`, root);
    mkdirSync(new URL('.', file), { recursive: true });
    writeFileSync(file, jsonOf(item));
  }
  return added.map((item) => `${VERSIONS}/${fileOf(item)}`);
}

/** Released files that git says were changed or deleted after they came, in a commit or since. */
export function changedVersions(root: URL): string[] {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8' })
      .split('\n')
      .filter((line) => line !== '');
  const committed = git('log', '--no-renames', '--diff-filter=MD', '--format=', '--name-only', '--', VERSIONS);
  const since = git('diff', 'HEAD', '--no-renames', '--diff-filter=MD', '--name-only', '--', VERSIONS);
  return [...new Set([...committed, ...since])].sort();
}

/** What the file of an item and a version is called. */
export function fileOf({ name, meta }: Pick<RegistryItem, 'name' | 'meta'>): string {
  return `${name}@${meta.version}.json`;
}

/** An item as it is served. */
export function jsonOf(item: RegistryItem): string {
  return `${JSON.stringify(item, undefined, 2)}\n`;
}
