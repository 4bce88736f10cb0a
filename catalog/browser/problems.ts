import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';

/** What axe finds: by WCAG 2.2 AA and by best practice, or by some rules alone. */
export async function violations(page: Page, rules?: string[]): Promise<string[]> {
  const axe = new AxeBuilder({ page }).setLegacyMode();
  if (rules === undefined) axe.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']);
  else axe.withRules(rules);
  const found = await axe.analyze();
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

/** What is missing on a page that was loaded without scripts, wide or narrow. */
export async function problemsWithoutScript(page: Page): Promise<string[]> {
  const menu = page.getByRole('button', { name: 'Menu' });
  const isNarrow = await menu.isVisible();
  if (isNarrow) await menu.click();
  const shown = await page.locator('nav.sidebar').getByRole('link', { name: 'All patterns' }).isVisible();
  const hasNavigation = (await page.locator('nav.sidebar').count()) === 0 || shown;
  if (isNarrow) await menu.click();
  return [...(hasNavigation ? [] : ['the navigation is not there']), ...(await page.evaluate(missingWithoutScript))];
}

/** What is cut off, covered or of no use on a page in print. */
export async function problemsInPrint(page: Page): Promise<string[]> {
  return page.evaluate(missingInPrint);
}

/** Runs in the page, so it names nothing outside itself. */
function missingWithoutScript(): string[] {
  const problems: string[] = [];
  const isVisible = (element: Element) =>
    element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && element.getClientRects().length > 0;
  const html = (element: Element) => element.outerHTML.slice(0, 120);
  const main = document.querySelector('main')!;

  const title = main.querySelector('h1');
  if (title === null || !isVisible(title) || !document.title.startsWith(title.textContent.trim()))
    problems.push('no title');
  if (![...main.querySelectorAll('p, li, td')].some(isVisible)) problems.push('no content');

  // What can be opened or chosen without a script may be closed.
  const isClosed = (element: Element) => element.closest('details:not([open]), .tab-panels > *') !== null;
  for (const code of main.querySelectorAll('pre')) {
    if (!isVisible(code) && !isClosed(code)) problems.push(`hidden: ${html(code)}`);
  }

  // Radio buttons and check boxes are read by the styles; the browser itself submits, resets, and opens.
  const worksAlone =
    'input:is([type=radio], [type=checkbox]), button:is([type=reset], [popovertarget]), form[action] *';
  const saysSo = [...main.querySelectorAll('noscript')].some((each) => each.textContent.includes('JavaScript'));
  for (const control of document.querySelectorAll(
    'button, select, textarea, input, [role=button], [contenteditable]',
  )) {
    if (!isVisible(control) || isClosed(control)) continue;
    if (control.matches(':disabled') ? saysSo : control.matches(worksAlone)) continue;
    problems.push(`does nothing: ${html(control)}`);
  }
  return problems;
}

/** Runs in the page, so it names nothing outside itself. */
function missingInPrint(): string[] {
  const problems: string[] = [];
  const html = (element: Element) => element.outerHTML.slice(0, 120);
  const main = document.querySelector('main')!;
  const isVisible = (element: Element) =>
    element.checkVisibility({ visibilityProperty: true, opacityProperty: true, contentVisibilityAuto: true });
  // The other tabs of a group are another way to say what the chosen one says.
  const unchosen = [...main.querySelectorAll('.tab-panels')].flatMap((panels) => {
    const all = [...panels.children];
    if (!all.some(isVisible)) problems.push(`no tab is shown: ${html(panels)}`);
    return all.filter((panel) => !isVisible(panel));
  });

  for (const control of document.querySelectorAll('button, select, input, nav, [role=navigation], .button')) {
    if (isVisible(control) && control.getClientRects().length > 0) problems.push(`of no use: ${html(control)}`);
  }

  const words = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
  const inks = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
  for (let node = words.nextNode(); node; node = words.nextNode()) {
    const owner = node.parentElement!;
    const isMeant = node.textContent!.trim() !== '' && !unchosen.some((panel) => panel.contains(owner));
    if (!isMeant || owner.closest('script, style, noscript, template, button, .button, form, label, .sr-only, nav'))
      continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    if (!isVisible(owner) || range.getClientRects().length === 0) problems.push(`hidden: ${html(owner)}`);
    else if (range.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
      problems.push(`runs off the paper: ${html(owner)}`);
    // Paper is white, whatever the screen was.
    inks.fillStyle = '#fff';
    inks.fillRect(0, 0, 1, 1);
    inks.fillStyle = getComputedStyle(owner).color;
    inks.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0] = inks.getImageData(0, 0, 1, 1).data;
    if (red * 0.299 + green * 0.587 + blue * 0.114 > 160) problems.push(`too light: ${html(owner)}`);
  }

  for (const element of document.body.querySelectorAll<HTMLElement>('*')) {
    if (!isVisible(element) || element.closest('.sr-only, svg, [aria-hidden=true]')) continue;
    const { position, overflowX, overflowY } = getComputedStyle(element);
    if (position === 'fixed' || position === 'sticky') problems.push(`in the way: ${html(element)}`);
    const { scrollWidth, clientWidth, scrollHeight, clientHeight } = element;
    if (overflowX !== 'visible' && scrollWidth > clientWidth + 1) problems.push(`cut at its right: ${html(element)}`);
    if (overflowY !== 'visible' && scrollHeight > clientHeight + 1) problems.push(`cut below: ${html(element)}`);
  }
  return [...new Set(problems)];
}
