import { createHash } from 'node:crypto';
import { registryItemSchema, registrySchema } from 'shadcn/schema';
import { z } from 'zod';
import type { Entry, Pattern } from './catalog.ts';
import { parse, patternSchema } from './front-matter.ts';
import { importedBeside } from './source.ts';

/** What an item says of its pattern beyond shadcn's own fields. */
const metaSchema = z.strictObject({
  /** The front matter of its README. */
  pattern: patternSchema,
  /** The pattern's name, also of an item in JavaScript, and of an entry. */
  name: z.string().min(1),
  /** Which of the pattern's entries it is, if it is not the pattern itself. */
  entry: z.string().min(1).optional(),
  /** The items whose files it imports, from beside its own. */
  needs: z.array(z.string().min(1)),
  version: z.string().regex(/^\d+\.\d+\.\d+(\+[0-9a-f]{8})?$/),
  license: z.string().min(1),
  packageName: z.string().min(1),
  /** Of its own file as it is copied, its first line included. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const fileSchema = z.strictObject({
  path: z.string().min(1),
  content: z.string().min(1),
  type: z.literal('registry:file'),
  target: z.string().min(1),
});

const itemSchema = z
  .strictObject({
    $schema: z.literal('https://ui.shadcn.com/schema/registry-item.json'),
    name: z.string().min(1),
    type: z.literal('registry:file'),
    title: z.string().min(1),
    description: z.string().min(1),
    categories: z.array(z.string().min(1)),
    docs: z.string().min(1),
    /** Its own file, and those it needs. */
    files: z.tuple([fileSchema], fileSchema),
    meta: metaSchema,
  })
  // Ours is stricter; but shadcn reads by its own.
  .refine((item) => registryItemSchema.safeParse(item).success, 'expected an item by the schema of shadcn');

/** A pattern, or an entry of one, as `shadcn add` and `steadfetch add` take it: one file, and what it imports. */
export type RegistryItem = z.infer<typeof itemSchema>;

/** The languages an item comes in. */
export const LANGUAGES = ['ts', 'js'] as const;

/** See {@link LANGUAGES}. */
export type Language = (typeof LANGUAGES)[number];

/** What an item is called: `backoff` in TypeScript, `backoff-js` in JavaScript; `token-bucket/redis` is an entry. */
export function itemName(pattern: string, language: Language, entry?: string): string {
  const name = entry === undefined ? pattern : `${pattern}/${entry}`;
  return language === 'ts' ? name : `${name}-${language}`;
}

/**
 * Makes the item of a pattern, or of an entry of it. Nothing in it depends on when or for which site it is made.
 *
 * @param version - What it is called.
 * @param patternVersion - What the pattern is called that an entry brings along: its file is the same in every item.
 * @throws `Error` with one line, `file: field: what is wrong`, for each wrong field.
 */
export function itemOf(
  pattern: Pattern,
  language: Language,
  version: string,
  entry?: Entry,
  patternVersion: string = version,
): RegistryItem {
  const { name, license, packageName, repository } = pattern;
  const title = entry === undefined ? pattern.title : `${pattern.title}: ${entry.name}`;
  const own = fileOf(pattern, language, version, entry);
  const needs = neededBy(pattern, language, entry);
  return readItem(`r/${itemName(name, language, entry?.name)}.json`, {
    $schema: 'https://ui.shadcn.com/schema/registry-item.json',
    name: itemName(name, language, entry?.name),
    type: 'registry:file',
    title: language === 'ts' ? title : `${title} (JavaScript)`,
    description: (entry ?? pattern).description,
    categories: [pattern.pattern.category],
    docs: `${title}: ${needs ? 'a file beside its pattern' : 'one file, no dependencies'}, and yours now. When to use it, its options and what it does when things fail: ${repository}`,
    files: needs ? [own, fileOf(pattern, language, patternVersion)] : [own],
    meta: {
      ...{ pattern: pattern.pattern, name, ...(entry && { entry: entry.name }) },
      needs: needs ? [itemName(name, language)] : [],
      ...{ version, license, packageName, sha256: sha256Of(own.content) },
    },
  });
}

/** Whether an entry imports its pattern; nothing else may stand beside it. */
function neededBy({ name }: Pattern, language: Language, entry: Entry | undefined): boolean {
  if (entry === undefined) return false;
  const imported = importedBeside(`${entry.name}.${language}`, language === 'ts' ? entry.source : entry.javascript);
  const strange = imported.find((each) => each !== name);
  if (strange === undefined) return imported.length > 0;
  throw new Error(
    `packages/${name}/src/${entry.name}.ts: expected it to import ./${name}.ts alone, got ./${strange}.ts`,
  );
}

/**
 * Checks an item: against shadcn's schema and ours, and that what it says of its file is so.
 *
 * @param file - How messages call it.
 * @throws `Error` with one line, `file: field: what is wrong`, for each wrong field.
 */
export function readItem(file: string, input: unknown): RegistryItem {
  const item = parse(file, itemSchema, input);
  const [{ content }] = item.files;
  if (sha256Of(content) !== item.meta.sha256) {
    throw new Error(`${file}: meta.sha256: expected that of its file, ${sha256Of(content)}, got ${item.meta.sha256}`);
  }
  return item;
}

/** The list of all items, as `shadcn` reads it. Their files' contents stand in the items alone. */
export function registryOf(items: readonly RegistryItem[], homepage: string): z.infer<typeof registrySchema> {
  return parse('r/registry.json', registrySchema, {
    $schema: 'https://ui.shadcn.com/schema/registry.json',
    name: 'steadfetch',
    homepage,
    items: items.map(({ $schema, files, ...item }) => ({ ...item, files: files.map(({ content, ...file }) => file) })),
  });
}

/** A file as it is copied. */
function fileOf(pattern: Pattern, language: Language, version: string, entry?: Entry): z.infer<typeof fileSchema> {
  const { source, javascript } = entry ?? pattern;
  const path = `src/patterns/${itemName(pattern.name, 'ts', entry?.name).replace('/', '-')}.${language}`;
  const content = `${originOf(pattern, version, entry)}\n${language === 'ts' ? source : javascript}`;
  return { path, content, type: 'registry:file', target: `~/${path}` };
}

/** The first line of a copied file: what it is, and where it comes from. */
function originOf({ name, packageName, license, repository }: Pattern, version: string, entry?: Entry): string {
  const tag = version.includes('+') ? 'main' : `${packageName}@${version}`;
  const source = `${repository.replace('/tree/main/', `/blob/${tag}/`)}/src/${entry?.name ?? name}.ts`;
  return `// ${packageName}${entry ? `/${entry.name}` : ''} ${version}, ${license} licence, ${source}`;
}

function sha256Of(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}
