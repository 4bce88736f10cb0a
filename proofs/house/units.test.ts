import ts from 'typescript';
import { expect, it } from 'vitest';
import { declarationsOf, parse, patternFiles } from './patterns.ts';

it.each(patternFiles)('$pattern names the unit of each option that has one', ({ source }) => {
  expect(unitless(source)).toEqual([]);
});

it('misses a unit that only the comment tells', () => {
  const options = `export interface RetryOptions {
    /** How long to wait, in milliseconds. */
    wait?: number;
    /** How long to wait at most, in milliseconds. */
    maxWaitMs?: number;
    /** How often. */
    attempts?: number;
  }`;

  expect(unitless(parse(options))).toEqual(['RetryOptions.wait']);
});

/** Options that are numbers, and whose comment speaks of a unit that their name keeps to itself. */
function unitless(source: ts.SourceFile): string[] {
  return declarationsOf(source).flatMap(({ name, node }) => {
    if (!ts.isInterfaceDeclaration(node) || !name.endsWith('Options')) return [];
    return node.members
      .filter(ts.isPropertySignature)
      .filter((option) => option.type?.kind === ts.SyntaxKind.NumberKeyword)
      .filter((option) => /\b(milliseconds?|ms|seconds?|minutes?|hours?|bytes?)\b/i.test(commentOf(option)))
      .map((option) => option.name.getText())
      .filter((option) => !/(Ms|Seconds|Bytes|PerSecond)$/.test(option))
      .map((option) => `${name}.${option}`);
  });
}

function commentOf(node: ts.Node): string {
  return ts
    .getJSDocCommentsAndTags(node)
    .map((doc) => doc.getText())
    .join('\n');
}
