import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type FrontMatter, parseReadme, readReadme } from './front-matter.ts';

const packages = new URL('../../packages/', import.meta.url);
const names = readdirSync(packages);

describe.each(names)('packages/%s/README.md', (name) => {
  it('has every field of the front matter and no other', () => {
    expect(() => readReadme(name)).not.toThrow();
  });

  it('says in its description and first sentence what package.json says', () => {
    const { frontMatter, body } = readReadme(name);
    const { description } = JSON.parse(readFileSync(new URL(`${name}/package.json`, packages), 'utf8'));

    expect(frontMatter.description).toBe(description);
    expect(firstParagraph(body)).toBe(description);
  });

  it('names only patterns that exist, and not itself', () => {
    const { alternatives, supersedes } = readReadme(name).frontMatter.pattern;
    const named = supersedes === null ? alternatives : [...alternatives, supersedes];

    expect(named.filter((other) => other === name || !existsSync(new URL(`${other}/package.json`, packages)))).toEqual(
      [],
    );
  });
});

it('reads the front matter and leaves the prose as it is', () => {
  expect(parseReadme('README.md', readme(valid))).toEqual({ frontMatter: valid, body: '\nProse.\n' });
});

it.each<[string, (pattern: FrontMatter['pattern']) => object, string]>([
  ['a missing field', ({ retry, ...rest }) => rest, 'pattern.retry: missing'],
  [
    'a missing field of a field',
    ({ auth, ...rest }) => ({ ...rest, auth: { type: auth.type } }),
    'pattern.auth.grant: missing',
  ],
  ['an unknown field', (pattern) => ({ ...pattern, colour: 'red' }), 'pattern.colour: unknown field'],
  [
    'an unknown word',
    (pattern) => ({ ...pattern, retry: { ...pattern.retry, curve: 'steep' } }),
    'pattern.retry.curve: expected one of "none"|"immediate"|"full-jitter", got "steep"',
  ],
  [
    'a wrong type',
    (pattern) => ({ ...pattern, retry: { ...pattern.retry, maxAttempts: 'four' } }),
    'pattern.retry.maxAttempts: expected number, got "four"',
  ],
  [
    'an empty list that must not be',
    (pattern) => ({ ...pattern, doNotUseWhen: [] }),
    'pattern.doNotUseWhen: expected array to have >=1 items, got []',
  ],
  ['an empty text', (pattern) => ({ ...pattern, useWhen: [' '] }), 'pattern.useWhen.0: expected string to have >=1'],
  [
    'an item named twice',
    (pattern) => ({ ...pattern, alternatives: ['backoff', 'backoff'] }),
    'pattern.alternatives: expected no item twice',
  ],
  [
    'a scenario without its area',
    (pattern) => ({ ...pattern, failureModes: [{ cause: 'c', behaviour: 'b', scenario: 'cursor-loop' }] }),
    'pattern.failureModes.0.scenario: expected a scenario id, area/name',
  ],
])('refuses %s, naming file and field', (_what, change, message) => {
  const changed = { ...valid, pattern: change(valid.pattern) };

  expect(() => parseReadme('packages/backoff/README.md', readme(changed))).toThrow(
    `packages/backoff/README.md: ${message}`,
  );
});

it('names every wrong field at once', () => {
  const changed = readme({ ...valid, title: 7, pattern: { ...valid.pattern, status: 'done' } });

  expect(() => parseReadme('README.md', changed)).toThrow(/^README\.md: title: .*\nREADME\.md: pattern\.status: .*$/);
});

it('refuses YAML that cannot be read, naming file and line', () => {
  expect(() => parseReadme('README.md', '---\ntitle: One\ntitle: Two\n---\n')).toThrow(/^README\.md: line 3: /);
});

it('refuses a README that begins with prose', () => {
  expect(() => parseReadme('README.md', 'Prose.\n')).toThrow('README.md: front matter: expected it first');
});

const valid: FrontMatter = {
  title: 'Backoff',
  description: 'Retries.',
  pattern: {
    category: 'resilience',
    status: 'draft',
    auth: { type: 'none', grant: null },
    pagination: { type: 'none', requestField: null, responseField: null },
    stopCondition: { kind: 'none', guards: [] },
    retry: { statuses: [429, 503], maxAttempts: 4, curve: 'full-jitter', retryAfter: ['seconds', 'http-date'] },
    rateLimit: { strategy: 'none', headers: [] },
    concurrency: { model: 'caller', max: null },
    idempotency: 'safe-methods-only',
    timeouts: { attemptMs: null, totalMs: null },
    observability: ['onEvent'],
    security: ['Never replays a stream.'],
    environments: ['server', 'browser'],
    useWhen: ['A server is away for a moment.'],
    doNotUseWhen: ['It is away for good.'],
    failureModes: [{ cause: 'a 503', behaviour: 'waits', scenario: 'resilience/service-unavailable' }],
    alternatives: [],
    supersedes: null,
  },
};

function readme(frontMatter: unknown): string {
  return `---\n${stringify(frontMatter)}---\n\nProse.\n`;
}

/** The first paragraph below the title, its lines joined. */
function firstParagraph(body: string): string {
  const [first = ''] = body
    .trim()
    .replace(/^# .*\n+/, '')
    .split(/\n{2,}/);
  return first.replaceAll('\n', ' ');
}
