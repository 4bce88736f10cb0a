import { existsSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { patternNames, root } from './patterns.ts';

const readmes = ['README.md', 'fake-provider/README.md', ...patternNames.map((name) => `packages/${name}/README.md`)];
const examples = new Map(readmes.flatMap(examplesIn));
const wrong = ['proofs/wrong.ts', "import { timeout } from '@steadfetch/timeout';\ntimeout({ after: 3 });"] as const;
const problemsOf = compile(new Map([...examples, wrong]));

it.each([...examples.keys()])('%s compiles', (path) => {
  expect(problemsOf(path)).toEqual([]);
});

it('sees an example that does not compile', () => {
  expect(problemsOf(wrong[0])).toEqual([expect.stringMatching(/wrong\.ts\(2,11\): .*'after'/)]);
});

/** The code blocks that import something, as files below `proofs`, which depends on every package. */
function examplesIn(readme: string): [string, string][] {
  if (!existsSync(root + readme)) return [];
  const blocks = readFileSync(root + readme, 'utf8').matchAll(/^```ts\n(.*?)^```/gms);
  return [...blocks]
    .map(([, code = '']) => code)
    .filter((code) => code.includes("from '@steadfetch/"))
    .map((code, index) => [`proofs/${readme} ${index + 1}.ts`, code]);
}

/** One program serves all examples, and tells the problems of one. */
function compile(files: ReadonlyMap<string, string>): (path: string) => string[] {
  const { config } = ts.readConfigFile(`${root}tsconfig.base.json`, ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(
    { ...config.compilerOptions, noEmit: true, allowImportingTsExtensions: true },
    root,
  );
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    getCurrentDirectory: () => root,
    fileExists: (path) => files.has(path.slice(root.length)) || disk.fileExists(path),
    readFile: (path) => files.get(path.slice(root.length)) ?? disk.readFile(path),
    getSourceFile: (path, version, ...rest) => {
      const text = files.get(path.slice(root.length));
      return text === undefined ? disk.getSourceFile(path, version, ...rest) : ts.createSourceFile(path, text, version);
    },
  };
  const program = ts.createProgram(
    [...files.keys()].map((name) => root + name),
    options,
    host,
  );
  return (path) => {
    const file = program.getSourceFile(root + path);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map((diagnostic) =>
      ts.formatDiagnostic(diagnostic, { ...host, getNewLine: () => '\n' }).trim(),
    );
  };
}
