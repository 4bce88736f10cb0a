import ts from 'typescript';
import { expect, it } from 'vitest';
import { declarationsOf, parse, patternFiles } from './patterns.ts';

it('keeps all copies of a helper equal to the letter, comments included', () => {
  expect(differences(patternFiles)).toEqual([]);
});

it('sees a helper that differs by a word of its comment', () => {
  const files = [
    { path: 'a.ts', source: parse('/** Waits. */\nfunction sleep() {}\nfunction own() {}') },
    { path: 'b.ts', source: parse('/** Sleeps. */\nfunction sleep() {}') },
  ];

  expect(differences(files)).toEqual(['sleep differs between a.ts and b.ts']);
});

it('lets a private type mean something else in another pattern', () => {
  const files = ['string', 'number'].map((type, index) => ({
    path: `${index}.ts`,
    source: parse(`type State = ${type};\ninterface Entry { state: ${type} }`),
  }));

  expect(differences(files)).toEqual([]);
});

/** What a name stands for must not depend on the file one happens to have open. */
function differences(files: readonly { path: string; source: ts.SourceFile }[]): string[] {
  const originals = new Map<string, { path: string; text: string }>();
  const found: string[] = [];
  for (const { path, source } of files) {
    for (const { name, isExported, node } of declarationsOf(source)) {
      if (!isExported && (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node))) continue;
      const text = source.text.slice(node.getStart(source, true), node.end);
      const original = originals.get(name);
      if (!original) originals.set(name, { path, text });
      else if (original.text !== text) found.push(`${name} differs between ${original.path} and ${path}`);
    }
  }
  return found;
}
