import { marked, Renderer } from 'marked';

/** What a pattern's page takes from its README. */
export interface ReadmeParts {
  /** The first example. */
  readonly example: string;
  /** What is said besides, as HTML: all that the page does not show from the code itself. */
  readonly prose: string;
}

/** Sections that the page makes itself, from the code. */
const MADE = ['Options', 'Copy it'];

/** Takes a README apart for a page. */
export function partsOf(readme: string, repository: string): ReadmeParts {
  const [, example = ''] = /```ts\n(.*?)```/s.exec(readme) ?? [];
  const [intro = '', ...sections] = readme.split(/^## /m);
  const afterExample = intro.slice(intro.indexOf('```', intro.indexOf('```ts') + 3) + 3);
  const rest = sections.filter((section) => !MADE.some((title) => section.startsWith(`${title}\n`)));
  const markdown = [afterExample, ...rest.map((section) => `### ${section.replaceAll(/^#(#+) /gm, '$1# ')}`)].join(
    '\n\n',
  );
  return { example, prose: marked.parse(markdown, { async: false, renderer: rendererOf(repository) }) };
}

/** Links to files of the package lead to the repository; a table scrolls by itself and can be reached by keyboard. */
function rendererOf(repository: string): Renderer {
  const renderer = new Renderer();
  const link = renderer.link;
  const table = renderer.table;
  const code = renderer.code;
  renderer.link = function at({ href, ...rest }) {
    const absolute = /^(?:https?:|#)/.test(href)
      ? href
      : new URL(href, `${repository.replace('/tree/', '/blob/')}/`).href;
    return link.call(this, { ...rest, href: absolute });
  };
  renderer.table = function scrolling(token) {
    return `<div class="scroll" tabindex="0" role="group" aria-label="Table">${table.call(this, token)}</div>`;
  };
  renderer.code = function scrolling(token) {
    return code.call(this, token).replace('<pre>', '<pre tabindex="0">');
  };
  return renderer;
}

/** A changelog as HTML, its headings a level below the page's sections. */
export function changelogOf(changelog: string): string {
  const body = changelog.replace(/^# .*\n/, '').replaceAll(/^## /gm, '### ');
  return marked.parse(body, { async: false });
}
