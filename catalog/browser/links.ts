import { existsSync } from 'node:fs';

const DIST = new URL('../dist/', import.meta.url);

/**
 * Finds links of the built site that lead nowhere, or would somewhere else than where it was built for.
 *
 * @param pages - Their texts by their files.
 */
export function deadLinks(pages: ReadonlyMap<string, string>): string[] {
  const ids = new Map(
    [...pages].map(([file, html]) => [file, new Set(Array.from(html.matchAll(/\sid="([^"]*)"/g), ([, id]) => id))]),
  );
  const isFile = new Map<string, boolean>();
  const isThere = (file: string): boolean => {
    if (!isFile.has(file)) isFile.set(file, existsSync(new URL(file, DIST)));
    return isFile.get(file)!;
  };
  return [...pages].flatMap(([page, html]) => {
    const links = new Set(Array.from(html.matchAll(/\s(?:href|src)="([^"]*)"/g), ([, link = '']) => link));
    return [...links].flatMap((link) => {
      if (/^(?:https?:|mailto:|data:)/.test(link)) return [];
      if (link.startsWith('/')) return [`${page}: ${link} is not relative`];
      const { pathname, hash } = new URL(link.replaceAll('&#38;', '&'), new URL(page, 'http://site/'));
      const file = decodeURIComponent(pathname.endsWith('/') ? `${pathname}index.html` : pathname).slice(1);
      const id = decodeURIComponent(hash.slice(1));
      return isThere(file) && (id === '' || (ids.get(file)?.has(id) ?? true)) ? [] : [`${page}: ${link}`];
    });
  });
}
