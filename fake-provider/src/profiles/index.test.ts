import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../config.ts';
import { createProvider } from '../provider.ts';
import { profiles } from './index.ts';

it('lists every profile of this folder, and nothing else', () => {
  const files = readdirSync(import.meta.dirname).filter((file) => !file.endsWith('.test.ts'));
  const names = files.filter((file) => !FRAME.includes(file)).map((file) => file.replace(/\.ts$/, ''));

  expect(Object.keys(profiles).sort()).toEqual(names.sort());
});

describe.each(Object.entries(profiles))('the profile %s', (key, { name, summary, reference, unverified, config }) => {
  it('is known by its own name, and described in lines', () => {
    expect(name).toBe(key);
    for (const line of [summary, reference, ...unverified]) expect(line).toMatch(/^\S.+\S$/);
  });

  it('is a configuration', () => {
    expect(parseConfig({ profile: name })).toEqual({ ...parseConfig(config), profile: name });
  });

  it('leaves a configuration made of it as it is', () => {
    const whole = parseConfig({ profile: name });

    expect(parseConfig(whole)).toEqual(whole);
  });

  it('lets a configuration say otherwise, field by field', () => {
    const { auth, limits, dialect } = parseConfig({ profile: name, limits: [], auth: { tokenTtlSeconds: 5 } });

    expect(limits).toEqual([]);
    expect(auth).toMatchObject({ clients: { 'demo-client': { secret: 'demo-secret' } }, tokenTtlSeconds: 5 });
    expect(dialect).toBe(config.dialect ?? 'neutral');
  });
});

it('gives a provider its limits', async () => {
  const { fetch } = createProvider({ profile: 'github', auth: false });

  expect((await fetch('https://provider.test/repos/me/it/issues')).headers.get('x-ratelimit-limit')).toBe('5000');
});

it('names those that are, where a name is unknown', () => {
  expect(() => parseConfig({ profile: 'netscape' })).toThrow(/^profile: Invalid option: expected one of "default"\|"/);
});

/** What all of them share. */
const FRAME = ['index.ts', 'profile.ts'];
