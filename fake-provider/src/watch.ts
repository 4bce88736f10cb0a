import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** An editor writes more than once for one change. */
const SETTLE_MS = 50;

/** Calls back after a file changed, until the result is called. An editor may put another file in its place. */
export function watchFile(file: string, changed: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(dirname(file), (_event, name) => {
    if (name !== basename(file)) return;
    clearTimeout(timer);
    timer = setTimeout(changed, SETTLE_MS);
  });
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
}
