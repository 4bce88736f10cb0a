import { Failure } from './failure.ts';
import { bareName, type Listed, openRegistry } from './registry.ts';

/** What `list` and `info` can be told, as commander names it. */
export interface ShowFlags {
  readonly output: 'text' | 'json';
  readonly registry?: string;
}

/** Every pattern, and what else comes with one, with one line. */
export async function list({ output, registry }: ShowFlags): Promise<string> {
  const patterns = (await openRegistry(registry).list()).filter(isTyped);
  if (output === 'json') {
    const entries = patterns.map(({ name, description, meta }) => ({
      ...{ name, description, version: meta.version, category: meta.pattern.category, status: meta.pattern.status },
    }));
    return `${JSON.stringify(entries)}\n`;
  }
  const width = Math.max(...patterns.map(({ name }) => name.length));
  return patterns.map(({ name, description }) => `${name.padEnd(width)}  ${description}\n`).join('');
}

/** What there is to know of a pattern before it is copied. */
export async function info(pattern: string, { output, registry }: ShowFlags): Promise<string> {
  const opened = openRegistry(registry);
  const items = await opened.list();
  const { name, title, description, docs, meta } = await opened.newest(itemNamed(items, pattern, 'ts').name);
  const entries = items.filter((item) => isTyped(item) && item.meta.name === meta.name && item.name !== name);
  if (output === 'json') return `${JSON.stringify({ title, description, ...meta })}\n`;
  const { category, status, useWhen, doNotUseWhen, failureModes, alternatives } = meta.pattern;
  return [
    `${title}: ${description}`,
    `${meta.packageName} ${meta.version}, ${meta.license} licence; ${category}, ${status}`,
    ...section('Use it when', useWhen),
    ...section('Do not use it when', doNotUseWhen),
    ...section(
      'When things fail',
      failureModes.map(({ cause, behaviour }) => `${cause}: ${behaviour}`),
    ),
    ...section('Instead, or beside it', alternatives),
    ...section(
      'From the same package',
      entries.map((item) => `${item.name}: ${item.description}`),
    ),
    '',
    `steadfetch add ${name}`,
    docs,
    '',
  ].join('\n');
}

/**
 * Finds a pattern in a registry, in a language.
 *
 * @throws Failure that names all there are.
 */
export function itemNamed(items: readonly Listed[], pattern: string, language: 'ts' | 'js'): Listed {
  const wanted = language === 'ts' ? pattern : `${pattern}-js`;
  const found = items.find(({ name, meta }) => name === wanted && bareName(meta) === pattern);
  if (found) return found;
  const patterns = items.filter(isTyped).map(({ name }) => name);
  throw new Failure(2, `there is no pattern ${pattern}; there is: ${patterns.join(', ')}`);
}

/** Each is listed in JavaScript too. */
function isTyped({ name, meta }: Listed): boolean {
  return name === bareName(meta);
}

function section(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : ['', `${title}:`, ...items.map((item) => `- ${item}`)];
}
