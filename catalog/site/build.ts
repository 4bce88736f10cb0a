import { fileURLToPath } from 'node:url';
import { build } from 'astro';
import { generate } from '../generate/generate.ts';
import { writeApi } from './api.ts';
import { relativeLinks } from './from-any-base.ts';
import { stage } from './stage.ts';

/** Makes the whole site in `catalog/dist`. */
process.env.ASTRO_TELEMETRY_DISABLED = '1';
await stage();
await writeApi();
await build({ root: new URL('.', import.meta.url).pathname, logLevel: 'warn' });
const dist = new URL('../dist/', import.meta.url);
relativeLinks(dist);
generate(fileURLToPath(dist));
