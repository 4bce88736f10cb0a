import { execFile } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { build } from 'astro';
import { REPOSITORY } from '../generate/front-matter.ts';
import { generate } from '../generate/generate.ts';
import { relativeLinks } from './from-any-base.ts';
import { stage } from './stage.ts';

const run = promisify(execFile);
/** A process of its own, since the plays replace the clock of this one meanwhile. */
const API = fileURLToPath(new URL('api.ts', import.meta.url));

// Makes the whole site, in catalog/dist and of this repository, unless it is told otherwise.
const { values } = parseArgs({ options: { root: { type: 'string' }, out: { type: 'string' } } });
const root = values.root === undefined ? REPOSITORY : pathToFileURL(`${values.root}/`);
const dist = values.out === undefined ? new URL('../dist/', import.meta.url) : pathToFileURL(`${values.out}/`);
process.env.ASTRO_TELEMETRY_DISABLED = '1';
await Promise.all([stage(root), run(process.execPath, ['--disable-warning=ExperimentalWarning', API])]);
await build({
  root: fileURLToPath(new URL('.', import.meta.url)),
  outDir: fileURLToPath(dist),
  logLevel: 'warn',
  // What was rendered before is not reused: Astro does not see every change of how it is rendered.
  force: true,
});
relativeLinks(dist);
generate(fileURLToPath(dist), { root });
