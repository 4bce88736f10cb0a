import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, chromium as browsers, type Page, type Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findChromium } from '../../../../scripts/chromium.ts';

const chromium = findChromium('nobody looks at the live page');
const TOKEN = 'a-token-of-the-admin';

const CONFIG = {
  auth: false,
  clock: 'manual',
  limits: [
    { kind: 'token-bucket', name: 'burst', with: { ratePerSecond: 0.5, burst: 10 } },
    { kind: 'fixed-window', name: 'daily', purpose: 'quota', with: { limit: 1_000, windowSeconds: 86_400 } },
  ],
  faults: [
    { fault: 'rate-limited', on: { route: 'GET /items', calls: [3] } },
    { fault: 'unavailable', on: { route: 'GET /items', calls: [5] } },
  ],
};

describe.skipIf(chromium.isSkipped)('the live page', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'fake-provider-page-'));
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify(CONFIG));
  let browser: Browser;
  const servers = new Map<string, { readonly url: string; readonly process: ChildProcess }>();
  beforeAll(async () => {
    browser = await browsers.launch(chromium.options());
  }, 60_000);
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
  });
  afterAll(async () => {
    await browser?.close();
    for (const { process } of servers.values()) process.kill();
    rmSync(folder, { recursive: true });
  });

  it('is accessible in both colours and at both widths, and asks no other origin for anything', async () => {
    const url = await serve();
    await traffic(url);
    const { page, elsewhere, complaints } = await look(url);
    await page.getByText('#4: expected').first().waitFor();

    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [1_280, 320]) {
        const name = `${colorScheme}-${width}`;
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 900 });
        const { violations } = await axe(page);
        expect(violations.map(({ id, nodes }) => `${name}: ${id}: ${nodes[0]?.html}`)).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth), name).toBeLessThanOrEqual(width);
        if (process.env.STEADFETCH_SCREENSHOTS) {
          await page.screenshot({ path: join(process.env.STEADFETCH_SCREENSHOTS, `${name}.png`), fullPage: true });
        }
      }
    }
    expect({ elsewhere, complaints }).toEqual({ elsewhere: [], complaints: [] });
  });

  it('shows requests, faults and verdicts as they come', async () => {
    const url = await serve();
    const { page } = await look(url);
    await page.getByText('Nothing has been asked yet.').first().waitFor();
    expect(await page.locator('#faults').textContent()).toContain('unavailableGET /items: request 5 of a client');

    await traffic(url);
    await page.locator('#rows tr', { hasText: 'GET /nowhere' }).waitFor();
    expect(await page.locator('#timeline path').count()).toBe(6);
    expect(await page.locator('#timeline').getAttribute('aria-label')).toContain(
      '3 answered, 1 throttled, 1 failed, 1 refused',
    );
    expect(await page.locator('#rows tr').first().textContent()).toContain('GET /nowhere 404');
    expect(await page.locator('#manners li', { hasText: 'retry-after' }).textContent()).toContain('✕ broken 2 times');
  });

  it('shows limits drain and refill', async () => {
    const url = await serve();
    const { page } = await look(url);
    const burst = page.locator('#limits li', { hasText: 'burst' });
    await burst.getByText('10 of 10 left', { exact: true }).waitFor();
    for (let count = 0; count < 12; count += 1) await fetch(`${url}/items`);
    await burst.getByText('0 of 10 left', { exact: true }).waitFor();
    await burst.getByText('whole again in 20 s').waitFor();

    await fetch(`${url}/__admin/clock/advance`, { method: 'POST', body: '{"seconds": 8}' });
    await burst.getByText('4 of 10 left').waitFor();
  });

  it('shows what came of each request on the screen of a telephone', async () => {
    const url = await serve();
    await traffic(url);
    const { page } = await look(url, { width: 375 });
    const why = page.locator('#rows tr', { hasText: 'unavailable' }).locator('td').last();
    await why.waitFor();

    const { x, width } = (await why.boundingBox())!;
    expect(x + width).toBeLessThanOrEqual(375);
  });

  it('begins anew when the provider does', async () => {
    const url = await serve();
    const { page } = await look(url);
    await traffic(url);
    await page.locator('#timeline path').first().waitFor();

    await fetch(`${url}/__admin/reset`, { method: 'POST' });
    await page.getByText('Nothing has been asked yet.').first().waitFor();
    expect(await page.locator('#timeline path').count()).toBe(0);
  });

  it('stands still on demand, by the keyboard alone', async () => {
    const url = await serve();
    const { page } = await look(url);
    await page.clock.install();
    await page.reload();
    await page.getByText('Live.').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    await page.getByText('Paused.').waitFor();

    let polls = 0;
    page.on('request', () => {
      polls += 1;
    });
    await page.clock.runFor(10_000);
    expect(polls).toBe(0);
    await page.keyboard.press('Space');
    await page.getByText('Live.').waitFor();
  });

  it.each(['continue', 'abort'] as const)('stays paused where what was under way comes late: %s', async (end) => {
    const url = await serve();
    const { page } = await look(url);
    await page.addInitScript(countEnds);
    await page.clock.install();
    await page.reload();
    await page.getByText('Live.').waitFor();
    const asked = Promise.withResolvers<Route>();
    await page.route('**/__admin/state*', (route) => asked.resolve(route));
    await fetch(`${url}/nowhere`);
    await page.clock.runFor(1_000);
    const late = await asked.promise;
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused.').waitFor();
    const ended = await page.evaluate<number>('ends');

    await late[end]();
    // The page's policy forbids what `waitForFunction` does.
    await expect.poll(() => page.evaluate('ends')).toBe(ended + 1);

    expect(await page.locator('#status').textContent()).toBe('Paused.');
    expect(await page.locator('#rows').textContent()).toContain('Nothing has been asked yet.');
  });

  it('asks for the token, once', async () => {
    const url = await serve('--admin-token', TOKEN);
    const { page } = await look(url);
    await page.getByLabel('Admin token').fill('not the token at all');
    await page.keyboard.press('Enter');
    await page.getByText('This token is not the one.').waitFor();
    expect(await page.getByRole('heading', { name: 'Limits' }).isVisible()).toBe(false);
    expect((await axe(page)).violations).toEqual([]);

    await page.getByLabel('Admin token').fill(TOKEN);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Limits' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Limits' }).waitFor();
  });

  it('takes the token from behind the #, and hides it', async () => {
    const url = await serve('--admin-token', TOKEN);
    const { page } = await look(url, {}, `#token=${TOKEN}`);
    await page.getByRole('heading', { name: 'Limits' }).waitFor();

    expect(page.url()).toBe(`${url}/__admin/`);
  });

  /** A provider that begins anew, in a process of its own: a test runner would change the text of the page's function. */
  async function serve(...flags: string[]): Promise<string> {
    const server = servers.get(`${flags}`) ?? (await start(flags));
    servers.set(`${flags}`, server);
    await fetch(`${server.url}/__admin/reset`, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` } });
    return server.url;
  }

  async function start(flags: readonly string[]) {
    const bin = join(import.meta.dirname, '../../bin.ts');
    const process = spawn(
      globalThis.process.execPath,
      [bin, 'serve', '--port', '0', '--config', config, '--quiet', ...flags],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [chunk] = (await once(process.stdout!, 'data')) as [Buffer];
    return { url: /http:\S+/.exec(`${chunk}`)![0], process };
  }

  /** What axe has to say. There are no frames here, and its way with frames opens a page of its own each time. */
  function axe(page: Page) {
    return new AxeBuilder({ page }).setLegacyMode().analyze();
  }

  /** A 429, a retry that comes too early, a 503 and a path that leads nowhere. */
  async function traffic(url: string): Promise<void> {
    for (const path of ['/items', '/items', '/items', '/items', '/items?limit=5', '/nowhere']) {
      await fetch(`${url}${path}`);
      await fetch(`${url}/__admin/clock/advance`, { method: 'POST', body: '{"seconds": 0.4}' });
    }
  }

  /** Runs in the browser: counts the requests that came to an end. What the page makes of one is done before all else. */
  function countEnds(): void {
    const { json } = Response.prototype;
    const own = globalThis.fetch;
    const counter = Object.assign(globalThis, { ends: 0 });
    const count = (): void => {
      counter.ends += 1;
    };
    Response.prototype.json = function countedJson() {
      return json.call(this).finally(count);
    };
    globalThis.fetch = async function countedFetch(...args) {
      try {
        return await own(...args);
      } catch (error) {
        count();
        throw error;
      }
    };
  }

  async function look(url: string, { width = 1_280 } = {}, hash = '') {
    const context = await browser.newContext({ viewport: { width, height: 900 } });
    const page: Page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const elsewhere: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => {
      if (!/^data:/.test(request.url()) && new URL(request.url()).origin !== url) elsewhere.push(request.url());
    });
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
    page.on('pageerror', (error) => void complaints.push(error.message));
    await page.goto(`${url}/__admin/${hash}`);
    return { page, elsewhere, complaints };
  }
});
