import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { patternFiles, root } from './patterns.ts';

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

  it.each(patternFiles.filter(({ isPattern }) => isPattern))('$pattern compiles as it is', ({ path }) => {
    expect(problems.filter((problem) => problem.startsWith(path))).toEqual([]);
  });
});

/** One program serves all patterns, since files that neither import nor declare globals cannot see each other. */
function problemsIn(options: ts.CompilerOptions): string[] {
  const paths = patternFiles.filter(({ isPattern }) => isPattern).map(({ path }) => root + path);
  const program = ts.createProgram(paths, options, {
    ...ts.createCompilerHost(options),
    getCurrentDirectory: () => root,
  });
  const formatHost = {
    getCurrentDirectory: () => root,
    getCanonicalFileName: (name: string) => name,
    getNewLine: () => '\n',
  };
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => ts.formatDiagnostic(diagnostic, formatHost).trim());
}
