/** Builds the package in the current folder from `src` to `dist`, with the one configuration at the root. */
import { rmSync } from 'node:fs';
import ts from 'typescript';

const folder = process.cwd();
const { config } = ts.readConfigFile(new URL('../tsconfig.base.json', import.meta.url).pathname, ts.sys.readFile);
const { options, fileNames } = ts.parseJsonConfigFileContent(
  {
    compilerOptions: {
      ...config.compilerOptions,
      declaration: true,
      // Inferred schemas, which only the provider has, cannot be declared file by file.
      isolatedDeclarations: folder.includes('/packages/'),
      rootDir: 'src',
      outDir: 'dist',
    },
    include: ['src'],
    exclude: ['src/**/*.test.ts'],
  },
  ts.sys,
  folder,
);

rmSync('dist', { recursive: true, force: true });
const program = ts.createProgram(fileNames, options);
const problems = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
if (problems.length > 0) {
  const host = {
    getCurrentDirectory: () => folder,
    getCanonicalFileName: (name: string) => name,
    getNewLine: () => '\n',
  };
  console.error(ts.formatDiagnosticsWithColorAndContext(problems, host));
  process.exit(1);
}
