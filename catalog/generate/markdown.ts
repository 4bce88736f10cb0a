import { markdownTable } from 'markdown-table';
import type { Catalog, Pattern } from './catalog.ts';
import { itemName, LANGUAGES } from './registry.ts';

/** A pattern's page as Markdown: what its README says, what its code and its tests say, and the code itself. */
export function patternPage(pattern: Pattern, baseUrl: string): string {
  const { name, packageName, readme, repository, source, entries, changelog, pattern: facts } = pattern;
  return `${[
    withAbsoluteLinks(readme.trim(), `${repository.replace('/tree/', '/blob/')}/`),
    '## At a glance',
    table(['', ''], glance(pattern)),
    '## When to use it',
    list(facts.useWhen),
    '## When not to',
    list(facts.doNotUseWhen),
    '## Every option',
    table(
      ['Option', 'Type', 'Default', 'Meaning'],
      pattern.options.map((option) => [
        `\`${option.of}.${option.name}\``,
        `\`${option.type}\``,
        option.required ? 'required' : (option.defaultValue ?? 'none'),
        option.text,
      ]),
    ),
    '## What happens when things fail',
    table(
      ['Cause', 'Behaviour', 'Scenario', 'Shown by'],
      facts.failureModes.map(({ cause, behaviour, scenario }) => [
        cause,
        behaviour,
        scenario,
        shownBy(pattern, scenario),
      ]),
    ),
    '## Security',
    list(facts.security),
    '## Get it',
    fence(
      'sh',
      [
        `npx steadfetch add ${name}`,
        ...LANGUAGES.map((language) => `npx shadcn@latest add ${baseUrl}r/${itemName(name, language)}.json`),
        `npm i ${packageName}`,
        ...entries.map((entry) => `npx steadfetch add ${name}/${entry.name}`),
      ].join('\n'),
    ),
    '## Source',
    fence('ts', source.trimEnd()),
    ...entries.flatMap((entry) => [
      `## Source of ${packageName}/${entry.name}`,
      entry.description,
      fence('ts', entry.source.trimEnd()),
    ]),
    ...(changelog === null ? [] : [changelog.replace(/^#/gm, '##').trim()]),
  ].join('\n\n')}\n`;
}

/** The facts in rows of two. */
function glance({ version, license, engines, lines, minifiedBytes, gzippedBytes, evidence, pattern }: Pattern) {
  const verified = evidence && `${evidence.date}, commit ${evidence.commit.slice(0, 7)}, ${evidence.runtime}`;
  return [
    ['Version', version],
    ['Status', pattern.status],
    ['Category', pattern.category],
    ['Licence', license],
    ['Needs', `Node ${engines}, or any runtime with \`fetch\``],
    ['Runs in', pattern.environments.join(', ')],
    ['Size', `${lines} lines; ${kilo(minifiedBytes)} kB minified, ${kilo(gzippedBytes)} kB gzipped; no dependencies`],
    [
      'Last verified',
      verified === null ? 'never' : `${verified}${evidence?.stale ? ' (stale: the source changed since)' : ''}`,
    ],
  ];
}

/** The index for language models (llmstxt.org). */
export function llmsText({ patterns, scenarios }: Catalog, baseUrl: string): string {
  const byCategory = Map.groupBy(patterns, ({ pattern }) => pattern.category);
  return `${[
    '# steadfetch',
    '> API-client patterns you can copy or install, each proven against a fake provider that behaves as badly as real ones do.',
    `Everything is \`fetch\`: a policy is \`(options) => (next: Fetch) => Fetch\`, so policies nest; a paginator is an async generator that takes a \`fetch\`. Each pattern is one TypeScript file that imports nothing. Copy it with \`npx steadfetch add <name>\`, or install \`@steadfetch/<name>\`. Each page below says when to use a pattern, when not to, what it does when things fail and which test shows it, and holds the whole source. Everything at once, as data: [catalog.json](${baseUrl}catalog.json), described by [catalog.schema.json](${baseUrl}catalog.schema.json).`,
    ...[...byCategory].map(([category, members]) =>
      [
        `## ${category}`,
        members.map(({ name, title, description }) => `- [${title}](${baseUrl}${name}.md): ${description}`).join('\n'),
      ].join('\n\n'),
    ),
    '## Scenarios',
    scenarios.map(({ id, description }) => `- ${id}: ${description}`).join('\n'),
  ].join('\n\n')}\n`;
}

/** A README's links are relative to its folder, and this page stands elsewhere. */
function withAbsoluteLinks(markdown: string, folder: string): string {
  return markdown.replace(/\]\((?!https?:|#)([^)]+)\)/g, (_link, target: string) => `](${new URL(target, folder)})`);
}

function shownBy({ evidence }: Pattern, id: string): string {
  const runs = evidence?.scenarios.filter((run) => run.id === id) ?? [];
  const worlds = [...new Set(runs.filter(({ passed }) => passed).map(({ world }) => world))];
  const files = [...new Set(runs.map(({ file }) => file))];
  return runs.length === 0 ? 'nothing yet' : `${files.join(', ')} (${worlds.join(', ')})`;
}

/** Kilobytes of 1,000 bytes. */
function kilo(bytes: number): string {
  return (bytes / 1_000).toFixed(1);
}

function list(items: readonly string[]): string {
  return items.length === 0 ? 'Nothing to say.' : items.map((item) => `- ${item}`).join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return markdownTable([head, ...rows].map((cells) => cells.map((cell) => cell.replaceAll('|', '\\|'))));
}

function fence(language: string, code: string): string {
  return `\`\`\`${language}\n${code}\n\`\`\``;
}
