import { marked } from 'marked';
import { createHighlighter, type Highlighter } from 'shiki';
import type { Pattern } from '../../generate/catalog.ts';
import { CATEGORIES } from '../sidebar.ts';
import type { Staged } from '../staged.ts';
// As text, since it is not there before the first build.
import staged from './staged/staged.json?raw';

export const { baseUrl, catalog, changes, stills } = JSON.parse(staged) as Staged;

/** A way to narrow the index down: what a pattern has to say of it, as slugs with their words. */
export interface Facet {
  readonly name: string;
  readonly label: string;
  readonly of: (pattern: Pattern) => readonly string[];
  /** How a value is called; itself, if left out. */
  readonly words?: Readonly<Record<string, string>>;
}

const SIZES = { 'under-1-kb': 'under 1 kB', 'under-2-kb': 'under 2 kB', 'under-4-kb': 'under 4 kB', more: 'more' };

/** The facets, in the order of the index. */
export const FACETS: readonly Facet[] = [
  { name: 'category', label: 'Category', of: ({ pattern }) => [pattern.category], words: CATEGORIES },
  { name: 'pagination', label: 'Pagination', of: ({ pattern }) => without('none', [pattern.pagination.type]) },
  { name: 'auth', label: 'Auth', of: ({ pattern }) => without('none', [pattern.auth.type, ...grantsOf(pattern)]) },
  { name: 'retry', label: 'Retry', of: ({ pattern }) => without('none', [pattern.retry.curve]) },
  { name: 'rate-limit', label: 'Rate limit', of: ({ pattern }) => without('none', [pattern.rateLimit.strategy]) },
  { name: 'concurrency', label: 'Concurrency', of: ({ pattern }) => [pattern.concurrency.model] },
  { name: 'environment', label: 'Runs in', of: ({ pattern }) => pattern.environments },
  { name: 'size', label: 'Size', of: ({ gzippedBytes }) => [sizeOf(gzippedBytes)], words: SIZES },
];

function without(left: string, values: readonly string[]): string[] {
  return values.filter((value) => value !== left).map((value) => value.replaceAll('_', '-'));
}

function grantsOf({ auth }: Pattern['pattern']): string[] {
  return auth.grant === null ? [] : [auth.grant].flat();
}

function sizeOf(bytes: number): keyof typeof SIZES {
  if (bytes < 1_000) return 'under-1-kb';
  if (bytes < 2_000) return 'under-2-kb';
  return bytes < 4_000 ? 'under-4-kb' : 'more';
}

/** How a facet's value is called. */
export function wordsFor({ words }: Facet, value: string): string {
  return words?.[value] ?? value.replaceAll('-', ' ');
}

/** `2.1 kB`. */
export function kilobytes(bytes: number): string {
  return `${(bytes / 1_000).toFixed(1)} kB`;
}

/** The pattern of this name. */
export function patternOf(name: string): Pattern | undefined {
  return catalog.patterns.find((pattern) => pattern.name === name);
}

/** An address within the site. */
export function to(path: string): string {
  return `/${path}`.replaceAll(/\/+/g, '/');
}

/** Markdown within a line as HTML. */
export function inline(markdown: string): string {
  return marked.parseInline(markdown, { async: false });
}

/** Where a scenario has its page. */
export function scenarioPath(id: string): string {
  return to(`/scenarios/${id}/`);
}

/** The lines of a diff as HTML: what came, what went, and where. */
export function diffHtml(lines: readonly string[]): string {
  const elements: Readonly<Record<string, string>> = { '+': 'ins', '-': 'del', '@': 'b' };
  return lines
    .map((line) => {
      const text = line.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
      const element = elements[line.charAt(0)];
      return element === undefined ? text : `<${element}>${text}</${element}>`;
    })
    .join('\n');
}

let highlighter: Promise<Highlighter> | undefined;

/** Code as HTML with a class for each kind of token: a theme of its own for light and dark would be twice as heavy. */
export async function highlighted(code: string, lang: 'typescript' | 'javascript' | 'bash' | 'json'): Promise<string> {
  highlighter ??= createHighlighter({ themes: [THEME], langs: ['typescript', 'javascript', 'bash', 'json'] });
  const html = (await highlighter).codeToHtml(code, { lang, theme: 'classes' });
  const inner = /<code>(.*)<\/code>/s.exec(html)![1]!;
  return inner
    .replaceAll('<span class="line">', '')
    .replaceAll('</span>\n', '\n')
    .replace(/<\/span>$/, '')
    .replaceAll(/<span style="color:#0000(\d\d)">/g, (_all, kind) => `<span class="t${Number(kind)}">`)
    .replaceAll(/<span style="color:#000000">([^<]*)<\/span>/g, '$1')
    .replaceAll(/<span class="t0">([^<]*)<\/span>/g, '$1');
}

const kind = (index: number, ...scope: string[]) => ({
  scope,
  settings: { foreground: `#0000${String(index).padStart(2, '0')}` },
});

/** The colour of a token is the number of its class. */
const THEME = {
  name: 'classes',
  type: 'light' as const,
  fg: '#000000',
  bg: '#ffffff',
  settings: [
    { settings: { foreground: '#000000', background: '#ffffff' } },
    kind(1, 'comment', 'punctuation.definition.comment'),
    kind(2, 'keyword', 'storage', 'keyword.operator.new', 'keyword.operator.expression'),
    kind(0, 'keyword.operator'),
    kind(3, 'string', 'punctuation.definition.string', 'string.template'),
    kind(4, 'constant', 'variable.other.constant.property'),
    kind(5, 'entity.name.function', 'support.function'),
    kind(6, 'entity.name.type', 'support.type', 'support.class', 'entity.other.inherited-class'),
    kind(0, 'variable', 'punctuation', 'meta.brace'),
    kind(4, 'constant.numeric', 'constant.language'),
  ],
};
