import { structuredPatch } from 'diff';
import type { Kept } from './versions.ts';

/** What changed in a pattern from one released version to the next. */
export interface Change {
  readonly from: string;
  readonly to: string;
  /** How many lines came. */
  readonly added: number;
  /** How many went. */
  readonly removed: number;
  /** Unified: each line begins with a space, `+` or `-`, each part with a line that begins with `@@`. */
  readonly lines: readonly string[];
}

/** What changed in a pattern's TypeScript from version to version, the newest first; nothing where there is but one. */
export function changesOf(pattern: string, kept: ReadonlyMap<string, Kept>): Change[] {
  const versions = [...kept.values()]
    .map(({ item }) => item)
    .filter(({ name }) => name === pattern)
    .toSorted((one, other) => other.meta.version.localeCompare(one.meta.version, 'en', { numeric: true }));
  return versions.slice(1).map((before, index) => changeBetween(before, versions[index]!));
}

function changeBetween(before: Kept['item'], after: Kept['item']): Change {
  const { hunks } = structuredPatch('', '', codeOf(before), codeOf(after));
  const lines = hunks.flatMap(({ newStart, lines }) => [`@@ line ${newStart} @@`, ...lines]);
  const count = (sign: string) => lines.filter((line) => line.startsWith(sign)).length;
  return { from: before.meta.version, to: after.meta.version, added: count('+'), removed: count('-'), lines };
}

/** Without the first line, which tells the version. */
function codeOf({ files: [{ content }] }: Kept['item']): string {
  return content.slice(content.indexOf('\n') + 1);
}
