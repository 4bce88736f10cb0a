import { merge } from 'node-diff3';
import { type CopiedFile, copiedFiles, entryOf, write } from './files.ts';
import { type LockEntry, readLock, writeLock } from './lock.ts';
import { openRegistry } from './registry.ts';

/** What `update` can be told, as commander names it. */
export interface UpdateFlags {
  readonly dryRun?: true;
  readonly registry?: string;
}

/** What was done, and whether anything is left to do by hand. */
export interface Update {
  readonly text: string;
  readonly hasConflicts: boolean;
}

/** Brings copied files to the newest version. What you changed stays; where both changed the same, both stand marked. */
export async function update(folder: string, patterns: readonly string[], flags: UpdateFlags): Promise<Update> {
  const lock = readLock(folder);
  const files = await copiedFiles(folder, lock, openRegistry(flags.registry), patterns);
  const changes = files.map((file) => ({ file, change: changeOf(file) }));
  const changed: Record<string, LockEntry> = {};
  for (const { file, change } of changes) {
    if (change.content === undefined || flags.dryRun) continue;
    write(folder, file.path, change.content.replaceAll('\n', file.lineEnd));
    changed[file.path] = entryOf(file.newest);
  }
  if (Object.keys(changed).length > 0) writeLock(folder, { ...lock, ...changed });
  return {
    text: changes.map(({ file, change }) => `${file.path}: ${change.said}\n`).join(''),
    hasConflicts: changes.some(({ change }) => change.conflicts > 0),
  };
}

interface Change {
  readonly said: string;
  /** What is to be written, if anything. */
  readonly content?: string;
  readonly conflicts: number;
}

function changeOf({ entry, yours, origin, newest }: CopiedFile): Change {
  const content = newest.files[0].content;
  const to = `${newest.name} ${newest.meta.version}`;
  const open = conflictsIn(yours);
  if (open > 0)
    return { said: `${conflicts(open)} of the last update still to be resolved; left as it is`, conflicts: open };
  if (content === origin) {
    return { said: `${to} is the newest${yours === origin ? '' : '; your edits stay'}`, conflicts: 0 };
  }
  const from = `from ${entry.item} ${entry.version} to ${newest.meta.version}`;
  if (yours === origin) return { said: from, content, conflicts: 0 };

  const merged = mergeEdits(yours, origin, content, to);
  const found = conflictsIn(merged);
  return found === 0
    ? { said: `${from}, merged with your edits`, content: merged, conflicts: 0 }
    : {
        said: `${from}, ${conflicts(found)} with your edits, marked by <<<<<<<; resolve them`,
        content: merged,
        conflicts: found,
      };
}

/** The first line, which tells the version, is changed by every update; who took it out wants none. */
function mergeEdits(yours: string, origin: string, newest: string, to: string): string {
  const [originLine] = origin.split('\n', 1);
  const hasOrigin = yours.startsWith(`${originLine}\n`);
  const lines = (text: string, isCut: boolean) => text.split('\n').slice(isCut ? 1 : 0);
  const { result } = merge(lines(yours, hasOrigin), lines(origin, true), lines(newest, true), {
    excludeFalseConflicts: true,
    label: { a: 'yours', b: to },
  });
  const [newestLine = ''] = newest.split('\n', 1);
  return [...(hasOrigin ? [newestLine] : []), ...result].join('\n');
}

function conflictsIn(text: string): number {
  return text.match(/^<{7} yours$/gm)?.length ?? 0;
}

function conflicts(count: number): string {
  return count === 1 ? '1 conflict' : `${count} conflicts`;
}
