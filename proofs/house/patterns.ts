import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { asOneFile } from '../../catalog/generate/one-file.ts';

/** Where the project lies, with a slash at its end. */
export const root: string = fileURLToPath(new URL('../../', import.meta.url));

/** The folders of `packages/`, each a pattern. */
export const patternNames: readonly string[] = readdirSync(`${root}packages`);

/** A source file of a pattern, as the house's rules see it. */
export interface PatternFile {
  /** From the root: `packages/backoff/src/backoff.ts`. */
  readonly path: string;
  readonly pattern: string;
  /** Whether it is the file people copy, rather than a part of that or another entry beside it. */
  readonly isPattern: boolean;
  /** Whether it stands in a folder of the pattern's name, which has outgrown one file. */
  readonly isPart: boolean;
  readonly source: ts.SourceFile;
}

/** All that a pattern ships: what stands in `src` and is no test. */
export const patternFiles: readonly PatternFile[] = patternNames.flatMap((pattern) =>
  readdirSync(`${root}packages/${pattern}/src`, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => {
      const path = `packages/${pattern}/src/${file}`;
      const source = parse(readFileSync(root + path, 'utf8'));
      return { path, pattern, isPattern: file === `${pattern}.ts`, isPart: file.startsWith(`${pattern}/`), source };
    }),
);

/** A pattern as people copy it. */
export function copiedText({ path }: Pick<PatternFile, 'path'>): string {
  return asOneFile(path, (file) => readFileSync(root + file, 'utf8'));
}

/** Syntax alone: rules about text need no types. */
export function parse(text: string): ts.SourceFile {
  return ts.createSourceFile('pattern.ts', text, ts.ScriptTarget.Latest, true);
}

/** Something with a name at the top level of a file. */
export interface Declaration {
  readonly name: string;
  readonly isExported: boolean;
  readonly node: ts.Statement;
}

export function declarationsOf(source: ts.SourceFile): Declaration[] {
  return source.statements.flatMap((node) => {
    const isExported =
      ts.canHaveModifiers(node) && !!ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    return namesOf(node).map((name) => ({ name: name.getText(), isExported, node }));
  });
}

function namesOf(node: ts.Statement): ts.Node[] {
  if (ts.isVariableStatement(node)) return node.declarationList.declarations.map(({ name }) => name);
  if (ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) return node.name ? [node.name] : [];
  if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return [node.name];
  return [];
}
