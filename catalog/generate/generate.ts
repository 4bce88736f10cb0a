import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Catalog, catalogJsonSchema, readCatalog } from './catalog.ts';
import { atomFeed } from './feed.ts';
import { REPOSITORY } from './front-matter.ts';
import { llmsText, patternPage } from './markdown.ts';
import { registryOf } from './registry.ts';
import { currentItems, fileOf, jsonOf, keptVersions } from './versions.ts';

/** Where the catalog is published, unless it is told otherwise. */
export const BASE_URL = 'https://steadfetch.github.io/steadfetch/';

/** For whom files are made, and of what. */
export interface GenerateOptions {
  /** Where they will be served, as `http:` or `https:`. @defaultValue {@link BASE_URL} */
  readonly baseUrl?: string;
  /** The repository's folder. @defaultValue this one */
  readonly root?: URL;
}

/**
 * Writes all that programs read of the catalog: `catalog.json` with its schema, the registry below `r/`, a page of
 * Markdown for each pattern, `llms.txt` and `feed.xml`. The same input gives the same bytes.
 *
 * @returns The files, below `outDir`.
 * @throws `Error` with one line, `file: field: what is wrong`, for each wrong or missing field.
 * @throws `TypeError` if `baseUrl` is no URL of a site.
 */
export function generate(outDir: string, { baseUrl = BASE_URL, root = REPOSITORY }: GenerateOptions = {}): string[] {
  const site = siteOf(baseUrl);
  const files = filesOf(readCatalog({ root }), site, root);
  for (const [file, content] of files) {
    mkdirSync(dirname(join(outDir, file)), { recursive: true });
    writeFileSync(join(outDir, file), content);
  }
  return [...files.keys()];
}

/** Every file by its name, for a `baseUrl` that ends in a slash. */
export function filesOf(catalog: Catalog, baseUrl: string, root: URL): Map<string, string> {
  const files = registryFiles(catalog, baseUrl, root);
  files.set('catalog.json', `${JSON.stringify(catalog, undefined, 2)}\n`);
  files.set('catalog.schema.json', `${JSON.stringify(catalogJsonSchema(), undefined, 2)}\n`);
  for (const pattern of catalog.patterns) files.set(`${pattern.name}.md`, patternPage(pattern, baseUrl));
  files.set('llms.txt', llmsText(catalog, baseUrl));
  files.set('feed.xml', atomFeed(catalog, baseUrl));
  return files;
}

/** The registry: each item as it is now, by its name and by its version, and all that were ever released. */
function registryFiles({ patterns }: Catalog, baseUrl: string, root: URL): Map<string, string> {
  const kept = keptVersions(root);
  const items = patterns.flatMap((pattern) => currentItems(pattern, kept));
  return new Map([
    ['r/registry.json', `${JSON.stringify(registryOf(items, baseUrl), undefined, 2)}\n`],
    ...items.flatMap((item) => [`${item.name}.json`, fileOf(item)].map((file) => [`r/${file}`, jsonOf(item)] as const)),
    ...[...kept].map(([file, { json }]) => [`r/${file}`, json] as const),
  ]);
}

/** A URL that ends in a slash, so that names can follow it. */
function siteOf(baseUrl: string): string {
  if (!/^https?:\/\//.test(baseUrl) || !URL.canParse(baseUrl)) {
    throw new TypeError(
      `generate: baseUrl must be a URL that begins with http:// or https://, got ${JSON.stringify(baseUrl)}`,
    );
  }
  const { href } = new URL(baseUrl);
  return href.endsWith('/') ? href : `${href}/`;
}
