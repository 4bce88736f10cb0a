import { createHash } from 'node:crypto';
import { registryItemSchema, registrySchema } from 'shadcn/schema';
import { z } from 'zod';
import type { Pattern } from './catalog.ts';
import { parse, patternSchema } from './front-matter.ts';

/** What an item says of its pattern beyond shadcn's own fields. */
const metaSchema = z.strictObject({
  /** The front matter of its README. */
  pattern: patternSchema,
  /** The pattern's name, also of an item in JavaScript. */
  name: z.string().min(1),
  version: z.string().regex(/^\d+\.\d+\.\d+(\+[0-9a-f]{8})?$/),
  license: z.string().min(1),
  packageName: z.string().min(1),
  /** Of the file as it is copied, its first line included. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
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
    files: z.tuple([
      z.strictObject({
        path: z.string().min(1),
        content: z.string().min(1),
        type: z.literal('registry:file'),
        target: z.string().min(1),
      }),
    ]),
    meta: metaSchema,
  })
  // Ours is stricter; but shadcn reads by its own.
  .refine((item) => registryItemSchema.safeParse(item).success, 'expected an item by the schema of shadcn');

/** A pattern as `shadcn add` and `steadfetch add` take it: one file. */
export type RegistryItem = z.infer<typeof itemSchema>;

/** The languages an item comes in. */
export const LANGUAGES = ['ts', 'js'] as const;

/** See {@link LANGUAGES}. */
export type Language = (typeof LANGUAGES)[number];

/** What an item is called: `backoff` in TypeScript, `backoff-js` in JavaScript. */
export function itemName(pattern: string, language: Language): string {
  return language === 'ts' ? pattern : `${pattern}-${language}`;
}

/**
 * Makes the item of a pattern. Nothing in it depends on when or for which site it is made.
 *
 * @param version - What it is called.
 * @throws `Error` with one line, `file: field: what is wrong`, for each wrong field.
 */
export function itemOf(pattern: Pattern, language: Language, version: string): RegistryItem {
  const { name, title, description, license, packageName, source, javascript, repository } = pattern;
  const path = `src/patterns/${name}.${language}`;
  const content = `${originOf(pattern, version)}\n${language === 'ts' ? source : javascript}`;
  return readItem(`r/${itemName(name, language)}.json`, {
    $schema: 'https://ui.shadcn.com/schema/registry-item.json',
    name: itemName(name, language),
    type: 'registry:file',
    title: language === 'ts' ? title : `${title} (JavaScript)`,
    description,
    categories: [pattern.pattern.category],
    docs: `${title}: one file, no dependencies, and yours now. When to use it, its options and what it does when things fail: ${repository}`,
    files: [{ path, content, type: 'registry:file', target: `~/${path}` }],
    meta: { pattern: pattern.pattern, name, version, license, packageName, sha256: sha256Of(content) },
  });
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
    items: items.map(({ $schema, files: [{ content, ...file }], ...item }) => ({ ...item, files: [file] })),
  });
}

/** The first line of a copied file: what it is, and where it comes from. */
function originOf({ name, packageName, license, repository }: Pattern, version: string): string {
  const tag = version.includes('+') ? 'main' : `${packageName}@${version}`;
  const source = repository.replace('/tree/main/', `/blob/${tag}/`);
  return `// ${packageName} ${version}, ${license} licence, ${source}/src/${name}.ts`;
}

function sha256Of(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}
