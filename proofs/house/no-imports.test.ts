import ts from 'typescript';
import { expect, it } from 'vitest';
import { copiedText, parse, patternFiles } from './patterns.ts';

it.each(patternFiles)('$path imports nothing but parts of its pattern', ({ isPattern, isPart, pattern, source }) => {
  const isAllowed = (specifier: string) => {
    if (isPattern) return specifier.startsWith(`./${pattern}/`);
    if (isPart) return specifier.startsWith('./');
    // An entry beside the pattern, such as its sink into a file, may build on the pattern itself and on Node.
    return specifier === `./${pattern}.ts` || /^node:/.test(specifier);
  };

  expect(importsOf(source).filter((specifier) => !isAllowed(specifier))).toEqual([]);
});

it.each(patternFiles.filter(({ isPattern }) => isPattern))(
  '$pattern is copied as one file that imports nothing',
  (file) => {
    expect(importsOf(parse(copiedText(file)))).toEqual([]);
  },
);

it.each([
  ["import { sleep } from './sleep.ts';", './sleep.ts'],
  ["import './sleep.ts';", './sleep.ts'],
  ["import type { Fetch } from './fetch.ts';", './fetch.ts'],
  ["import fs = require('fs');", 'fs'],
  ["export * from './sleep.ts';", './sleep.ts'],
  ["export { sleep } from './sleep.ts';", './sleep.ts'],
  ["const { sleep } = await import('./sleep.ts');", './sleep.ts'],
  ["const fs = require('fs');", 'fs'],
  ["type Stats = import('fs').Stats;", 'fs'],
  ["const fs = process.getBuiltinModule('node:fs');", 'node:fs'],
  ['/// <reference types="node" />', 'node'],
])('sees an import in %s', (text, specifier) => {
  expect(importsOf(parse(text))).toEqual([specifier]);
});

it('takes an ordinary string or call for what it is', () => {
  expect(importsOf(parse("const from = required('import');\nexport { from };"))).toEqual([]);
});

/** The specifier of all that reaches into another module, in whatever form. */
function importsOf(source: ts.SourceFile): string[] {
  const found = [...source.referencedFiles, ...source.typeReferenceDirectives].map(({ fileName }) => fileName);
  visit(source);
  return found;

  function visit(node: ts.Node): void {
    if (ts.isStringLiteralLike(node) && (isSpecifier(node) || node.text.startsWith('node:'))) found.push(node.text);
    ts.forEachChild(node, visit);
  }
}

function isSpecifier(literal: ts.StringLiteralLike): boolean {
  const { parent } = literal;
  if (ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent) || ts.isExternalModuleReference(parent))
    return true;
  if (ts.isLiteralTypeNode(parent)) return ts.isImportTypeNode(parent.parent);
  if (!ts.isCallExpression(parent)) return false;
  return parent.expression.kind === ts.SyntaxKind.ImportKeyword || parent.expression.getText() === 'require';
}
