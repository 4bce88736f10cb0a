import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Application, Converter, ReflectionKind, TSConfigReader } from 'typedoc';

const ROOT = new URL('../../', import.meta.url);
const OUT = new URL('src/content/docs/api/', import.meta.url);

/**
 * Writes a page of Markdown for each entry point of a package, as the repository's own TypeDoc settings have it.
 *
 * @throws `Error` if TypeDoc has anything to say, which is on standard error by then.
 */
export async function writeApi(): Promise<void> {
  const { out: _, $schema: __, ...settings } = JSON.parse(readFileSync(new URL('typedoc.json', ROOT), 'utf8'));
  const at = (path: string): string => fileURLToPath(new URL(path, ROOT));
  const app = await Application.bootstrapWithPlugins(
    {
      ...settings,
      ...SHAPE,
      entryPoints: settings.entryPoints.map(at),
      tsconfig: at(settings.tsconfig),
      basePath: at(settings.basePath),
      displayBasePath: at(settings.displayBasePath),
      plugin: [fileURLToPath(import.meta.resolve('typedoc-plugin-markdown'))],
      logLevel: 'Warn',
      outputs: [{ name: 'markdown', path: fileURLToPath(OUT) }],
    },
    [new TSConfigReader()],
  );
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getReflectionsByKind(ReflectionKind.Module)) module.name = nameOf(module.name);
  });

  const project = await app.convert();
  if (project === undefined) throw new Error('TypeDoc found errors');
  app.validate(project);
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('TypeDoc has warnings');

  rmSync(OUT, { recursive: true, force: true });
  mkdirSync(OUT, { recursive: true });
  await app.generateOutputs(project);
  for (const page of readdirSync(OUT, { recursive: true, encoding: 'utf8' })) if (page.endsWith('.md')) polish(page);
}

/** How the plugin lays out its pages. */
const SHAPE = {
  router: 'module',
  entryFileName: 'index',
  hidePageHeader: true,
  hidePageTitle: true,
  hideBreadcrumbs: true,
  hideGroupHeadings: false,
  useCodeBlocks: false,
  expandObjects: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  classPropertiesFormat: 'table',
  typeDeclarationFormat: 'table',
  tableColumnSettings: { hideModifiers: true, hideSources: true },
  mergeReadme: false,
  cleanOutputDir: false,
};

/** `backoff/src/backoff` is `backoff`; `token-bucket/src/redis` is `token-bucket/redis`. */
function nameOf(module: string): string {
  const [, name, entry] = /([\w-]+)\/src\/([\w-]+)$/.exec(module) ?? [];
  return name === undefined ? module : name === entry ? name : `${name}/${entry}`;
}

/** Gives a page the title that Starlight wants, links that lead to pages and not to files, and tables that can scroll. */
function polish(page: string): void {
  const file = new URL(page, OUT);
  const name = page.replace(/\.md$/, '');
  const title = name === 'index' ? 'API' : name;
  const description = name === 'index' ? 'What every package exports.' : `What ${name} exports.`;
  const depth = name === 'index' ? '' : '../';
  const text = readFileSync(file, 'utf8')
    .replaceAll(/\]\(((?!https?:)[^)#]+)\.md(#[^)]*)?\)/g, (_all, to, hash = '') => {
      return `](${depth}${to === 'index' ? '' : `${to}/`}${hash})`;
    })
    .replaceAll(/(?:^\|.*\n)+/gm, (table) => `${SCROLLING}\n\n${table}\n</div>\n`);
  writeFileSync(file, `---\n${JSON.stringify({ title, description })}\n---\n\n${text}`);
}

/** What is too wide for the page can be scrolled by keyboard too. */
const SCROLLING = '<div class="scroll" tabindex="0" role="group" aria-label="Table">';

if (import.meta.main) await writeApi();
