import { fileURLToPath } from 'node:url';

/** What the provider brings along that a playground never reaches: schemas, the admin pages, other platforms' words. */
const LEFT_OUT: readonly { readonly source: RegExp; readonly code: string }[] = [
  { source: /\/admin\/admin\.ts$/, code: 'export const createAdmin = () => ({});' },
  { source: /\/profiles\/index\.ts$/, code: 'export const profiles = { default: { config: {} } };' },
  {
    source: /\/dialects\/index\.ts$/,
    code: "import { neutral } from './neutral.ts'; export const dialects = { neutral };",
  },
];

/** What the fake timers look for in Node. */
const NOTHING = '\0nothing';

/** A plugin for Vite and Rolldown that makes the provider small enough for a page. */
export function lean(): {
  name: string;
  enforce: 'pre';
  resolveId(source: string): string | undefined;
  load(id: string): string | undefined;
} {
  const checked = fileURLToPath(new URL('checked.ts', import.meta.url));
  return {
    name: 'lean-provider',
    enforce: 'pre',
    resolveId: (source) =>
      source === 'zod' ? checked : source === 'util' || source === 'timers' ? NOTHING : undefined,
    load: (id) =>
      id === NOTHING
        ? ''
        : id.includes('/fake-provider/')
          ? LEFT_OUT.find(({ source }) => source.test(id))?.code
          : undefined,
  };
}
