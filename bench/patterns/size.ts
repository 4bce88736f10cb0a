/** What each pattern adds to a bundle: minified by esbuild, then gzipped. */
import { globSync } from 'node:fs';
import { sep } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { report, table, verdict } from './report.ts';

const MOST_PATTERN_BYTES = 2_000;
const MOST_STACK_BYTES = 8_000;
const ROOT = `${import.meta.dirname}/../..`;
/** What a browser could load, each with all it exports. */
const PEERS = ['ky', 'cockatiel', 'axios', 'axios-retry', 'bottleneck', 'p-queue', 'p-retry', 'p-throttle'];

interface Size {
  readonly name: string;
  readonly minifiedBytes: number;
  readonly gzippedBytes: number;
}

const stack = await sizeOf('recommended stack', `export * from '${ROOT}/examples/resilient-client.ts'`);
/** By how it is imported: `token-bucket`, and `token-bucket/redis` beside it. */
const patterns = await Promise.all(
  globSync('*/src/*.ts', { cwd: `${ROOT}/packages`, exclude: ['**/*.test.ts'] }).map((path) => {
    const [name = '', , file = ''] = path.split(sep);
    const entry = file === `${name}.ts` ? name : `${name}/${file.replace('.ts', '')}`;
    return sizeOf(entry, `export * from '${ROOT}/packages/${path}'`);
  }),
);
const peers = await Promise.all(
  PEERS.map((name) => sizeOf(name, `export * from '${name}'; export { default } from '${name}'`)),
);
const heavy = patterns.filter(({ gzippedBytes }) => gzippedBytes > MOST_PATTERN_BYTES).sort(bySize);
const ky = peers.find(({ name }) => name === 'ky')!;

report({
  title: 'Size',
  method: `
Each pattern with all it exports, and the recommended stack (\`examples/resilient-client.ts\`, bundled), as an ES module
minified by esbuild and gzipped at level 9. Kilobytes are 1,000 bytes. Peers are bundled with all they export.`,
  findings: [
    table(['Ours', 'minified kB', 'gzipped kB'], [stack, ...patterns.sort(bySize)].map(row)),
    table(['Peer', 'minified kB', 'gzipped kB'], peers.sort(bySize).map(row)),
    [
      verdict(
        'each pattern at most 2 kB gzipped',
        heavy.length === 0,
        heavy.length === 0
          ? ''
          : `Larger are ${heavy.map(({ name, gzippedBytes }) => `${name} (${kilo(gzippedBytes)})`).join(', ')}.`,
      ),
      verdict(
        'the whole stack at most 8 kB gzipped',
        stack.gzippedBytes <= MOST_STACK_BYTES,
        `It has ${kilo(stack.gzippedBytes)}.`,
      ),
      verdict(
        'the whole stack smaller than ky',
        stack.gzippedBytes < ky.gzippedBytes,
        `ky has ${kilo(ky.gzippedBytes)}.`,
      ),
    ].join('\n'),
  ],
  peers: ['esbuild', ...PEERS],
});

async function sizeOf(name: string, contents: string): Promise<Size> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    external: ['node:*'],
    target: 'es2024',
    write: false,
  });
  const code = outputFiles[0]!.contents;
  return { name, minifiedBytes: code.length, gzippedBytes: gzipSync(code, { level: 9 }).length };
}

function bySize(one: Size, other: Size): number {
  return one.gzippedBytes - other.gzippedBytes;
}

function row({ name, minifiedBytes, gzippedBytes }: Size): string[] {
  return [name, kilo(minifiedBytes), kilo(gzippedBytes)];
}

function kilo(bytes: number): string {
  return (bytes / 1_000).toFixed(2);
}
