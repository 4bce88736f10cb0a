import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'astro';
import { generate } from '../generate/generate.ts';
import { relativeLinks } from './from-any-base.ts';
import { stage } from './stage.ts';

/** Makes the whole site in `catalog/dist`. */
const run = promisify(execFile);
/** A process of its own, since the plays replace the clock of this one meanwhile. */
const API = fileURLToPath(new URL('api.ts', import.meta.url));

process.env.ASTRO_TELEMETRY_DISABLED = '1';
await Promise.all([stage(), run(process.execPath, ['--disable-warning=ExperimentalWarning', API])]);
await build({ root: new URL('.', import.meta.url).pathname, logLevel: 'warn' });
const dist = new URL('../dist/', import.meta.url);
relativeLinks(dist);
generate(fileURLToPath(dist));
