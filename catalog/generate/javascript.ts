import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { blankSourceFile } from 'ts-blank-space';
import ts from 'typescript';
import { REPOSITORY } from './front-matter.ts';

/**
 * Takes the types off source files, leaves their comments and blank lines as they are, and lays out the rest anew.
 *
 * @param sources - By their names, which messages use too.
 * @throws `Error` with one line, `file: what is wrong`, for each piece of syntax that is more than a type, such as an enum.
 */
export function toJavaScript(sources: ReadonlyMap<string, string>): Map<string, string> {
  const problems: string[] = [];
  const blanked = [...sources].map(([file, source]) => {
    const parsed = ts.createSourceFile(file, withoutTypeStatements(source), ts.ScriptTarget.Latest, true);
    const text = blankSourceFile(parsed, (node) =>
      problems.push(`${file}: ${node.getText()}: expected only types that can be taken off`),
    );
    // What stands beside it is JavaScript as well.
    return text.replaceAll(/(?<=^(?:import|export) [^;]*from '\.\/[\w-]+)\.ts(?=';$)/gm, '.js');
  });
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const unknown = [...new Set(blanked)].filter((text) => !formatted.has(text));
  for (const [index, text] of format(unknown).entries()) formatted.set(unknown[index]!, text);
  return new Map([...sources.keys()].map((file, index) => [file, formatted.get(blanked[index]!)!]));
}

/** What was laid out before, by what it was: whoever generates twice waits once. */
const formatted = new Map<string, string>();

/** Drops statements that are nothing but types, and what is said of them. */
function withoutTypeStatements(source: string): string {
  const { statements } = ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest, true);
  return statements
    .filter(isTypeOnly)
    .toReversed()
    .reduce((text, { pos, end }) => text.slice(0, pos) + text.slice(end), source)
    .replace(/^\n+/, '');
}

function isTypeOnly(node: ts.Statement): boolean {
  return (
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    (ts.isImportDeclaration(node) && node.importClause?.isTypeOnly === true) ||
    (ts.isFunctionDeclaration(node) && node.body === undefined)
  );
}

/** Lays out files as this repository lays out its own; one process for all of them. */
function format(texts: readonly string[]): string[] {
  if (texts.length === 0) return [];
  const folder = mkdtempSync(join(tmpdir(), 'javascript-'));
  try {
    const { formatter, javascript } = JSON.parse(readFileSync(new URL('biome.json', REPOSITORY), 'utf8'));
    writeFileSync(join(folder, 'biome.json'), JSON.stringify({ root: true, formatter, javascript }));
    const files = texts.map((text, index) => {
      const file = join(folder, `${index}.js`);
      writeFileSync(file, text);
      return file;
    });
    const biome = fileURLToPath(new URL('node_modules/@biomejs/biome/bin/biome', REPOSITORY));
    execFileSync(process.execPath, [biome, 'format', '--write', '.'], { cwd: folder, stdio: 'pipe' });
    return files.map((file) => readFileSync(file, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
