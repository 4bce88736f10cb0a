import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { patternNames } from '../house/patterns.ts';
import { PATTERNS, PRINTED, programOf } from './programs.ts';
import { copied, emptyProject, openSite, shadcnAdd, steadfetchAdd } from './ways-in.ts';

const source = readFileSync('packages/timeout/src/timeout.ts', 'utf8');

// All patterns, in both languages, installed from packages too, and type-checked: pnpm prove:ways-in.
it('brings the very source into an empty project by shadcn and by steadfetch, and it runs', async () => {
  await using site = await openSite();
  using project = emptyProject();

  // An entry brings the pattern along that it imports.
  await Promise.all([
    shadcnAdd(project, site, ['timeout', 'token-bucket/redis']),
    steadfetchAdd(project, site, ['timeout', 'token-bucket/redis', '--dir', 'lib']),
  ]);

  for (const folder of ['src/patterns', 'lib']) {
    for (const [file, from] of [
      ['token-bucket-redis', 'redis'],
      ['token-bucket', 'token-bucket'],
    ]) {
      const expected = readFileSync(`packages/token-bucket/src/${from}.ts`, 'utf8');
      expect(copied(project, `${folder}/${file}.ts`).code, `${folder}/${file}`).toBe(expected);
    }
    project.write(
      'entry.ts',
      `import { redisBucket } from './${folder}/token-bucket-redis.ts';\nconsole.log(redisBucket.name);\n`,
    );
    expect(await project.run('entry.ts')).toBe('redisBucket\n');
  }
  for (const file of ['src/patterns/timeout.ts', 'lib/timeout.ts']) {
    const { origin, code } = copied(project, file);
    expect(origin, file).toMatch(/^\/\/ @steadfetch\/timeout \S+, MIT licence, https:/);
    expect(code, file).toBe(source);
    project.write('program.ts', programOf('timeout', 'ts', `./${file}`));
    expect(await project.run('program.ts'), file).toBe(PRINTED);
  }
});

it('knows a program for every pattern', () => {
  expect([...PATTERNS].sort()).toEqual([...patternNames].sort());
});
