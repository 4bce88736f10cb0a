import ts from 'typescript';
import { expect, it } from 'vitest';
import { copiedText, declarationsOf, parse, patternFiles } from './patterns.ts';

it.each(patternFiles.filter(({ isPart }) => !isPart))('$path documents all it exports', (file) => {
  expect(undocumented(file.isPattern ? parse(copiedText(file)) : file.source)).toEqual([]);
});

it.each([
  ['a function', 'export function wait() {}', ['wait']],
  ['a type', 'export type Wait = number;', ['Wait']],
  ['a constant', 'export const a = 1, b = 2;', ['a', 'b']],
  [
    'an interface and its properties',
    'export interface Options { a: number; b(): void }',
    ['Options', 'Options.a', 'Options.b'],
  ],
  ['an error and its fields', 'export class Late extends Error { afterMs = 1 }', ['Late', 'Late.afterMs']],
  ['an export apart from its declaration', '/** Waits. */ function wait() {}\nexport { wait };', ['export { wait };']],
  ['an empty comment', '/** */ export function wait() {}', ['wait']],
  ['a comment that is none', '// Waits.\nexport function wait() {}', ['wait']],
])('misses the comment on %s', (_what, text, names) => {
  expect(undocumented(parse(text))).toEqual(names);
});

it('asks for no comment on what stays inside', () => {
  const inside = 'function wait() {}\ninterface State { a: number }\n';
  const privateField =
    '/** Late. */ export class Late extends Error { override name = "Late"; #at = 1; private by = 1 }';

  expect(undocumented(parse(inside + privateField))).toEqual([]);
});

/** The exported names, and the members of exported interfaces and classes, that have no doc comment where they stand. */
function undocumented(source: ts.SourceFile): string[] {
  const apart = source.statements.filter((node) => ts.isExportDeclaration(node) || ts.isExportAssignment(node));
  const inPlace = declarationsOf(source)
    .filter(({ isExported }) => isExported)
    .flatMap(({ name, node }) => {
      const members = publicMembers(node).filter((member) => !isDocumented(member));
      return [...(isDocumented(node) ? [] : [name]), ...members.map((member) => `${name}.${member.name?.getText()}`)];
    });
  return [...apart.map((node) => node.getText()), ...inPlace];
}

/** Not an overriding one: its comment is the base's. */
function publicMembers(node: ts.Node): (ts.TypeElement | ts.ClassElement)[] {
  if (ts.isInterfaceDeclaration(node)) return [...node.members];
  if (!ts.isClassDeclaration(node)) return [];
  return node.members.filter((member) => {
    const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Override;
    const isHidden =
      (ts.getCombinedModifierFlags(member) & hidden) !== 0 || (member.name && ts.isPrivateIdentifier(member.name));
    return !isHidden && !ts.isConstructorDeclaration(member);
  });
}

function isDocumented(node: ts.Node): boolean {
  return ts.getJSDocCommentsAndTags(node).some((doc) => ts.isJSDoc(doc) && !!ts.getTextOfJSDocComment(doc.comment));
}
