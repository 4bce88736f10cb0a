import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';

const text = z.string().trim().min(1);
const slug = z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'expected a kebab-case name');
const scenario = z
  .string()
  .regex(
    /^(auth|pagination|rate-limit|resilience|wire|writes)\/[a-z0-9]+(-[a-z0-9]+)*$/,
    'expected a scenario id, area/name, such as rate-limit/retry-after-http-date',
  );
const count = z.int().min(1);
const durationMs = z.int().min(1);
const list = <Item extends z.ZodType>(item: Item) =>
  z.array(item).refine((items) => new Set(items).size === items.length, 'expected no item twice');

const oauthGrant = z.enum(['client_credentials', 'refresh_token', 'authorization_code']);

/** The part of the front matter that only a pattern has. */
export const patternSchema = z.strictObject({
  category: z.enum(['auth', 'pagination', 'resilience', 'rate-limit', 'jobs', 'observability']),
  /** `stable` needs every claimed scenario green. */
  status: z.enum(['draft', 'stable', 'deprecated']),
  auth: z.strictObject({
    type: z.enum(['none', 'oauth2', 'api-key', 'basic']),
    grant: z.union([oauthGrant, list(oauthGrant).min(1), z.null()]),
  }),
  pagination: z.strictObject({
    type: z.enum(['none', 'offset', 'cursor', 'link', 'keyset']),
    requestField: text.nullable(),
    responseField: text.nullable(),
  }),
  stopCondition: z.strictObject({
    kind: z.enum(['none', 'window-empty', 'cursor-absent', 'link-absent', 'keyset-exhausted', 'items-exhausted']),
    guards: list(slug),
  }),
  retry: z.strictObject({
    statuses: list(z.int().min(400).max(599)),
    maxAttempts: count,
    curve: z.enum(['none', 'immediate', 'full-jitter']),
    retryAfter: list(z.enum(['seconds', 'http-date', 'milliseconds'])),
  }),
  rateLimit: z.strictObject({
    strategy: z.enum(['none', 'retry-after', 'adaptive', 'token-bucket', 'concurrency']),
    headers: list(text),
  }),
  concurrency: z.strictObject({
    model: z.enum(['caller', 'sequential', 'prefetch', 'single-flight', 'bounded', 'adaptive']),
    max: count.nullable(),
  }),
  idempotency: z.enum(['none', 'safe-methods-only', 'key-required']),
  timeouts: z.strictObject({ attemptMs: durationMs.nullable(), totalMs: durationMs.nullable() }),
  observability: list(z.enum(['onEvent', 'sink'])),
  security: list(text),
  environments: list(z.enum(['cron', 'queue-worker', 'server', 'serverless', 'browser'])).min(1),
  useWhen: list(text).min(1),
  doNotUseWhen: list(text).min(1),
  failureModes: z.array(
    z.strictObject({
      cause: text,
      behaviour: text,
      scenario,
    }),
  ),
  alternatives: list(slug),
  supersedes: slug.nullable(),
});

const frontMatter = z.strictObject({ title: text, description: text, pattern: patternSchema });

/** What a pattern's README says of it before its first line of prose: everything that cannot be derived. */
export type FrontMatter = z.infer<typeof frontMatter>;

/** A pattern's README, its front matter read and its prose as written. */
export interface Readme {
  readonly frontMatter: FrontMatter;
  readonly body: string;
}

/** The repository's folder, where the catalog reads everything. */
export const REPOSITORY: URL = new URL('../../', import.meta.url);

/**
 * Reads `packages/<name>/README.md`.
 *
 * @throws `Error` as {@link parseReadme} does.
 */
export function readReadme(name: string, root: URL = REPOSITORY): Readme {
  const file = `packages/${name}/README.md`;
  return parseReadme(file, readFileSync(new URL(file, root), 'utf8'));
}

/**
 * Takes a README apart.
 *
 * @param file - How messages call it.
 * @throws `Error` with one line, `file: field: what is wrong`, for each wrong, missing or unknown field.
 */
export function parseReadme(file: string, readme: string): Readme {
  const [, block, body] = /^---\n(.*?\n)---\n(.*)$/s.exec(readme) ?? [];
  if (block === undefined || body === undefined) {
    throw new Error(`${file}: front matter: expected it first, between two lines of ---`);
  }

  const lines = new LineCounter();
  const document = parseDocument(block, { lineCounter: lines, prettyErrors: false });
  const [syntax] = document.errors;
  if (syntax) {
    // The opening --- is the file's first line.
    throw new Error(`${file}: line ${lines.linePos(syntax.pos[0]).line + 1}: ${syntax.message}`);
  }

  return { frontMatter: parse(file, frontMatter, document.toJS()), body };
}

/**
 * Reads what a file holds.
 *
 * @param file - How messages call it.
 * @throws `Error` with one line, `file: field: what is wrong`, for each wrong, missing or unknown field.
 */
export function parse<Schema extends z.ZodType>(file: string, schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input, { reportInput: true });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap(describe);
  throw new Error(problems.map((problem) => `${file}: ${problem}`).join('\n'));
}

/** An issue as `field: what is wrong`, once per field. */
function describe(issue: z.core.$ZodIssue): string[] {
  const field = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${[...issue.path, key].join('.')}: unknown field`);
  }
  if (issue.input === undefined) return [`${field}: missing`];

  const expected = issue.message.replace(/^[A-Z][a-z ]+: /, '').replace(/, received \w+$/, '');
  return [`${field || 'front matter'}: ${expected}, got ${JSON.stringify(issue.input)}`];
}
