import { createTwoFilesPatch } from 'diff';
import { copiedFiles } from './files.ts';
import { readLock } from './lock.ts';
import { openRegistry } from './registry.ts';

/** What `diff` can be told, as commander names it. */
export interface DiffFlags {
  readonly registry?: string;
}

/** What was found, and whether anything differs. */
export interface Differences {
  readonly text: string;
  readonly differs: boolean;
}

/** Compares each copied file with what it came from, and with the newest version where that is another. */
export async function diff(folder: string, patterns: readonly string[], flags: DiffFlags): Promise<Differences> {
  const files = await copiedFiles(folder, readLock(folder), openRegistry(flags.registry), patterns);
  let differs = false;
  const parts = files.flatMap(({ path, entry, yours, origin, newest }) => {
    const came = `${entry.item} ${entry.version}`;
    const now = `${newest.name} ${newest.meta.version}`;
    const content = newest.files[0].content;
    differs ||= yours !== origin || content !== origin;
    return [
      yours === origin
        ? `${path}: no edits to ${came}\n`
        : `${path}: your edits to ${came}\n${patch(came, origin, path, yours)}`,
      content === origin
        ? `${path}: ${now} is the newest\n`
        : `${path}: to ${now}\n${patch(path, yours, now, content)}`,
    ];
  });
  return { text: parts.join(''), differs };
}

function patch(oneName: string, one: string, otherName: string, other: string): string {
  return createTwoFilesPatch(oneName, otherName, one, other).replace(/^=+\n/, '');
}
