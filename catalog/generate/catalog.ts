import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { profiles, scenarios } from '@steadfetch/fake-provider';
import { transformSync } from 'esbuild';
import { z } from 'zod';
import { faults } from '../../fake-provider/src/faults/index.ts';
import {
  conformanceEvidence,
  type Evidence,
  patternEvidence,
  readEvidence,
  testedSha256,
  unproven,
} from './evidence.ts';
import { parse, patternSchema, REPOSITORY, readReadme } from './front-matter.ts';
import { toJavaScript } from './javascript.ts';
import { asOneFile } from './one-file.ts';
import { readEntry, readSource } from './source.ts';

const text = z.string().min(1);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);

const patternEntry = z.strictObject({
  name: text,
  title: text,
  description: text,
  pattern: patternSchema,
  version: text,
  license: text,
  engines: text,
  packageName: text,
  /** Where its folder is shown. */
  repository: z.url(),
  lines: count,
  minifiedBytes: count,
  gzippedBytes: count,
  /** The very bytes of `src/<name>.ts`; where it is in parts, with these below it. */
  source: text,
  /** Whether that stands in more than one file in the repository. */
  isInParts: z.boolean(),
  /** The same without its types. */
  javascript: text,
  sourceSha256: sha256,
  /** The README below its front matter, Markdown. */
  readme: text,
  options: z.array(
    z.strictObject({
      /** The interface it belongs to. */
      of: text,
      name: text,
      type: text,
      required: z.boolean(),
      /** Markdown. */
      defaultValue: text.nullable(),
      /** Markdown. */
      text,
    }),
  ),
  exports: z.array(text),
  changelog: text.nullable(),
  /** What else can be imported from the package, such as `redis`. */
  entries: z.array(
    z.strictObject({
      name: text,
      /** Markdown. */
      description: text,
      lines: count,
      /** The very bytes of `src/<name of the entry>.ts`. */
      source: text,
      /** The same without its types. */
      javascript: text,
      sourceSha256: sha256,
      exports: z.array(text),
    }),
  ),
  evidence: patternEvidence.nullable(),
  /** An example program and what it printed. */
  sample: z.strictObject({ input: text, output: text }).nullable(),
});

const scenarioEntry = z.strictObject({
  id: text,
  title: text,
  /** What a client must do, in one sentence. */
  description: text,
  level: z.enum(['must', 'should']),
  sources: z.array(text),
  /** The patterns that claim it. */
  patterns: z.array(text),
});

const profileEntry = z.strictObject({
  name: text,
  summary: text,
  reference: text,
  /** What is imitated from third parties or from memory. */
  unverified: z.array(text),
  config: z.record(z.string(), z.json()),
});

const faultEntry = z.strictObject({
  name: text,
  summary: text,
  /** What can be set, as JSON Schema. */
  options: z.record(z.string(), z.json()),
});

const catalogSchema = z.strictObject({
  patterns: z.array(patternEntry),
  scenarios: z.array(scenarioEntry),
  profiles: z.array(profileEntry),
  faults: z.array(faultEntry),
  conformance: conformanceEvidence.nullable(),
});

/** All that is published about the patterns. */
export type Catalog = z.infer<typeof catalogSchema>;

/** The schema of `catalog.json`, for those who read it in another language. */
export function catalogJsonSchema(): object {
  return z.toJSONSchema(catalogSchema);
}

/** What is published about one pattern. */
export type Pattern = Catalog['patterns'][number];

/** What is published about another file of its package. */
export type Entry = Pattern['entries'][number];

/**
 * Reads everything that is published, from the READMEs, the code and the evidence.
 *
 * @param root - The repository's folder.
 * @throws `Error` with one line, `file: field: what is wrong`, for each wrong or missing field.
 */
export function readCatalog({ root = REPOSITORY }: { readonly root?: URL } = {}): Catalog {
  const names = readdirSync(new URL('packages/', root)).sort();
  const evidence = readEvidence(root);
  const manifests = names.map((name) => readManifest(name, root));
  const code = codeOf(manifests, root);
  const patterns = manifests.map((manifest) => readPattern(manifest, code, evidence, root));
  demandProofs(patterns);
  return catalogSchema.parse({
    patterns,
    scenarios: scenarios.map(({ id, requirement, level, reference }) => ({
      id,
      title: titleOf(id),
      description: requirement,
      level,
      sources: reference.split('; '),
      patterns: patterns
        .filter(({ pattern }) => pattern.failureModes.some(({ scenario }) => scenario === id))
        .map(({ name }) => name),
    })),
    profiles: Object.values(profiles).map(({ name, summary, reference, unverified, config }) => ({
      ...{ name, summary, reference, unverified, config },
    })),
    faults: Object.values(faults).map(({ name, summary, options }) => ({
      ...{ name, summary },
      options: z.toJSONSchema(options, { io: 'input' }),
    })),
    conformance: evidence.conformance && {
      stale: patterns.some((pattern) => pattern.evidence?.stale !== false),
      ...evidence.conformance,
    },
  });
}

const manifestSchema = z.object({
  name: text,
  version: text,
  license: text,
  engines: z.object({ node: text }),
  repository: z.object({ url: text, directory: text }),
  exports: z.record(z.string(), z.string()),
});

/** A package, and the entries of its `exports`: name and file below the repository's folder, the pattern's own first. */
interface Manifest extends Omit<z.infer<typeof manifestSchema>, 'name' | 'exports'> {
  readonly name: string;
  readonly packageName: string;
  readonly file: string;
  readonly entries: readonly { readonly name: string; readonly file: string }[];
}

function readManifest(name: string, root: URL): Manifest {
  const file = `packages/${name}/package.json`;
  const read = parse(file, manifestSchema, JSON.parse(readFileSync(new URL(file, root), 'utf8')));
  const { name: packageName, exports, ...manifest } = read;
  const entries = Object.entries(exports)
    .filter(([entry]) => entry !== '.' && entry !== './package.json')
    .map(([entry, source]) => ({
      name: entry.replace('./', ''),
      file: `packages/${name}/${source.replace('./', '')}`,
    }));
  return { ...manifest, name, packageName, file: fileOf(name), entries };
}

function fileOf(name: string): string {
  return `packages/${name}/src/${name}.ts`;
}

function readPattern(manifest: Manifest, codes: ReadonlyMap<string, Code>, evidence: Evidence, root: URL): Pattern {
  const { name, packageName, file } = manifest;
  const { minifiedBytes, gzippedBytes, ...code } = codes.get(file)!;
  const { frontMatter, body } = readReadme(name, root);
  const changelog = new URL(`packages/${name}/CHANGELOG.md`, root);

  return {
    name,
    ...frontMatter,
    version: manifest.version,
    license: manifest.license,
    engines: manifest.engines.node,
    packageName,
    repository: `${manifest.repository.url.replace(/^git\+|\.git$/g, '')}/tree/main/${manifest.repository.directory}`,
    ...{ minifiedBytes, gzippedBytes },
    ...code,
    isInParts: code.source !== readFileSync(new URL(file, root), 'utf8'),
    readme: body,
    ...readSource(file, code.source),
    changelog: existsSync(changelog) ? readFileSync(changelog, 'utf8') : null,
    entries: manifest.entries.map((entry) => {
      const { minifiedBytes: _, gzippedBytes: __, ...entryCode } = codes.get(entry.file)!;
      return { name: entry.name, ...entryCode, ...readEntry(entry.file, entryCode.source) };
    }),
    ...shownOf(evidence.patterns[name], testedSha256(name, root)),
  };
}

/** What a run has shown, if there was one, and whether it was of what is there now. */
function shownOf(tested: Evidence['patterns'][string] | undefined, sha256: string) {
  if (tested === undefined) return { evidence: null, sample: null };
  const { sample, ...shown } = tested;
  return { evidence: { stale: shown.sourceSha256 !== sha256, ...shown }, sample };
}

type Code = Pick<Pattern, 'lines' | 'source' | 'javascript' | 'sourceSha256' | 'minifiedBytes' | 'gzippedBytes'>;

/** The source of each file and what becomes of it: without types, and minified with all it exports. */
function codeOf(manifests: readonly Manifest[], root: URL): Map<string, Code> {
  const files = manifests.flatMap(({ file, entries }) => [file, ...entries.map((entry) => entry.file)]);
  const read = (file: string) => readFileSync(new URL(file, root), 'utf8');
  const patterns = new Set(manifests.map(({ file }) => file));
  const sources = new Map(files.map((file) => [file, patterns.has(file) ? asOneFile(file, read) : read(file)]));
  const javascript = toJavaScript(sources);
  return new Map(
    files.map((file) => {
      const source = sources.get(file)!;
      const { code } = transformSync(source, { loader: 'ts', format: 'esm', minify: true, target: 'es2024' });
      const minified = Buffer.from(code);
      return [
        file,
        {
          lines: source.trimEnd().split('\n').length,
          source,
          javascript: javascript.get(file)!,
          sourceSha256: createHash('sha256').update(source).digest('hex'),
          minifiedBytes: minified.length,
          gzippedBytes: gzipSync(minified, { level: 9 }).length,
        },
      ];
    }),
  );
}

/** A pattern may call itself stable once every scenario it claims was met. */
function demandProofs(patterns: readonly Pattern[]): void {
  const problems = patterns.flatMap(({ name, pattern, evidence }) => {
    if (pattern.status !== 'stable') return [];
    const claimed = pattern.failureModes.map(({ scenario }) => scenario);
    return unproven(claimed, evidence).map(
      ({ id, problem }) =>
        `packages/${name}/README.md: pattern.status: expected evidence for ${id} to be stable, got ${problem}`,
    );
  });
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

/** The name in a scenario's id, in words. */
function titleOf(id: string): string {
  const words = id.replace(/^.*\//, '').replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
