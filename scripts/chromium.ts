import { existsSync } from 'node:fs';

/** Chromium as a test starts it. */
export interface TestedChromium {
  /** Whether to skip what needs it: it is not installed, and need not be. */
  readonly isSkipped: boolean;
  /**
   * For playwright-core's `launch`.
   *
   * @throws `Error` if it is not installed.
   */
  options(): { readonly executablePath: string; readonly args: string[] };
}

/** Where it stands, its shell first: without its windows, it is half as heavy. */
const PLACES = [
  '/usr/bin/chromium-headless-shell',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

/** Nothing but the tested pages may ask the network for anything. */
const QUIET = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];

/**
 * Looks for Chromium, and says loudly where there is none.
 *
 * @param loss - What does not happen then.
 */
export function findChromium(loss: string): TestedChromium {
  const executablePath = PLACES.find(existsSync);
  const isSkipped = executablePath === undefined && process.env.STEADFETCH_REQUIRE_ALL !== '1';
  if (isSkipped) {
    console.warn(`SKIPPED: no Chromium is installed, so ${loss} (STEADFETCH_REQUIRE_ALL=1 makes this fail).`);
  }
  return {
    isSkipped,
    options() {
      if (executablePath === undefined) throw new Error('no Chromium is installed');
      return { executablePath, args: ['--no-sandbox', '--disable-gpu', ...QUIET] };
    },
  };
}
