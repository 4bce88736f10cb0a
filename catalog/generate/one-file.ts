import { posix } from 'node:path';
import ts from 'typescript';
import { namesOf } from './source.ts';

/**
 * A pattern as it is copied: one file that imports nothing. Where it stands in parts, each comes below what is the
 * first to import it, and what the pattern does not export is private there.
 *
 * @param file - Where the pattern stands; its parts stand in a folder of its name.
 * @param read - The text of a file.
 * @throws `Error`, `file: what is wrong`, for an import of anything but a part by its own names, and for a name that two
 * files declare.
 */
export function asOneFile(file: string, read: (file: string) => string): string {
  const [pattern, ...parts] = filesOf(file, read);
  if (parts.length === 0) return pattern!.text;
  demandOwnNames([pattern!, ...parts]);
  const reExported = pattern!.statements.filter(ts.isExportDeclaration).flatMap(namesIn);
  const texts = [
    textOf(pattern!, () => true),
    ...parts.map((part) => textOf(part, (name) => reExported.includes(name))),
  ];
  return `${texts.join('\n\n')}\n`;
}

/** The pattern, and whatever it imports: after each file what that is the first to import. */
function filesOf(file: string, read: (file: string) => string): ts.SourceFile[] {
  const found = new Map<string, ts.SourceFile>();
  collect(file);
  return [...found.values()];

  function collect(next: string): void {
    if (found.has(next)) return;
    const source = ts.createSourceFile(next, read(next), ts.ScriptTarget.Latest, true);
    found.set(next, source);
    for (const link of source.statements.filter(isLink)) collect(partBehind(link, next, file));
  }
}

type Link = ts.ImportDeclaration | ts.ExportDeclaration;

function isLink(node: ts.Statement): node is Link {
  return ts.isImportDeclaration(node) || ts.isExportDeclaration(node);
}

function partBehind(link: Link, file: string, pattern: string): string {
  const specifier = link.moduleSpecifier?.getText().slice(1, -1) ?? '';
  const part = posix.join(posix.dirname(file), specifier);
  const isPart = /^\.\/[\w/-]+\.ts$/.test(specifier) && part.startsWith(pattern.replace(/\.ts$/, '/'));
  if (isPart && namesIn(link).length > 0) return part;
  throw new Error(`${file}: expected it to import nothing but parts of its pattern, by name, got ${link.getText()}`);
}

/** The names that are imported or handed on; none where any gets another name on the way. */
function namesIn(link: Link): string[] {
  const named = ts.isImportDeclaration(link) ? link.importClause?.namedBindings : link.exportClause;
  if (named === undefined || !(ts.isNamedImports(named) || ts.isNamedExports(named))) return [];
  const elements = [...named.elements];
  return elements.some(({ propertyName }) => propertyName) ? [] : elements.map(({ name }) => name.text);
}

function demandOwnNames(sources: readonly ts.SourceFile[]): void {
  const owners = new Map<string, string>();
  for (const { fileName, statements } of sources) {
    for (const name of statements.flatMap(namesOf)) {
      const owner = owners.get(name);
      if (owner !== undefined) throw new Error(`${fileName}: ${name} is declared in ${owner} too`);
      owners.set(name, fileName);
    }
  }
}

/** What a file declares, with its comments. */
function textOf({ statements }: ts.SourceFile, isExported: (name: string) => boolean): string {
  const texts = statements
    .filter((node) => !isLink(node))
    .map((node) => {
      const text = node.getFullText();
      if (namesOf(node).some(isExported)) return text;
      const start = node.getStart() - node.getFullStart();
      return text.slice(0, start) + text.slice(start).replace(/^export /, '');
    });
  return texts.join('').trim();
}
