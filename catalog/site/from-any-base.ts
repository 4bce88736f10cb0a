import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** The way from a page to the site's root, which {@link relativeLinks} writes into the page. */
const BASE = "new URL(document.documentElement.dataset.base ?? '/', location.href).pathname";

/** A plugin for Vite: what the pages' scripts load stands beside them, and where the site stands they ask the page. */
export function fromAnyBase(): {
  name: string;
  enforce: 'pre';
  config(): object;
  transform(code: string, id: string): string | undefined;
} {
  return {
    name: 'from-any-base',
    enforce: 'pre',
    config: () => ({
      experimental: {
        renderBuiltUrl: (_file: string, { hostType }: { hostType: string }) =>
          hostType === 'html' ? undefined : { relative: true },
      },
    }),
    transform: (code, id) =>
      /\/starlight\/.*Search\.astro\?.*script/.test(id) ? code.replaceAll('import.meta.env.BASE_URL', BASE) : undefined,
  };
}

/** Makes every link of the built pages and styles relative, so that the site works from wherever it is put. */
export function relativeLinks(site: URL): void {
  for (const file of readdirSync(site, { recursive: true, encoding: 'utf8' })) {
    const base = '../'.repeat(file.split('/').length - 1) || './';
    if (file.endsWith('.html')) rewrite(new URL(file, site), (html) => relativeHtml(html, base));
    if (file.endsWith('.css')) rewrite(new URL(file, site), (css) => css.replaceAll('url(/', `url(${base}`));
  }
}

function rewrite(file: URL, change: (text: string) => string): void {
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}

function relativeHtml(html: string, base: string): string {
  return html
    .replace('<html ', `<html data-base="${base}" `)
    .replaceAll(/(\s(?:href|src|action)=")\/(?!\/)([^"]*)"/g, (_all, start, path) => `${start}${base}${path}"`);
}
