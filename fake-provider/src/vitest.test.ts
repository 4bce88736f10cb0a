import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';

const run = promisify(execFile);
const folder = mkdtempSync(join(import.meta.dirname, '..', 'node_modules', '.use-fake-provider-'));
afterAll(() => rmSync(folder, { recursive: true }));

const outcome = vitest({
  passes: `
    const provider = useFakeProvider({ auth: false, faults: [{ fault: 'unavailable', on: { calls: [1] } }] }, { judgeManners: true });
    for (const _ of [1, 2]) {
      it('meets the fault of the first call', async () => {
        expect((await fetch(provider.url + '/items')).status).toBe(503);
      });
    }
  `,
  fails: `
    const provider = useFakeProvider({ faults: [{ fault: 'rate-limited', with: { retryAfterSeconds: 60 } }] }, { judgeManners: ['retry-after'] });
    const get = () => provider.fetch(provider.url + '/items');
    it('is patient', async () => { await get(); });
    it('is impatient', async () => { await get(); await get(); });
    it('is patient again', async () => { await get(); });
  `,
});

it('starts before, begins again between, and stops after; and lets good manners pass', async () => {
  expect((await outcome).out).toMatch(/ passes\.spec\.ts \(2 tests\)/);
});

it('fails the test in which a client showed bad manners, and no other', async () => {
  const { code, out } = await outcome;

  expect(code).toBe(1);
  expect(out).toMatch(/Tests +1 failed \| 4 passed/);
  expect(out).toMatch(/is impatient.*the client showed bad manners:\s+retry-after: GET \/items \(request 1, 2\)/s);
});

/** Runs test files in a Vitest of its own. */
async function vitest(tests: Readonly<Record<string, string>>): Promise<{ code: number; out: string }> {
  const provider = join(import.meta.dirname, 'vitest.ts');
  const imports = `import { expect, it } from 'vitest';\nimport { useFakeProvider } from ${JSON.stringify(provider)};\n`;
  for (const [name, text] of Object.entries(tests)) writeFileSync(join(folder, `${name}.spec.ts`), imports + text);
  writeFileSync(join(folder, 'vitest.config.ts'), `export default { test: { include: ['*.spec.ts'] } };\n`);
  const bin = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs');
  const { NODE_ENV: _, VITEST: __, ...env } = process.env;
  const options = { cwd: folder, env: { ...env, NO_COLOR: '1' } };
  return await run(process.execPath, [bin, 'run', '--root', folder], options).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout + stderr }),
    ({ code, stdout, stderr }) => ({ code, out: stdout + stderr }),
  );
}
