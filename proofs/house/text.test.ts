import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { root } from './patterns.ts';

// Written so that this file does not hold what it looks for.
const machinePath = /(?<![\w.~-])\/(?:home|Users|root|work|farm|tmp|opt|mnt|srv)\/[\w.-]+/;
const registryHost = /\b(?:registry|npm|verdaccio|artifactory|nexus)\.[\w-]+\.[a-z]{2,}\b/;

it('mentions no path of any machine', () => {
  expect(lines(machinePath)).toEqual([]);
});

it('mentions no package registry, which each machine configures for itself', () => {
  expect(lines(registryHost)).toEqual([]);
});

it.each(['tmp', 'home', 'work'])('sees a path below %s', (folder) => {
  expect(`cd /${folder}/me`).toMatch(machinePath);
  expect(`"/${folder}/me"`).toMatch(machinePath);
  expect(`file:///${folder}/me`).toMatch(machinePath);
  expect(`https://api.test/${folder}/me`).not.toMatch(machinePath);
});

it.each(['registry', 'npm'])('sees a host called %s', (name) => {
  expect(`https://${name}.example.com/x`).toMatch(registryHost);
});

/** Every line that matches, as `file:line`, of all files git would take. */
function lines(pattern: RegExp): string[] {
  return files().flatMap((file) =>
    readFileSync(root + file, 'utf8')
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  );
}

function files(): string[] {
  const options = { cwd: root, encoding: 'utf8' } as const;
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], options);
  const deleted = execFileSync('git', ['ls-files', '-z', '--deleted'], options);
  return listed.split('\0').filter((file) => file !== '' && !deleted.split('\0').includes(file));
}
