import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { isAbsolute, join, normalize, sep } from 'node:path';
import { z } from 'zod';
import { Failure } from './failure.ts';
import { itemName } from './registry.ts';

/** Remembers where each copied file comes from. To be committed. */
export const LOCK_FILE = 'steadfetch.lock.json';

const entrySchema = z.strictObject({
  item: itemName,
  version: z.string().regex(/^\d+\.\d+\.\d+(\+[0-9a-f]+)?$/),
  /** Of the file as it came. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const lockSchema = z.strictObject({ format: z.literal(1), files: z.record(z.string(), entrySchema) });

/** Where a file comes from. */
export type LockEntry = z.infer<typeof entrySchema>;

/** Every copied file by its path below the folder, with forward slashes. */
export type Lock = Readonly<Record<string, LockEntry>>;

/**
 * Reads the lock file of a folder; empty where there is none.
 *
 * @throws Failure naming the field that is wrong.
 */
export function readLock(folder: string): Lock {
  const file = join(folder, LOCK_FILE);
  if (!existsSync(file)) return {};
  let input: unknown;
  try {
    input = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new Failure(2, `${LOCK_FILE}: is not JSON`);
  }
  const parsed = lockSchema.safeParse(input);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Failure(2, `${LOCK_FILE}: ${issue!.path.join('.')}: ${issue!.message}`);
  }
  for (const path of Object.keys(parsed.data.files)) {
    if (!isInside(path)) throw new Failure(2, `${LOCK_FILE}: files: ${path} is outside this folder`);
  }
  return parsed.data.files;
}

/** Writes the lock file, its files in order. */
export function writeLock(folder: string, lock: Lock): void {
  const files = Object.fromEntries(Object.entries(lock).sort(([one], [other]) => (one < other ? -1 : 1)));
  writeFileSync(join(folder, LOCK_FILE), `${JSON.stringify({ format: 1, files }, undefined, 2)}\n`);
}

/** Whether a path leads to somewhere below the folder it starts from. */
export function isInside(path: string): boolean {
  return !isAbsolute(path) && normalize(path).split(sep)[0] !== '..';
}
