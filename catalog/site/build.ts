import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'astro';
import { generate } from '../generate/generate.ts';
import { relativeLinks } from './from-any-base.ts';
import { stage } from './stage.ts';

const run = promisify(execFile);
/** A process of its own, since the plays replace the clock of this one meanwhile. */
const API = fileURLToPath(new URL('api.ts', import.meta.url));

// Makes the whole site, in catalog/dist.
process.env.ASTRO_TELEMETRY_DISABLED = '1';
await Promise.all([stage(), run(process.execPath, ['--disable-warning=ExperimentalWarning', API])]);
// What was rendered before is not reused: Astro does not see every change of how it is rendered.
await build({ root: fileURLToPath(new URL('.', import.meta.url)), logLevel: 'warn', force: true });
const dist = new URL('../dist/', import.meta.url);
relativeLinks(dist);
generate(fileURLToPath(dist));
