import { readFileSync } from 'node:fs';
import ts from 'typescript';
import type { Side } from '../playground/play.ts';

const PLAYGROUND = new URL('../playground/', import.meta.url);

/** The code of a play's two clients, as it stands in the play; the naive one of several plays stands apart. */
export function clientsOf(pattern: string): Record<Side, string> {
  const play = functionsIn(`plays/${pattern}.ts`);
  const shared = functionsIn('naive.ts');
  const called = [...shared.keys()].find((name) => play.text.includes(`${name}(`)) ?? '';
  return {
    naive: play.get('naive') ?? shared.get(called) ?? '// Nothing but fetch.',
    steady: play.get('steady') ?? '',
  };
}

/** The functions of a file by their names, without `export`. */
function functionsIn(file: string): Map<string, string> & { readonly text: string } {
  const text = readFileSync(new URL(file, PLAYGROUND), 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const functions = source.statements.filter(ts.isFunctionDeclaration);
  const named = functions.map((each): [string, string] => [each.name!.text, each.getText().replace(/^export /, '')]);
  return Object.assign(new Map(named), { text });
}
