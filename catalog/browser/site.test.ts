import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { type Browser, type BrowserContextOptions, chromium as browsers, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findChromium } from '../../scripts/chromium.ts';
import { type RunningSite, serveSite } from '../site/serve.ts';
import { buildChanged } from './changed-site.ts';
import { deadLinks } from './links.ts';
import { problemsInPrint, problemsWithoutScript, violations } from './problems.ts';

const chromium = findChromium('nobody looks at the site');
const ROOT = new URL('../../', import.meta.url);
const DIST = new URL('../dist/', import.meta.url);

/** A4 without its margins, at 96 dots an inch. */
const PAPER = { width: 718, height: 1_047 };

describe.skipIf(chromium.isSkipped)('the site', { timeout: 120_000 }, () => {
  let site: RunningSite;
  let browser: Browser;

  beforeAll(async () => {
    await build();
    // Not at the root of its server, as on GitHub Pages.
    site = await serveSite({ base: '/any/base/' });
    browser = await browsers.launch(chromium.options());
  }, 300_000);
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  it.each(pagesToLookAt('', 'patterns/timeout/', 'playground/token-bucket/', 'api/timeout/'))(
    'is accessible in light and dark, whole at 320 pixels, and whole on paper: /%s',
    async (path) => {
      const { page, elsewhere, complaints } = await open(path, { reducedMotion: 'reduce' });
      await settled(page);

      expect(await violations(page)).toEqual([]);
      await page.emulateMedia({ colorScheme: 'dark' });
      // Nothing but colours changes.
      expect(await violations(page, ['color-contrast'])).toEqual([]);
      await page.setViewportSize({ width: 320, height: 800 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
      await page.setViewportSize(PAPER);
      await page.emulateMedia({ media: 'print' });
      expect(await problemsInPrint(page)).toEqual([]);
      await print(page, path);
      expect({ elsewhere, complaints }).toEqual({ elsewhere: [], complaints: [] });
    },
  );

  // The index, the comparison and a pattern are read so below.
  it.each(pagesToLookAt('playground/token-bucket/'))(
    'can be read, and leads on, without a script, wide and narrow: /%s',
    async (path) => {
      const { page, complaints } = await open(path, { javaScriptEnabled: false });

      expect(await problemsWithoutScript(page)).toEqual([]);
      await page.setViewportSize({ width: 320, height: 800 });
      expect(await problemsWithoutScript(page)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
      expect(complaints).toEqual([]);
    },
  );

  it('copies exactly the bytes of the source, in either language', async () => {
    const { page } = await open('patterns/timeout/', { permissions: ['clipboard-read', 'clipboard-write'] });
    const copied = async (name: string) => {
      await page.getByRole('button', { name: `Copy ${name}`, exact: true }).click();
      return page.evaluate(() => navigator.clipboard.readText());
    };
    const { patterns } = JSON.parse(readFileSync(new URL('catalog.json', DIST), 'utf8'));
    const { javascript } = patterns.find(({ name }: { name: string }) => name === 'timeout');

    expect(await copied('timeout.ts')).toBe(readFileSync(new URL('packages/timeout/src/timeout.ts', ROOT), 'utf8'));
    await page.getByText('JavaScript', { exact: true }).click();
    expect(await copied('timeout.js')).toBe(javascript);
  });

  it('finds a pattern by a word of its page', async () => {
    const { page, complaints } = await open('');
    const input = page.locator('#starlight__search input');
    await input.waitFor({ state: 'attached' });
    await page.keyboard.press('Control+k');
    await input.fill('half-open');

    const found = page.getByRole('dialog').getByRole('link', { name: 'Circuit breaker', exact: true }).first();
    await found.click();
    await page.waitForURL(`${site.url}patterns/circuit-breaker/**`);
    expect(complaints).toEqual([]);
  });

  it('keeps the facets in the address, and reads them from it', async () => {
    const { page } = await open('?category=pagination#patterns');
    const shown = page.locator('[data-cards] > .card:visible h3');

    const all = ['Cursor pagination', 'Keyset pagination', 'Link pagination', 'Offset pagination'];
    expect(await shown.allTextContents()).toEqual(all);
    await page.getByRole('group', { name: 'Pagination' }).getByLabel('offset').press('Space');
    expect(await shown.allTextContents()).toEqual(['Offset pagination']);
    expect(new URL(page.url()).search).toBe('?category=pagination&pagination=offset');
    expect(await page.locator('[data-count]').textContent()).toContain('1 of');
    await page.getByRole('button', { name: 'Show all' }).click();
    await expect.poll(() => new URL(page.url()).search).toBe('');
  });

  it('needs no script to narrow the index down, to compare, or to show the other language', async () => {
    const { page } = await open('', { javaScriptEnabled: false });
    await page.getByLabel('Auth 1').press('Space');
    expect(await page.locator('[data-cards] > .card:visible h3').allTextContents()).toEqual(['Token cache']);
    expect(await problemsWithoutScript(page)).toEqual([]);

    await page.goto(`${site.url}compare/`);
    await page.getByLabel('Backoff').press('Space');
    await page.getByLabel('Timeout').press('Space');
    expect(await page.locator('.compare-table thead th:visible a').allTextContents()).toEqual(['Backoff', 'Timeout']);
    expect(await problemsWithoutScript(page)).toEqual([]);

    await page.goto(`${site.url}patterns/timeout/`);
    await page.getByText('JavaScript', { exact: true }).click();
    expect(await page.getByRole('region', { name: 'timeout.js' }).isVisible()).toBe(true);
    expect(await problemsWithoutScript(page)).toEqual([]);
  });

  it('runs the pattern in the browser as it ran when the page was made, by less than 60 kB of script', async () => {
    const { page, complaints, sent } = await open('playground/adaptive-throttle/', { reducedMotion: 'reduce' });
    const before = await pictures(page);
    await settled(page);

    expect(before.every((picture) => picture.includes('<path'))).toBe(true);
    expect(await pictures(page)).toEqual(before);
    expect(await page.locator('[data-status]').textContent()).toContain('With the pattern: 0 answers 429');
    const own = [...sent].filter((url) =>
      /_astro\/(?:worker|_name_|adaptive-throttle|play|world|naive|rows)/.test(url),
    );
    expect(own.some((url) => url.includes('worker'))).toBe(true);
    expect(await weight(own)).toBeLessThan(60_000);
    expect(complaints).toEqual([]);
  });

  it('is steered by the keyboard, and its address leads back to the same run', async () => {
    const { page } = await open('playground/token-bucket/', { reducedMotion: 'reduce' });
    await settled(page);
    const [first] = await pictures(page);
    await page.getByLabel('The server allows').focus();
    await page.keyboard.press('ArrowLeft');
    await page.getByLabel('Seed').fill('7');
    await expect.poll(() => new URL(page.url()).search).toBe('?rate=4&seed=7');
    await settled(page);

    const changed = await pictures(page);
    expect(changed[0]).not.toBe(first);
    await page.reload();
    await settled(page);
    expect(await pictures(page)).toEqual(changed);
    expect(await page.getByLabel('The server allows').inputValue()).toBe('4');
    await page.getByText('All events as a table').click();
    const [naive, steady] = await page.locator('[data-events]').allTextContents();
    expect(naive).toContain('429');
    expect(steady).toContain('200');
    expect(steady).not.toContain('429');
  });

  it('weighs less than 300 kB a page', async () => {
    const { page, sent } = await open('patterns/adaptive-throttle/');
    await page.waitForFunction(() => document.querySelector('#starlight__search input'));
    expect(await weight(sent)).toBeLessThan(300_000);
  });

  it('says at any depth that a page is missing, and leads back to wherever the site stands', async () => {
    const { page, elsewhere } = await open('patterns/no/such/page/');
    const link = page.getByRole('link', { name: 'all patterns' });

    await expect.poll(() => link.getAttribute('href')).toBe(site.url);
    expect(await page.evaluate(() => getComputedStyle(document.body).display)).toBe('grid');
    expect(await violations(page)).toEqual([]);
    expect(elsewhere).toEqual([]);
  });

  // A site is built for it, which takes too long for every day.
  if (process.env.STEADFETCH_EVERY_PAGE) {
    it('says of a pattern that its evidence is stale, and what changed from version to version', async () => {
      using changed = await buildChanged('timeout');
      const other = await serveSite({ dist: changed.dist });
      const { page } = await open('patterns/timeout/', {}, other.url);

      const note = page.getByRole('note').filter({ hasText: 'The source has changed since this run' });
      expect(await note.isVisible()).toBe(true);
      expect(await page.locator('.badges').textContent()).toContain('proofs, stale');
      await page.getByText('What changed from 1.0.0 to 1.1.0').click();
      expect(await page.getByRole('region', { name: 'From 1.0.0 to 1.1.0' }).locator('ins').allTextContents()).toEqual([
        '+// Changed.',
      ]);
      expect(await violations(page)).toEqual([]);
      await page.goto(`${other.url}patterns/backoff/`);
      expect(await page.getByText('The source has changed since this run').count()).toBe(0);
      other.close();
    }, 300_000);
  }

  it('has no link that leads nowhere', () => {
    const files = readdirSync(DIST, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.html'));
    const pages = new Map(files.map((file) => [file, readFileSync(new URL(file, DIST), 'utf8')]));

    expect(pages.size).toBeGreaterThan(60);
    expect(deadLinks(pages)).toEqual([]);
  });

  /** A page, and all it asked other origins for, complained of, and was sent. */
  async function open(path: string, options: BrowserContextOptions = {}, origin = site.url) {
    const context = await browser.newContext({
      viewport: { width: 1_280, height: 800 },
      colorScheme: 'light',
      ...options,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const elsewhere: string[] = [];
    const complaints: string[] = [];
    const sent = new Set<string>();
    context.on('request', (request) => {
      const url = request.url();
      if (url.startsWith(origin)) sent.add(url);
      else if (!url.startsWith('data:')) elsewhere.push(url);
    });
    context.on('response', (response) => {
      if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`);
    });
    page.on('pageerror', ({ message }) => void complaints.push(message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(origin + path);
    return { page, elsewhere, complaints, sent };
  }
});

/** All pages there are, for `pnpm prove:pages`; or else those that stand for their kind. */
function pagesToLookAt(...sample: string[]): string[] {
  if (!process.env.STEADFETCH_EVERY_PAGE) return sample;
  const files = readdirSync(DIST, { recursive: true, encoding: 'utf8' });
  return files.filter((file) => file.endsWith('index.html')).map((file) => file.replace('index.html', ''));
}

/** Brings the built site up to date; where nothing has changed since the last time, that takes no time. */
async function build(): Promise<void> {
  const turbo = fileURLToPath(new URL('node_modules/.bin/turbo', ROOT));
  await promisify(execFile)(turbo, ['run', 'build', '--filter', '@steadfetch/catalog'], {
    cwd: fileURLToPath(ROOT),
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
  });
}

/** Prints each page there is, when all are looked at, and keeps what was printed where somebody wants to see it. */
async function print(page: Page, path: string): Promise<void> {
  if (!process.env.STEADFETCH_EVERY_PAGE) return;
  const { STEADFETCH_SCREENSHOTS: folder } = process.env;
  const pdf = await page.pdf({ format: 'A4', ...(folder && { path: `${folder}/${path.replaceAll('/', '-')}.pdf` }) });
  expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
}

/** Waits until a playground, if there is one, has run. */
async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const panel = document.querySelector('[data-play]');
    return panel === null || (panel.classList.contains('is-live') && !panel.hasAttribute('aria-busy'));
  });
}

function pictures(page: Page): Promise<string[]> {
  return page.locator('[data-picture]').evaluateAll((all) => all.map(({ innerHTML }) => innerHTML));
}

/** What a server sends that compresses. */
async function weight(urls: Iterable<string>): Promise<number> {
  let bytes = 0;
  for (const url of urls) {
    const body = Buffer.from(await (await fetch(url)).arrayBuffer());
    bytes += /\.(?:woff2|png)$/.test(url) ? body.length : gzipSync(body).length;
  }
  return bytes;
}
