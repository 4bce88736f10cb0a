import { format } from 'prettier';
import { blankSourceFile } from 'ts-blank-space';
import ts from 'typescript';

/**
 * Takes the types off a pattern, and leaves its comments and its blank lines as they are.
 *
 * @param file - How messages call it.
 * @throws `Error`, `file: line: what is wrong`, for syntax that cannot be taken off, such as an enum.
 */
export async function toJavaScript(file: string, source: string): Promise<string> {
  const problems: string[] = [];
  const text = withoutTypeStatements(source);
  const blanked = blankSourceFile(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true), (node) =>
    problems.push(`${file}: ${node.getText()}: expected only types that can be taken off`),
  );
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return format(blanked, { parser: 'babel', printWidth: 120, singleQuote: true });
}

/** Drops statements that are nothing but types, and what is said of them. */
function withoutTypeStatements(source: string): string {
  const { statements } = ts.createSourceFile('pattern.ts', source, ts.ScriptTarget.Latest, true);
  return statements
    .filter(isTypeOnly)
    .toReversed()
    .reduce((text, { pos, end }) => text.slice(0, pos) + text.slice(end), source);
}

function isTypeOnly(node: ts.Statement): boolean {
  return (
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    (ts.isFunctionDeclaration(node) && node.body === undefined)
  );
}
