import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from './failure.ts';
import { entryOf, pathOf, write } from './files.ts';
import { LOCK_FILE, type Lock, readLock, writeLock } from './lock.ts';
import { type Item, openRegistry, type Registry } from './registry.ts';
import { itemNamed } from './show.ts';

/** What `add` can be told, as commander names it. */
export interface AddFlags {
  readonly js?: true;
  readonly dir: string;
  readonly overwrite?: true;
  readonly registry?: string;
}

/** Copies patterns into a folder, all or none, and remembers where they came from. */
export async function add(folder: string, patterns: readonly string[], flags: AddFlags): Promise<string> {
  const registry = openRegistry(flags.registry);
  const list = await registry.list();
  const names = [...new Set(patterns)].map((pattern) => itemNamed(list, pattern, flags.js ? 'js' : 'ts').name);
  const lock: Lock = readLock(folder);
  const asked = (await Promise.all(names.map((name) => registry.newest(name)))).map((item) => copyOf(item, flags.dir));
  for (const { item, path } of asked) if (!flags.overwrite) demandRoom(folder, path, item);
  const needed = await Promise.all(missing(asked, names, registry));
  // What is there already may hold edits, and serves as it is.
  const copies = [
    ...asked,
    ...needed.map((item) => copyOf(item, flags.dir)).filter(({ path }) => !existsSync(join(folder, path))),
  ];

  for (const { item, path } of copies) write(folder, path, item.files[0].content);
  writeLock(folder, { ...lock, ...Object.fromEntries(copies.map(({ item, path }) => [path, entryOf(item)])) });
  const lines = copies.map(
    ({ item: { meta }, path }) => `${path}: ${meta.packageName} ${meta.version}, ${meta.license} licence`,
  );
  return [...lines, `Remembered in ${LOCK_FILE}; commit it, and steadfetch update keeps your edits.`, ''].join('\n');
}

interface Copy {
  readonly item: Item;
  readonly path: string;
}

function copyOf(item: Item, directory: string): Copy {
  return { item, path: pathOf(item, directory) };
}

/** What the items need beside them, and nobody has asked for. */
function missing(asked: readonly Copy[], names: readonly string[], registry: Registry): Promise<Item>[] {
  const needs = new Set(asked.flatMap(({ item }) => item.meta.needs));
  return [...needs].filter((name) => !names.includes(name)).map((name) => registry.newest(name));
}

/** A file that is there may hold somebody's work. */
function demandRoom(folder: string, path: string, { files: [{ content }] }: Item): void {
  const file = join(folder, path);
  if (!existsSync(file) || readFileSync(file, 'utf8').replaceAll('\r\n', '\n') === content) return;
  throw new Failure(2, `${path} is there already; steadfetch update keeps its edits, and --overwrite loses them`);
}
