import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import { Failure } from './failure.ts';

const slug = z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);

/** A pattern's, `backoff`, or that of an entry beside it, `token-bucket/redis`; with `-js` where it is in JavaScript. */
export const itemName = z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*(\/[a-z][a-z0-9]*(-[a-z0-9]+)*)?$/);

const texts = z.array(z.string());

const metaSchema = z.object({
  /** The pattern's name, also of an item in JavaScript, and of an entry. */
  name: slug,
  /** Which of the pattern's entries it is, if it is not the pattern itself. */
  entry: slug.optional(),
  /** The items whose files it imports, from beside its own. */
  needs: z.array(itemName).default([]),
  version: z.string().regex(/^\d+\.\d+\.\d+(\+[0-9a-f]+)?$/),
  license: z.string(),
  packageName: z.string(),
  sha256: z.string(),
  pattern: z.object({
    category: z.string(),
    status: z.string(),
    useWhen: texts,
    doNotUseWhen: texts,
    failureModes: z.array(z.object({ cause: z.string(), behaviour: z.string() })),
    alternatives: texts,
  }),
});

const itemSchema = z.object({
  name: itemName,
  title: z.string(),
  description: z.string(),
  docs: z.string(),
  /** Its own file, and those it needs, which are items too. */
  files: z.tuple([z.object({ content: z.string() })], z.unknown()),
  meta: metaSchema,
});

const listSchema = z.object({
  items: z.array(z.object({ name: itemName, description: z.string(), meta: metaSchema })),
});

/** A pattern, or an entry of one, in one language and one version, as the registry has it. */
export type Item = z.infer<typeof itemSchema>;

/** An item without its code. */
export type Listed = z.infer<typeof listSchema>['items'][number];

/** Where patterns come from. Every method throws {@link Failure} where the registry cannot be read. */
export interface Registry {
  /** Every item as it is now. */
  list(): Promise<readonly Listed[]>;
  /** An item as it is now; it must be in the list. */
  newest(item: string): Promise<Item>;
  /** An item as it was, or `undefined` where the registry has no such version. */
  version(item: string, version: string): Promise<Item | undefined>;
}

/** What an item is called in any language: `backoff`, or `token-bucket/redis`. */
export function bareName({ name, entry }: Listed['meta']): string {
  return entry === undefined ? name : `${name}/${entry}`;
}

/** The registry that comes with this package. */
const BUNDLED = new URL('../registry/', import.meta.url);

/** A server that is silent for longer is not waited for. */
const PATIENCE_MS = 30_000;

/**
 * Opens a registry.
 *
 * @param place - A URL or a folder, of which `registry.json` may be named; the bundled one where there is none.
 * @throws {@link Failure} if it is neither.
 */
export function openRegistry(place: string | undefined): Registry {
  const base = place === undefined ? BUNDLED : folderOf(place);
  return {
    async list() {
      const text = await read(new URL('registry.json', base));
      if (text === undefined) throw new Failure(3, `there is no registry at ${shown(base)}: registry.json is missing`);
      return checked(listSchema, text, new URL('registry.json', base)).items;
    },
    async newest(item) {
      const url = new URL(`${item}.json`, base);
      const text = await read(url);
      if (text === undefined) throw new Failure(3, `${shown(url)}: is listed, and missing`);
      return whole(checked(itemSchema, text, url), url);
    },
    async version(item, version) {
      const url = new URL(`${item}@${encodeURIComponent(version)}.json`, base);
      const text = await read(url);
      return text === undefined ? undefined : whole(checked(itemSchema, text, url), url);
    },
  };
}

function folderOf(place: string): URL {
  const folder = `${place.replace(/\/?(?:registry\.json)?$/, '')}/`;
  if (!/^[a-z][a-z0-9+.-]+:/i.test(folder)) return pathToFileURL(folder);
  if (/^(?:https?|file):/.test(folder) && URL.canParse(folder)) return new URL(folder);
  throw new Failure(2, `--registry must be a URL that begins with http:// or https://, or a folder, got ${place}`);
}

/** The text at a URL; `undefined` where nothing is. */
async function read(url: URL): Promise<string | undefined> {
  try {
    if (url.protocol === 'file:') return await readFile(url, 'utf8');
    const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (response.status === 404) return undefined;
    if (response.ok) return await response.text();
    throw new Error(`answered ${response.status}`);
  } catch (error) {
    const { code, message, cause } = error as NodeJS.ErrnoException & { cause?: NodeJS.ErrnoException };
    if (code === 'ENOENT') return undefined;
    throw new Failure(3, `${shown(url)}: cannot be read (${code ?? cause?.code ?? cause?.message ?? message})`);
  }
}

function checked<Schema extends z.ZodType>(schema: Schema, text: string, url: URL): z.output<Schema> {
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch {
    throw new Failure(3, `${shown(url)}: is not JSON`);
  }
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Failure(3, `${shown(url)}: ${issue!.path.join('.')}: ${issue!.message}`);
}

/** What is copied is what was published. */
function whole(item: Item, url: URL): Item {
  if (sha256Of(item.files[0].content) === item.meta.sha256) return item;
  throw new Failure(3, `${shown(url)}: meta.sha256: its file is another than it says`);
}

/** The hash by which files are known in the registry and in the lock file. */
export function sha256Of(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}

function shown(url: URL): string {
  return url.protocol === 'file:' ? fileURLToPath(url) : `${url.origin}${url.pathname}`;
}
