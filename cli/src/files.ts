import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, sep } from 'node:path';
import { Failure } from './failure.ts';
import { isInside, LOCK_FILE, type Lock, type LockEntry } from './lock.ts';
import { bareName, type Item, type Registry, sha256Of } from './registry.ts';

/** A copied file as it is in the folder, beside the version it came from. */
export interface CopiedFile {
  /** Below the folder, with forward slashes. */
  readonly path: string;
  readonly entry: LockEntry;
  /** As it is, its line ends as in the registry. */
  readonly yours: string;
  /** As it came. */
  readonly origin: string;
  /** The registry's item as it is now. */
  readonly newest: Item;
  /** How its lines end in the folder. */
  readonly lineEnd: '\n' | '\r\n';
}

/**
 * Reads copied files together with what they came from and what there is now.
 *
 * @param patterns - Their patterns' names; all files where there are none.
 * @throws Failure if nothing was copied, a pattern was not, a file is gone, or the registry does not have its version.
 */
export async function copiedFiles(
  folder: string,
  lock: Lock,
  registry: Registry,
  patterns: readonly string[],
): Promise<CopiedFile[]> {
  const all = Object.entries(lock);
  if (all.length === 0) throw new Failure(2, `${LOCK_FILE} names no file; copy one with steadfetch add <pattern>`);
  for (const pattern of patterns) {
    if (all.some(([, { item }]) => isOf(item, pattern))) continue;
    const copied = [...new Set(all.map(([, { item }]) => item.replace(/-js$/, '')))];
    throw new Failure(2, `${pattern} was not copied, says ${LOCK_FILE}; there is: ${copied.join(', ')}`);
  }
  const chosen = all.filter(([, { item }]) => patterns.length === 0 || patterns.some((pattern) => isOf(item, pattern)));
  return Promise.all(chosen.map(([path, entry]) => copiedFile(folder, path, entry, registry)));
}

async function copiedFile(folder: string, path: string, entry: LockEntry, registry: Registry): Promise<CopiedFile> {
  if (!existsSync(join(folder, path))) {
    throw new Failure(2, `${path} is gone; copy it again, or take it out of ${LOCK_FILE}`);
  }
  const text = readFileSync(join(folder, path), 'utf8');
  const { item, version, sha256 } = entry;
  const newest = await registry.newest(item);
  const came = newest.meta.version === version ? newest : await registry.version(item, version);
  if (came === undefined) {
    throw new Failure(
      2,
      `${path} came from ${item} ${version}, which this registry does not have; name its own with --registry`,
    );
  }
  if (came.meta.sha256 !== sha256) {
    throw new Failure(
      2,
      `${path} came from another ${item} ${version} than this registry has; name its own with --registry`,
    );
  }
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  return { path, entry, yours: text.replaceAll('\r\n', '\n'), origin: came.files[0].content, newest, lineEnd };
}

/** Where an item's file goes. */
export function pathOf({ name, meta }: Pick<Item, 'name' | 'meta'>, directory: string): string {
  if (!isInside(directory)) throw new Failure(2, `--dir must lead to a folder inside this one, got ${directory}`);
  return posix.join(
    directory.split(sep).join('/'),
    `${bareName(meta).replace('/', '-')}.${name === bareName(meta) ? 'ts' : 'js'}`,
  );
}

/** Writes a file and the folders it stands in. */
export function write(folder: string, path: string, content: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

/** What the lock file says of an item that was copied. */
export function entryOf({ name, meta, files: [{ content }] }: Item): LockEntry {
  return { item: name, version: meta.version, sha256: sha256Of(content) };
}

function isOf(item: string, pattern: string): boolean {
  return item === pattern || item === `${pattern}-js`;
}
