import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generate } from '../../catalog/generate/generate.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');

/** A registry as the site serves it, on this machine. */
export interface Site {
  /** Ends in a slash. */
  readonly registryUrl: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Makes the registry and serves it. */
export async function openSite(): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'site-'));
  generate(folder);
  const server = createServer(({ url = '' }, response) => {
    try {
      response.end(readFileSync(join(folder, decodeURIComponent(url))));
    } catch {
      response.writeHead(404).end();
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    registryUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/r/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      rmSync(folder, { recursive: true });
    },
  };
}

/** A folder with nothing in it, gone when it is disposed of. */
export interface Project {
  readonly folder: string;
  /** Writes a file. */
  write(file: string, content: string): void;
  /** Runs a file by Node, its input closed, and gives what it prints. */
  run(file: string, ...args: readonly string[]): Promise<string>;
  [Symbol.dispose](): void;
}

/** Makes a project of nothing. */
export function emptyProject(): Project {
  const folder = mkdtempSync(join(tmpdir(), 'project-'));
  return {
    folder,
    write: (file, content) => writeFileSync(join(folder, file), content),
    run: (file, ...args) => node(folder, join(folder, file), ...args),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

/** `npx shadcn@latest add <url>`, of the version we depend on, its input closed. */
export async function shadcnAdd({ folder }: Project, { registryUrl }: Site, items: readonly string[]): Promise<void> {
  const bin = join(ROOT, 'catalog/node_modules/shadcn/dist/index.js');
  await node(folder, bin, 'add', ...items.map((item) => `${registryUrl}${item}.json`));
}

/** `npx steadfetch add <pattern...>`, by its source and the registry of a site. */
export async function steadfetchAdd(
  { folder }: Project,
  { registryUrl }: Site,
  args: readonly string[],
): Promise<void> {
  await node(folder, join(ROOT, 'cli/src/bin.ts'), 'add', ...args, '--registry', registryUrl);
}

/**
 * `npm i` of packages as they would be published, built from this source, and of what they depend on.
 *
 * @param folders - Where they stand in this repository.
 */
export async function npmInstall({ folder }: Project, folders: readonly string[]): Promise<void> {
  const packages = folders.flatMap((name) => ['--filter', `./${name}`]);
  await run('npx', ['-y', 'pnpm@12', ...packages, 'run', 'build'], { cwd: ROOT });
  await run('npx', ['-y', 'pnpm@12', ...packages, 'pack', '--pack-destination', folder], { cwd: ROOT });
  const packed = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
  await run('npm', ['install', '--no-audit', '--no-fund', ...packed.map((file) => `./${file}`)], { cwd: folder });
}

/** A file as it is in a project, without the line that says where it comes from. */
export function copied({ folder }: Project, file: string): { readonly origin: string; readonly code: string } {
  const [origin = '', ...lines] = readFileSync(join(folder, file), 'utf8').split('\n');
  return { origin, code: lines.join('\n') };
}

/** Checks files of a project, and all they import, as strictly as it gets; in a browser's world, or in Node's. */
export async function typeCheck(
  { folder }: Project,
  files: readonly string[],
  world: 'browser' | 'node',
): Promise<void> {
  const types = world === 'node' ? ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')] : [];
  await node(folder, join(ROOT, 'node_modules/typescript/bin/tsc'), ...STRICT, ...types, ...files).catch((error) => {
    throw new Error(`does not type-check:\n${error.stdout}`);
  });
}

const STRICT = [
  ...['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--noImplicitOverride'],
  ...['--noUnusedLocals', '--noUnusedParameters', '--erasableSyntaxOnly', '--verbatimModuleSyntax'],
  ...['--allowImportingTsExtensions', '--module', 'esnext', '--moduleResolution', 'bundler'],
  ...['--target', 'es2024', '--lib', 'es2024,dom'],
];

async function node(folder: string, ...args: string[]): Promise<string> {
  const running = run(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], { cwd: folder });
  running.child.stdin?.end();
  return (await running).stdout;
}
