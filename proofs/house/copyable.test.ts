import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { copiedText, patternFiles, root } from './patterns.ts';

const patterns = patternFiles.filter(({ isPattern }) => isPattern);

/** As strict as a project gets; a copied file must not ask its new home for less. */
const strict: ts.CompilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noFallthroughCasesInSwitch: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noPropertyAccessFromIndexSignature: true,
  noUncheckedIndexedAccess: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  erasableSyntaxOnly: true,
  isolatedDeclarations: true,
  isolatedModules: true,
  verbatimModuleSyntax: true,
  declaration: true,
  noEmit: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
};

describe.each([
  ['a browser', { lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'], types: [] }],
  ['Node', { lib: ['lib.es2022.d.ts'], types: ['node'] }],
])('pasted into %s', (_where, options) => {
  const problems = problemsIn({ ...strict, ...options });

  it.each(patterns)('$pattern compiles as it is', ({ path }) => {
    expect(problems.filter((problem) => problem.startsWith(path))).toEqual([]);
  });
});

/** One program serves all patterns, since files that neither import nor declare globals cannot see each other. */
function problemsIn(options: ts.CompilerOptions): string[] {
  const copies = new Map(patterns.map(({ path }) => [root + path, copiedText({ path })]));
  const host = ts.createCompilerHost(options);
  const program = ts.createProgram([...copies.keys()], options, {
    ...host,
    getCurrentDirectory: () => root,
    getSourceFile: (file, language, ...more) => {
      const text = copies.get(file);
      return text === undefined
        ? host.getSourceFile(file, language, ...more)
        : ts.createSourceFile(file, text, language);
    },
  });
  const formatHost = {
    getCurrentDirectory: () => root,
    getCanonicalFileName: (name: string) => name,
    getNewLine: () => '\n',
  };
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => ts.formatDiagnostic(diagnostic, formatHost).trim());
}
