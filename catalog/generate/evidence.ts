import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { parse } from './front-matter.ts';

const text = z.string().min(1);
const count = z.int().min(0);

/** A run of a scenario by a pattern, which a test has judged. */
const scenarioRun = z.strictObject({
  id: text,
  world: z.enum(['virtual time', 'HTTP']),
  /** Below the repository's folder. */
  file: text,
  test: text,
  passed: z.boolean(),
});

/** When, where and of what a run was. */
const run = z.strictObject({
  date: z.iso.date(),
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  runtime: text,
});

const patternRun = z.strictObject({
  ...run.shape,
  /** Of all the pattern's source that was tested, see {@link testedSha256}. */
  sourceSha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** How many of the package's own tests passed. */
  tests: count,
  scenarios: z.array(scenarioRun),
  /** An example program and what it printed. */
  sample: z.strictObject({ input: text, output: text }),
});

const conformanceRun = z.strictObject({
  ...run.shape,
  clients: z.array(z.strictObject({ name: text, summary: text })),
  cases: z.array(
    z.strictObject({
      id: text,
      requirement: text,
      level: z.enum(['must', 'should']),
      reference: text,
      results: z.array(
        z.strictObject({
          client: text,
          /** `honest-fail`: it could not finish, and said so. */
          verdict: z.enum(['pass', 'fail', 'honest-fail', 'inconclusive']),
          /** What it did wrong, one sentence each. */
          findings: z.array(text),
        }),
      ),
    }),
  ),
});

/** Stands for all that a pattern ships: one file after the other, in the order of their names. */
export function testedSha256(name: string, root: URL): string {
  const folder = new URL(`packages/${name}/src/`, root);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  );
  const hash = createHash('sha256');
  for (const file of files.sort()) hash.update(readFileSync(new URL(file, folder)));
  return hash.digest('hex');
}

/** What `catalog/evidence.json` holds: what runs of the tests have shown. */
export const evidenceSchema = z.strictObject({
  patterns: z.record(z.string(), patternRun),
  conformance: conformanceRun.nullable(),
});

/** What is said of a pattern's evidence; `stale` once its source is another than the one that was tested. */
export const patternEvidence = patternRun.omit({ sample: true }).extend({ stale: z.boolean() });

/** What is said of the conformance matrix; `stale` once the source of any pattern is another. */
export const conformanceEvidence = z.strictObject({ stale: z.boolean(), ...conformanceRun.shape });

/** See {@link evidenceSchema}. */
export type Evidence = z.infer<typeof evidenceSchema>;

/** A scenario that a test ran a pattern through. */
export type ScenarioRun = z.infer<typeof scenarioRun>;

/** The file that `pnpm catalog:evidence` writes. */
export const EVIDENCE_FILE = 'catalog/evidence.json';

/**
 * Reads what was shown; nothing was where there is no file.
 *
 * @throws `Error` with one line, `file: field: what is wrong`, for each wrong, missing or unknown field.
 */
export function readEvidence(root: URL): Evidence {
  const file = new URL(EVIDENCE_FILE, root);
  if (!existsSync(file)) return { patterns: {}, conformance: null };
  return parse(EVIDENCE_FILE, evidenceSchema, JSON.parse(readFileSync(file, 'utf8')));
}

/**
 * Finds the claimed scenarios that evidence does not show to be met.
 *
 * @returns What is wrong with each, none if all is well.
 */
export function unproven(
  claimed: readonly string[],
  evidence: { readonly scenarios: readonly ScenarioRun[] } | null,
): { readonly id: string; readonly problem: string }[] {
  return claimed.flatMap((id) => {
    const runs = evidence?.scenarios.filter((each) => each.id === id) ?? [];
    const [failed] = runs.filter(({ passed }) => !passed);
    if (failed) return [{ id, problem: `failed ${failed.file}, ${JSON.stringify(failed.test)}` }];
    return runs.length === 0 ? [{ id, problem: `no test in ${EVIDENCE_FILE}` }] : [];
  });
}

/** A test as Vitest's JSON reporter has it. */
export interface ReportedTest {
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  readonly status: string;
}

/**
 * Finds the runs of claimed scenarios among tests: those whose name tells pattern, scenario and world.
 *
 * @param file - Below the repository's folder.
 */
export function runsOf(
  pattern: string,
  claimed: readonly string[],
  file: string,
  tests: readonly ReportedTest[],
): ScenarioRun[] {
  return tests.flatMap(({ ancestorTitles, title, status }) => {
    const test = [...ancestorTitles, title].join(' > ');
    const world = worldOf(test);
    if (world === undefined) return [];
    return claimed
      .filter((id) => names(test, id) && names(test.replaceAll(id, ''), pattern))
      .map((id) => ({ id, world, file, test, passed: status === 'passed' }));
  });
}

function worldOf(test: string): ScenarioRun['world'] | undefined {
  if (test.includes('in virtual time')) return 'virtual time';
  return test.includes('over HTTP') ? 'HTTP' : undefined;
}

/** Whether a text has a name as a word of its own: `token-bucket` is not in `token-buckets` or `rate-limit/token-bucket`. */
function names(text: string, name: string): boolean {
  return new RegExp(`(?<![\\w/-])${name}(?![\\w/-])`).test(text);
}
